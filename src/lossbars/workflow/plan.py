"""The plan of a run: from the configuration to paths and targets. Loads no torch."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lossbars.datasets.specs import DATASETS, PTB_FILES, TextData, is_text
from lossbars.experiments.convergence.config import Convergence
from lossbars.experiments.escape.config import Escape
from lossbars.experiments.functions.config import Functions
from lossbars.experiments.hessian.config import Hessians
from lossbars.experiments.networks.config import Experiment, Model
from lossbars.experiments.saddles.config import Saddles
from lossbars.experiments.strings.config import StringSampling
from lossbars.workflow.blocks import blocks, parts
from lossbars.workflow.config import AnyExperiment, load_config, scaled
from lossbars.workflow.experiment import Scale


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
        self.escapes = {key: one for key, one in self.experiments.items() if isinstance(one, Escape)}
        self.saddles = {key: one for key, one in self.experiments.items() if isinstance(one, Saddles)}
        self.strings = {key: one for key, one in self.experiments.items() if isinstance(one, StringSampling)}
        self.with_data: dict[str, Experiment | StringSampling] = self.networks | {
            key: one for key, one in self.strings.items() if one.data is not None
        }
        self.hessians = {key: one for key, one in self.experiments.items() if isinstance(one, Hessians)}
        self.results = results_folder(config.scale)
        self.given: Mapping[str, Any] = raw["experiments"]  # as a person wrote them

    # Names and paths ------------------------------------------------------------------------------

    def model(self, experiment: str, model: str) -> Model:
        """The recipe of one network."""
        return self.networks[experiment].models[model]

    def data(self, experiment: str) -> str | TextData:
        """The data set of an experiment that has one. Raises KeyError of others."""
        found = self.with_data[experiment].data
        assert found is not None
        return found

    def data_key(self, experiment: str) -> str:
        """The name of the experiment's data set as a file: its own, or the experiment's for a user's data.

        Experiments on one text share it: it is named by what the configuration says of it.
        """
        data = self.data(experiment)
        if isinstance(data, TextData):
            return f"text-{hashlib.sha256(data.model_dump_json().encode()).hexdigest()[:8]}"
        return data if isinstance(data, str) and data in DATASETS else f"{experiment}-data"

    @property
    def paper(self) -> list[str]:
        """Experiments of the target ``paper``: all but the default, and those that lack their text."""
        return [key for key in self.experiments if key != "digits" and not self.lacks_text(key)]

    def lacks_text(self, experiment: str) -> bool:
        """Whether an experiment is on a text that nobody has put there; other data are downloaded."""
        data = self.data(experiment) if experiment in self.with_data else ""
        if not is_text(data) or Path(self.dataset_path(experiment)).is_file():
            return False
        if not isinstance(data, TextData):
            return self.data_root is None or not all((Path(self.data_root) / name).is_file() for name in PTB_FILES)
        place = Path(self.data_root or "") / Path(data.path).expanduser()
        return not (place.is_file() or (place.is_dir() and any(place.iterdir())))

    @property
    def data_keys(self) -> dict[str, str | TextData]:
        """Every data set's key, and its name or where its text is."""
        return {self.data_key(key): self.data(key) for key in self.with_data}

    def dataset_path(self, experiment: str) -> str:
        """Data sets are the same at every scale, and shared."""
        return f"results/datasets/{self.data_key(experiment)}.safetensors"

    def folder(self, experiment: str, model: str) -> str:
        """Where a model's artefacts are."""
        return f"{self.results}/{experiment}/{model}"

    def blocks(self, experiment: str, model: str) -> list[str]:
        """Blocks of seeds of a model."""
        one = self.networks[experiment]
        return blocks(one.seeds, one.seeds_per_job, max(1, len(one.models[model].groups)))

    def parts(self, experiment: str, model: str, kind: str) -> list[str]:
        """Names of the jobs that train one kind of a model."""
        return parts(kind, self.blocks(experiment, model), self.networks[experiment].across)

    def kinds(self, experiment: str, model: str) -> list[str]:
        """What is trained for a model, in this order."""
        return list(self.model(experiment, model).kinds)

    def trained_paths(self, experiment: str, model: str, kind: str, suffix: str) -> list[str]:
        """All parts of one kind; suffix ``safetensors`` or ``parquet``."""
        folder = self.folder(experiment, model)
        return [f"{folder}/{kind}/{part}.{suffix}" for part in self.parts(experiment, model, kind)]

    def string_blocks(self, experiment: str) -> list[str]:
        """Blocks of the pairs of each model that strings connect."""
        whole = self.strings[experiment]
        return blocks(whole.pairs, whole.pairs_per_job)

    def string_paths(self, experiment: str, model: str, suffix: str) -> list[str]:
        """All blocks of a model's strings."""
        folder = self.folder(experiment, model)
        return [f"{folder}/strings/{block}.{suffix}" for block in self.string_blocks(experiment)]

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
        """Barcodes as records, of each model that has one."""
        return self.of_models(experiment, "barcode.json") if self.has_barcodes(experiment) else []

    def has_barcodes(self, experiment: str) -> bool:
        """Whether its models have a barcode.json; where only distances or rates are measured they have none."""
        return experiment in self.networks or experiment in self.functions


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
