"""Groups of units of a network, and which axes of its parameters count them.

A unit is a feature of a linear layer, a channel of a convolution, a coordinate of an embedding. Units of two layers are
the same where what the layers give is added, or goes into one layer.
"""

Axis = tuple[str, int]  # of a parameter


class UnitGroups:
    """Groups of units, merged as they are seen to be the same (union and find)."""

    fixed = 0  # units that stay where they are

    def __init__(self) -> None:
        self.parents, self.sizes, self.frozen = [0], [0], [True]
        self.axes: dict[Axis, tuple[int, int]] = {}  # of parameters → group and span

    def new(self, size: int) -> int:
        """A group of so many units."""
        self.parents.append(len(self.parents))
        self.sizes.append(size)
        self.frozen.append(False)
        return len(self.parents) - 1

    def root(self, group: int) -> int:
        """The group that this one was merged into."""
        while self.parents[group] != group:
            group = self.parents[group]
        return group

    def freeze(self, group: int) -> None:
        """Its units stay where they are."""
        self.frozen[self.root(group)] = True

    def merge(self, one: int, other: int) -> None:
        """The units of both are the same, in the same order; of different numbers of units both are frozen."""
        one, other = self.root(one), self.root(other)
        if self.sizes[one] != self.sizes[other]:
            self.freeze(one)
            self.freeze(other)
        else:
            self.frozen[one] |= self.frozen[other]
            self.parents[other] = one

    def join(self, parameter: str, axis: int, group: int, span: int = 1) -> None:
        """An axis of a parameter counts the units of a group, ``span`` entries for each."""
        before, spanned = self.axes.setdefault((parameter, axis), (group, span))
        if spanned == span:
            self.merge(before, group)
        else:
            self.freeze(before)
            self.freeze(group)

    def free(self) -> dict[int, list[tuple[Axis, int]]]:
        """Groups that may be permuted → the axes that count their units, and the span on each."""
        groups: dict[int, list[tuple[Axis, int]]] = {}
        for axis, (group, span) in self.axes.items():
            if not self.frozen[root := self.root(group)]:
                groups.setdefault(root, []).append((axis, span))
        return groups
