"""A user's own data and networks, named as path/to/file.py:name; and what makes data sound."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from lossbars.datasets.dataset import DataError, Dataset, as_inputs
from lossbars.datasets.load import load_dataset
from lossbars.networks.custom import load_network
from lossbars.networks.make import DataShape, network_maker
from lossbars.networks.specs import CustomNetwork
from lossbars.user_files import load_object

DATA = """
import torch

def tensors():
    g = torch.Generator().manual_seed(0)
    x, y = torch.rand(6, 2, generator=g), torch.tensor([0, 1, 2, 0, 1, 2])
    return x, y, x[:3], y[:3]

def in_order():
    return tensors()

def by_name():
    x, y, tx, ty = tensors()
    return {"test_y": ty, "train_x": x, "test_x": tx, "train_y": y}

def regression():
    x, _, tx, _ = tensors()
    return x, torch.stack([x[:, 0], -x[:, 1]], 1), tx, tx

def three():
    return tensors()[:3]

def misnamed():
    return {"train_x": 1}

def no_tensors():
    return [1, 2, 3, 4]

def nan():
    x, y, tx, ty = tensors()
    return x / 0, y, tx, ty
"""


@pytest.fixture
def my_data(tmp_path: Path) -> str:
    (tmp_path / "my_data.py").write_text(DATA)
    return str(tmp_path / "my_data.py")


def test_own_data_in_order_or_by_name(my_data: str, tmp_path: Path) -> None:
    for function in ("in_order", "by_name"):
        data = load_dataset(f"{my_data}:{function}", None, tmp_path)
        assert data.train_y.tolist() == [0, 1, 2, 0, 1, 2] and data.test_y.tolist() == [0, 1, 2]
        assert torch.equal(data.train_x[:3], data.test_x) and data.outputs == 3
    assert load_dataset(f"{my_data}:regression", None, tmp_path).outputs == 2


@pytest.mark.parametrize("function", ["three", "misnamed", "no_tensors", "nan", "absent"])
def test_own_data_that_are_none_are_refused_by_name(my_data: str, function: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"{my_data}:{function}"):
        load_dataset(f"{my_data}:{function}", None, tmp_path)


X, Y = torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_y": Y[:3]}, "train set: 4 inputs and 3 targets"),
        ({"test_x": X[:0], "test_y": Y[:0]}, "test set: 0 inputs"),
        ({"train_x": X.double()}, "inputs are torch.float64"),
        ({"train_y": Y - 1}, "classes count from 0"),
        ({"test_y": Y.int()}, r"test set: targets are torch.int32 \(4,\)"),
        ({"train_y": Y.float()}, "targets are torch.float32"),
        ({"test_x": X / 0}, "test set: inputs have NaN"),
        ({"test_x": torch.zeros(4, 3)}, r"training inputs have shape \(2,\), test inputs \(3,\)"),
    ],
)
def test_unsound_data_are_refused(change: dict[str, Tensor], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Dataset(**({"train_x": X, "train_y": Y, "test_x": X, "test_y": Y} | change))


def test_outputs_count_classes_of_both_sets() -> None:
    assert Dataset(X, Y, X, Y + 3).outputs == 5 and Dataset(X, X, X, X).outputs == 2


def test_bytes_become_numbers_up_to_one() -> None:
    x = torch.tensor([[0, 51, 255]], dtype=torch.uint8)
    assert as_inputs(x).tolist() == [[0.0, pytest.approx(0.2), 1.0]] and as_inputs(x).dtype == torch.float32
    reals = torch.tensor([[-3.0, 255.0]])
    assert as_inputs(reals) is reals  # real numbers stay as they are


NETWORK = """
from torch import nn
from my_neighbour import WIDTH

class Net(nn.Module):
    def __init__(self, outputs=2):
        super().__init__()
        self.fc = nn.Linear(WIDTH, outputs)

    def forward(self, x):
        return self.fc(x)

def function():
    return Net()
"""


def test_own_network(tmp_path: Path) -> None:
    (tmp_path / "my_net.py").write_text(NETWORK)
    (tmp_path / "my_neighbour.py").write_text("WIDTH = 2\n")
    source = f"{tmp_path}/my_net.py:Net"
    make = network_maker(CustomNetwork(kind="custom", source=source, arguments={"outputs": 7}), DataShape((2,), 7))
    assert make()(X).shape == (4, 7) and make() is not make()
    with pytest.raises(ValueError, match=r"my_net\.py:function'?: not a subclass of torch\.nn\.Module"):
        load_network(f"{tmp_path}/my_net.py:function")


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("x = 1", "Net", "defines no 'Net'"),
        ("x = ", "x", "is no Python: invalid syntax"),
        ("x = 1 / 0", "x", "failed while it was imported: ZeroDivisionError"),
    ],
)
def test_a_users_file_that_fails_is_named(tmp_path: Path, text: str, name: str, message: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"network '{path}:{name}': {path} {message}"):
        load_object(f"{path}:{name}", "network")
    with pytest.raises(ValueError, match="no such file"):
        load_object(f"{tmp_path}/other.py:Net", "network")
    with pytest.raises(ValueError, match=r"expected path/to/file\.py:name"):
        load_object(str(path), "network")
