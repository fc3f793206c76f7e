"""Networks by their kinds, and what a new one takes."""

from importlib import import_module
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from lossbars.networks.specs import KINDS, MLPSpec, NetworkSpec
from support.additions import run_with

NEW = """
from functools import partial

from torch import nn

from lossbars.networks.make import DataShape, Maker
from lossbars.networks.specs import OnlyLinearSpec


def maker(spec: OnlyLinearSpec, shape: DataShape) -> Maker:
    return partial(nn.Linear, shape.inputs[0], shape.outputs, spec.biases)
"""
SPEC = """
class OnlyLinearSpec(Architecture):
    kind: Literal["only-linear"]
    biases: bool = True

    def size(self, data: Size) -> Network:
        products = data.inputs * data.outputs
        return Network(products + self.biases * data.outputs, products, data.outputs, 1, stacked=True)


"""
CODE = """
import sys
from pydantic import TypeAdapter
from lossbars.networks.specs import NetworkSpec
spec = TypeAdapter(NetworkSpec).validate_python({"kind": "only-linear", "biases": False})
from lossbars.datasets.specs import Size
print(spec.size(Size(1, 1, 3, 2)).parameters, spec.module, "torch" in sys.modules)
from lossbars.networks.make import DataShape, network_maker
print(network_maker(spec, DataShape((3,), 2))())
"""


def test_a_new_network_takes_a_file_and_a_class(tmp_path: Path) -> None:
    place = {"networks/specs.py": ("class CustomNetwork(Architecture):", SPEC.lstrip())}
    printed = run_with(tmp_path, {"networks/only_linear.py": NEW}, place, CODE).splitlines()
    assert printed[0] == "6 lossbars.networks.only_linear False"
    assert printed[1] == "Linear(in_features=3, out_features=2, bias=False)"


def test_every_kind_has_its_module() -> None:
    assert list(KINDS)[:2] == ["mlp", "lenet"] and "custom" in KINDS and len(KINDS) >= 10
    for kind, spec in KINDS.items():
        module = spec.model_construct(kind=kind).module
        assert callable(import_module(module).maker), module


def test_a_network_is_read_by_its_kind() -> None:
    read = TypeAdapter(NetworkSpec).validate_python
    assert read({"kind": "mlp", "depth": 2}) == MLPSpec(kind="mlp", depth=2)
    with pytest.raises(ValidationError, match=r"'mlp', 'lenet', .*'custom'"):
        read({"kind": "none"})
