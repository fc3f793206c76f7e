"""Blocks of seeds: the unit of work. ``3`` is one seed, ``0-9`` are ten.

The minima of a model's second group have the seeds 1000, 1001, …, those of the third 2000, …; so that more seeds of one
group leave the others' numbers as they are, and a block has minima of one group.
"""

import itertools
from collections.abc import Iterable

from lossbars.seeding import SEEDS, group_of

Pair = tuple[int, int]
Triple = tuple[int, int, int]


def block_name(seeds: Iterable[int]) -> str:
    """``range(0, 10)`` → ``0-9``."""
    ordered = list(seeds)
    return str(ordered[0]) if len(ordered) == 1 else f"{ordered[0]}-{ordered[-1]}"


def block_seeds(name: str) -> list[int]:
    """``0-9`` → [0, …, 9]."""
    first, _, last = name.partition("-")
    return list(range(int(first), int(last or first) + 1))


def blocks(seeds: int, size: int, groups: int = 1) -> list[str]:
    """Names of the blocks of ``seeds`` seeds of each group; the last may be smaller. More seeds keep the full ones."""
    firsts = [(SEEDS * group, first) for group in range(groups) for first in range(0, seeds, size)]
    return [block_name(range(low + first, low + min(first + size, seeds))) for low, first in firsts]


def groups_of(part: str) -> str:
    """Numbers of the groups of a block, or of the blocks of a pair or a triple: ``0``, ``0+1``, …"""
    return "+".join(map(str, sorted({group_of(block_seeds(name)[0]) for name in part.split("+")})))


def block_pairs(one: str, other: str) -> list[Pair]:
    """Pairs a < b with a in one block and b in the other; within a block, each pair once."""
    return [(a, b) for a, b in itertools.product(block_seeds(one), block_seeds(other)) if a < b]


def block_triples(one: str, two: str, three: str) -> list[Triple]:
    """Triples a < b < c with one minimum of each block."""
    product = itertools.product(block_seeds(one), block_seeds(two), block_seeds(three))
    return [(a, b, c) for a, b, c in product if a < b < c]


def base(kind: str) -> str:
    """The rule that a recipe is of: ``curves-flow`` → ``curves``."""
    return kind.partition("-")[0]


def parts(names: list[str], minima: int, across: bool = True) -> list[str]:
    """Parts of the jobs on 1, 2 or 3 ``minima`` each: a block, or the blocks of a pair or a triple.

    ``across`` is whether those of several groups are among them.
    """
    joined = map("+".join, itertools.combinations_with_replacement(names, minima))
    return [part for part in joined if stacked(part) and (across or "+" not in groups_of(part))]


def stacked(part: str) -> int:
    """How many minima, or pairs or triples of them, one job trains on."""
    seeds = itertools.product(*map(block_seeds, part.split("+")))
    return sum(all(a < b for a, b in itertools.pairwise(chosen)) for chosen in seeds)
