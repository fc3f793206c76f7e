"""Blocks of seeds: the unit of work. ``3`` is one seed, ``0-9`` are ten."""

import itertools
from collections.abc import Iterable

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


def blocks(seeds: int, size: int) -> list[str]:
    """Names of the blocks of seeds 0, 1, …; the last may be smaller. Adding seeds keeps the full ones."""
    return [block_name(range(first, min(first + size, seeds))) for first in range(0, seeds, size)]


def block_pairs(one: str, other: str) -> list[Pair]:
    """Pairs a < b with a in one block and b in the other; within a block, each pair once."""
    return [(a, b) for a, b in itertools.product(block_seeds(one), block_seeds(other)) if a < b]


def block_triples(one: str, two: str, three: str) -> list[Triple]:
    """Triples a < b < c with one minimum of each block."""
    product = itertools.product(block_seeds(one), block_seeds(two), block_seeds(three))
    return [(a, b, c) for a, b, c in product if a < b < c]


def pair_blocks(names: list[str]) -> list[tuple[str, str]]:
    """Pairs of blocks that have pairs of seeds."""
    return [p for p in itertools.combinations_with_replacement(names, 2) if block_pairs(*p)]


def triple_blocks(names: list[str]) -> list[tuple[str, str, str]]:
    """Triples of blocks that have triples of seeds."""
    return [t for t in itertools.combinations_with_replacement(names, 3) if block_triples(*t)]


def parts(kind: str, names: list[str]) -> list[str]:
    """What the jobs that train minima, curves or triangles are called: a block, or the blocks of a pair or a triple."""
    if kind == "minima":
        return names
    return ["+".join(several) for several in (pair_blocks(names) if kind == "curves" else triple_blocks(names))]


def stacked(kind: str, part: str) -> int:
    """How many minima, curves or triangles one job trains."""
    names = part.split("+")
    if kind == "minima":
        return len(block_seeds(*names))
    return len(block_pairs(*names) if kind == "curves" else block_triples(*names))
