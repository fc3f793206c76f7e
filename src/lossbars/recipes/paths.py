"""Recipes of paths and strings: how points and beads between minima are moved. Loads no torch."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, PositiveInt, Tag

from lossbars.recipes.base import Amount, Recipe, yaml_number
from lossbars.recipes.descent import Descent
from lossbars.recipes.refinement import refined
from lossbars.recipes.simplices import ALIGNED, Align, Curves


class Insertion(Recipe):
    """New points where neighbours have come apart (Barannikov et al. 2020, Topological obstructions, Algorithm 4)."""

    every: PositiveInt = 25  # epochs between two decisions
    criterion: Literal["distance", "loss"] = "distance"
    threshold: Annotated[float, Field(gt=0), BeforeValidator(yaml_number)] = 1.2  # T


class Path(Recipe):
    """Points joined by straight segments, moved by the normal-gradient flow.

    Barannikov et al. 2020, Topological obstructions, Algorithm 3.
    """

    kind: Literal["path"]
    points: Annotated[int, Field(ge=3)] = 19  # the two minima included
    insertion: Insertion | None = None
    redistribute: Annotated[int, Field(ge=0)] = 0  # every so many steps, to equal distances along the path; 0: never
    climb: Annotated[float, Field(ge=0, le=1), BeforeValidator(yaml_number)] = 0.0
    """Share of the epochs, at the end, in which each path's highest point climbs to its saddle."""


class PathGrid(Recipe):
    """Where a path is evaluated: at its points, and between neighbours."""

    between: Annotated[int, Field(ge=0)] = 4  # places on each segment; 4: α = .2, .4, .6, .8 (same text, §3.2)
    refinements: Annotated[int, Field(ge=0)] = 2  # rounds, each halving the spacing at the highest places

    @property
    def of_segment(self) -> int:
        """How many places are measured on a segment by itself, its ends apart."""
        return self.between + refined(self.between + 1, self.refinements)


class Paths(Descent):
    """A path for every pair of minima, all of its points in every step."""

    family: Path
    align: Align = "none"
    grid: PathGrid = PathGrid()

    @property
    def label(self) -> str:
        """What figures and claims call the recipe."""
        return f"flow, {self.family.points} points{ALIGNED[self.align]}"

    @property
    def climbs_from(self) -> int:
        """The first epoch in which highest points climb; the number of epochs, where none does."""
        share = self.family.climb
        return self.epochs - max(1, round(share * self.epochs)) * (share > 0)

    def scaled(self, factor: float) -> "Paths":
        """As any descent; points are inserted more often in as much, and not at all where no epoch is left for it."""
        fewer = super().scaled(factor)
        if not (insertion := self.family.insertion):
            return fewer
        every = max(1, round(insertion.every * factor))
        sooner = insertion.model_copy(update={"every": every}) if every < fewer.climbs_from else None
        return fewer.model_copy(update={"family": self.family.model_copy(update={"insertion": sooner})})


class String(Recipe):
    """Beads joined by straight segments, put in where a segment is above a threshold and trained to below it.

    Dynamic String Sampling (Freeman & Bruna 2017, §3.1; with ``spring`` or ``hyperplane``, appendix A).
    """

    kind: Literal["string"]
    insertion: Literal["maximum", "middle"] = "maximum"  # where on a segment a new bead begins
    margin: Annotated[float, Field(ge=0, lt=1), BeforeValidator(yaml_number)] = 0.02  # section 3.2: 1 − α, α = .98
    """Beads are trained to this share below the threshold, counted from the least that there can be."""
    tighten: Annotated[float, Field(gt=0, le=1), BeforeValidator(yaml_number)] = 0.5  # 1: the margin stays (the text)
    """Times this the margin is in each further round: beads then stop nearer to where they were put in."""
    rounds: PositiveInt = 10  # of putting beads in and training them, at each threshold
    most: Annotated[int, Field(ge=3)] = 200  # beads of a string, its ends with them
    spring: Amount = 0.0  # ζ of ζ/2 (|θ_i − θ_{i−1}|² + |θ_i − θ_{i+1}|²), added to a bead's training loss
    hyperplane: Amount = 0.0  # κ of κ/2 times its squared distance from the hyperplane between its two neighbours


class Beads(Descent):
    """How beads are trained, and strings of them are checked; ``epochs`` are a bead's at most, in each round."""

    family: String
    check_every: PositiveInt = 1  # steps of training between two looks at whether a bead is below its target
    grid: PathGrid = PathGrid(between=20)  # where a string is checked


class Strings(Beads):
    """A string for every pair of minima, at the lowest threshold at which Dynamic String Sampling connects them."""

    align: Align = "none"
    halvings: PositiveInt = 12  # thresholds tried, each halfway between one that connects and one that did not

    @property
    def label(self) -> str:
        """What figures and claims call the recipe."""
        return f"strings (DSS), margin {self.family.margin:g}{ALIGNED[self.align]}"


def _kind_of_curves(value: Any) -> str:
    """Which of the three a mapping, or a recipe, is: its family says. What is neither is refused as the first."""
    family = value.get("family") if isinstance(value, dict) else getattr(value, "family", None)
    kind = family.get("kind") if isinstance(family, dict) else getattr(family, "kind", None)
    return {"path": "paths", "string": "strings"}.get(kind or "", "curves")


AnyCurves = Annotated[
    Annotated[Curves, Tag("curves")] | Annotated[Paths, Tag("paths")] | Annotated[Strings, Tag("strings")],
    Discriminator(_kind_of_curves),
]
