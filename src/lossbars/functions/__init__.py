"""Functions with known minima and saddles, as landscapes."""

from lossbars.functions.benchmarks import Function as Function
from lossbars.functions.benchmarks import alpine01 as alpine01
from lossbars.functions.benchmarks import bent_double_well as bent_double_well
from lossbars.functions.benchmarks import himmelblau as himmelblau
from lossbars.functions.benchmarks import holder_table as holder_table
from lossbars.functions.benchmarks import langermann as langermann
from lossbars.functions.benchmarks import mueller_brown as mueller_brown
from lossbars.functions.benchmarks import rastrigin as rastrigin
from lossbars.functions.benchmarks import schwefel26 as schwefel26
from lossbars.functions.benchmarks import six_hump_camel as six_hump_camel
from lossbars.functions.benchmarks import wavy as wavy
from lossbars.functions.benchmarks import xin_she_yang04 as xin_she_yang04
