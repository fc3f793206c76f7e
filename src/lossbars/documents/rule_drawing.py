"""Where the boxes and arrows of a graph of rules go: a drawing without a graph library."""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

WIDTH, HEIGHT, GAP, ROW = 92, 44, 26, 70  # of a box, between columns, from row to row, in pixels
TIP = 7  # length of an arrow's tip


Needs = Mapping[str, list[str]]


@dataclass(frozen=True)
class Box:
    """A rule."""

    name: str
    x: int
    y: int


@dataclass(frozen=True)
class Drawing:
    """Boxes, arrows as paths of SVG, and the size of both."""

    boxes: list[Box]
    arrows: list[str]
    width: int
    height: int


def draw(graph: Mapping[str, list[str]]) -> Drawing:
    """Lay out rule → rules it needs, from left to right; an arrow that others imply is left out."""
    needs = {name: [other for other in others if other in graph] for name, others in graph.items()}
    order = list(TopologicalSorter(needs).static_order())
    column: dict[str, int] = {}
    for name in order:
        column[name] = 1 + max((column[other] for other in needs[name]), default=-1)
    rows: dict[int, list[str]] = {}
    for name in graph:  # within a column in the order given
        rows.setdefault(column[name], []).append(name)
    place = {
        name: Box(name, column[name] * (WIDTH + GAP), i * ROW)
        for names in rows.values()
        for i, name in enumerate(names)
    }
    arrows = [_arrow(place[a], place[b]) for a, b in _direct(needs, order)]
    width = len(rows) * (WIDTH + GAP) - GAP
    return Drawing([place[name] for name in graph], arrows, width, (max(map(len, rows.values())) - 1) * ROW + HEIGHT)


def _direct(needs: Needs, order: list[str]) -> list[tuple[str, str]]:
    """Arrows that no longer way replaces (the transitive reduction)."""
    before: dict[str, set[str]] = {}
    for name in order:
        before[name] = set(needs[name]).union(*(before[other] for other in needs[name]))
    return [(a, b) for b in order for a in needs[b] if not any(a in before[other] for other in needs[b])]


def _arrow(a: Box, b: Box) -> str:
    start, end = a.y + HEIGHT // 2, b.y + HEIGHT // 2
    bend = b.x - GAP // 2  # a long arrow stays in its row up to the last gap
    return f"M{a.x + WIDTH},{start} H{b.x - GAP} C{bend},{start} {bend},{end} {b.x - TIP},{end}"
