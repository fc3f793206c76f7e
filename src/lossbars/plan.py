"""The plan of a run: from the configuration to paths and targets. Loads no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lossbars.blocks import blocks, pair_blocks, triple_blocks
from lossbars.config import AnyExperiment, load_config, scaled
from lossbars.experiments import DATASETS, Experiment, Model, Scale
from lossbars.function_experiments import Convergence, Functions


class Plan:
    """What is to be made, by which job, and where it goes. ``raw`` is config.yaml as read."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        config = load_config(raw)
        self.scale = config.scale
        self.data_root = _folder(config.data_root)
        self.cache = _folder(config.cache)
        self.experiments: dict[str, AnyExperiment] = {
            key: scaled(one, config.scale) for key, one in config.experiments.items()
        }
        self.networks = {key: one for key, one in self.experiments.items() if isinstance(one, Experiment)}
        self.functions = {key: one for key, one in self.experiments.items() if isinstance(one, Functions)}
        self.convergences = {key: one for key, one in self.experiments.items() if isinstance(one, Convergence)}
        self.results = results_folder(config.scale)
        self.given: Mapping[str, Any] = raw["experiments"]  # as a person wrote them

    # Names and paths ------------------------------------------------------------------------------

    def model(self, experiment: str, model: str) -> Model:
        """The recipe of one network."""
        return self.networks[experiment].models[model]

    def data_key(self, experiment: str) -> str:
        """The name of the experiment's data set as a file: its own, or the experiment's for a user's data."""
        name = self.networks[experiment].data
        return name if name in DATASETS else f"{experiment}-data"

    @property
    def data_keys(self) -> dict[str, str]:
        """Every data set's key and name."""
        return {self.data_key(key): one.data for key, one in self.networks.items()}

    def dataset_path(self, experiment: str) -> str:
        """Data sets are the same at every scale, and shared."""
        return f"results/datasets/{self.data_key(experiment)}.safetensors"

    def folder(self, experiment: str, model: str) -> str:
        """Where a model's artefacts are."""
        return f"{self.results}/{experiment}/{model}"

    def blocks(self, experiment: str) -> list[str]:
        """Blocks of seeds of an experiment."""
        one = self.networks[experiment]
        return blocks(one.seeds, one.seeds_per_job)

    def minima_paths(self, experiment: str, model: str, suffix: str) -> list[str]:
        """All blocks of minima; suffix ``safetensors`` or ``parquet``."""
        return [f"{self.folder(experiment, model)}/minima/{b}.{suffix}" for b in self.blocks(experiment)]

    def curve_paths(self, experiment: str, model: str, suffix: str) -> list[str]:
        """All blocks of curves."""
        pairs = pair_blocks(self.blocks(experiment))
        return [f"{self.folder(experiment, model)}/curves/{a}+{b}.{suffix}" for a, b in pairs]

    def triangle_paths(self, experiment: str, model: str, suffix: str) -> list[str]:
        """All blocks of triangles; none where the model has no triangles."""
        if self.model(experiment, model).triangles is None:
            return []
        triples = triple_blocks(self.blocks(experiment))
        return [f"{self.folder(experiment, model)}/triangles/{a}+{b}+{c}.{suffix}" for a, b, c in triples]

    def kinds(self, experiment: str, model: str) -> list[str]:
        """What is trained for a model, in this order."""
        return ["minima", "curves"] + ["triangles"] * (self.model(experiment, model).triangles is not None)

    def usage_path(self, experiment: str) -> str:
        """What the experiment's jobs used: measurements, which differ from run to run."""
        return f"{self.results}/{experiment}/benchmarks/usage.parquet"

    def of_models(self, experiment: str, name: str) -> list[str]:
        """One file of every model of an experiment."""
        return [f"{self.folder(experiment, model)}/{name}" for model in self.experiments[experiment].models]

    @property
    def figures(self) -> dict[str, tuple[str, str]]:
        """Figure key → (experiment, figure)."""
        return {f"{key}-{figure}": (key, figure) for key, one in self.experiments.items() for figure in one.figures}

    def figure_paths(self, experiment: str, suffix: str) -> list[str]:
        """All figures of an experiment."""
        return [f"{self.results}/figures/{key}.{suffix}" for key, (own, _) in self.figures.items() if own == experiment]

    def barcode_paths(self, experiment: str) -> list[str]:
        """Barcodes as records, of each model; where only distances are measured there are none."""
        return [] if experiment in self.convergences else self.of_models(experiment, "barcode.json")


def _folder(path: str | None) -> str | None:
    """As a shell would read it; a relative one is below the folder that the run is started in."""
    return None if path is None else str(Path(path).expanduser())


def results_folder(scale: Scale) -> str:
    """Budgets never mix: each scale has a folder of its own."""
    if scale == Scale():
        return "results"
    parts = {name: f"{value:g}" for name, value in scale.model_dump().items()}
    if len(set(parts.values())) == 1:
        return f"results/scale={scale.epochs:g}"
    return "results/scale=" + ",".join(f"{name}-{value}" for name, value in parts.items() if value != "1")
