"""All kinds of experiments. A new kind is a folder beside this file, a file of rules and a line here."""

from lossbars.experiments.convergence.kind import ConvergenceKind
from lossbars.experiments.escape.kind import EscapeKind
from lossbars.experiments.functions.kind import FunctionsKind
from lossbars.experiments.hessian.kind import HessianKind
from lossbars.experiments.networks.kind import NetworksKind
from lossbars.experiments.saddles.kind import SaddlesKind
from lossbars.experiments.strings.kind import StringsKind
from lossbars.workflow.kind import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        NetworksKind(),
        FunctionsKind(),
        ConvergenceKind(),
        EscapeKind(),
        SaddlesKind(),
        StringsKind(),
        HessianKind(),
    )
}
