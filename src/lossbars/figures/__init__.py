"""Figures: tables in, a matplotlib ``Figure`` out.

Every function here is pure: it reads no file, opens no window, and leaves matplotlib's settings as they were.
The order of ``labels`` is the order of drawing, and models that ``labels`` does not name are left out.
A new figure is one file and one line here.
"""

from lossbars.figures.barcodes import barcodes as barcodes
from lossbars.figures.persistence import persistence as persistence
from lossbars.figures.profiles import profiles as profiles
from lossbars.figures.robustness import robustness as robustness
from lossbars.figures.style import save as save
from lossbars.figures.to_score import to_score as to_score
from lossbars.figures.triangle import triangle as triangle
