"""Figures: tables in, a matplotlib ``Figure`` out.

Every function here is pure: it reads no file, opens no window, and leaves matplotlib's settings as they were.
The order of ``labels`` is the order of drawing, and models that ``labels`` does not name are left out.
A new figure is one file and one line here.
"""

from lossbars.figures.barcodes import barcodes as barcodes
from lossbars.figures.bridge import bridge as bridge
from lossbars.figures.complexity import complexity as complexity
from lossbars.figures.components import components as components
from lossbars.figures.convergence import convergence as convergence
from lossbars.figures.critical_energy import critical_energy as critical_energy
from lossbars.figures.death_error import death_error as death_error
from lossbars.figures.embeddings import embeddings as embeddings
from lossbars.figures.escape_polynomials import escape_polynomials as escape_polynomials
from lossbars.figures.escape_rates import escape_rates as escape_rates
from lossbars.figures.escape_regimes import escape_regimes as escape_regimes
from lossbars.figures.escape_steps import escape_steps as escape_steps
from lossbars.figures.escape_trajectories import escape_trajectories as escape_trajectories
from lossbars.figures.hessian_spectra import hessian_spectra as hessian_spectra
from lossbars.figures.index_energy import index_energy as index_energy
from lossbars.figures.insertion import insertion as insertion
from lossbars.figures.modulo import modulo as modulo
from lossbars.figures.net_spectrum import net_spectrum as net_spectrum
from lossbars.figures.null_space import null_space as null_space
from lossbars.figures.optimisers import optimisers as optimisers
from lossbars.figures.pairs import pairs as pairs
from lossbars.figures.path_norms import path_norms as path_norms
from lossbars.figures.persistence import persistence as persistence
from lossbars.figures.profiles import profiles as profiles
from lossbars.figures.robustness import robustness as robustness
from lossbars.figures.string_answers import string_answers as string_answers
from lossbars.figures.string_bridge import string_bridge as string_bridge
from lossbars.figures.string_lengths import string_lengths as string_lengths
from lossbars.figures.string_views import string_views as string_views
from lossbars.figures.style import save as save
from lossbars.figures.sublevel_bars import sublevel_bars as sublevel_bars
from lossbars.figures.surface import surface as surface
from lossbars.figures.tiny_bars import tiny_bars as tiny_bars
from lossbars.figures.to_score import to_score as to_score
from lossbars.figures.triangle import triangle as triangle
