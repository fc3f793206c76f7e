"""The step of curvature: what it says of networks without second derivatives, and a stopped job that goes on."""

import pandas as pd
import pytest
import torch

from lossbars.experiments.networks.steps import curvature
from lossbars.hessian import least_eigenvalue
from lossbars.landscapes.network import hessian
from lossbars.optimise.stopping import Stopped
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.work import Work
from support.workflow import Model, plan

CHANGES = {"curvature": {"products": 12}, "seeds_per_job": 3, "triangles": None, "robustness": None, "figures": []}
NETWORK = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(16, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 10))
"""


@pytest.fixture
def model(tmp_path) -> Model:
    made = Model(tmp_path, plan(**CHANGES))
    made.run(*made.of("minima"))
    return made


def table(model: Model) -> pd.DataFrame:
    return model.table("curvature", "0-2")


def test_a_stopped_job_goes_on_to_the_same_bits(model, monkeypatch, tmp_path):
    monkeypatch.setattr(hessian, "KEPT", 0)  # one network at a time
    model.run(*model.of("curvature"))
    expected, made = table(model), []
    (path,) = model.paths("curvature", "parquet")
    path.unlink()
    real = least_eigenvalue.least_eigenvalues

    def counted(*given):
        made.append(None)
        if len(made) == 2:
            monkeypatch.setattr(CheckpointFile, "due", lambda self: setattr(self, "stopping", True) or True)
        return real(*given)

    monkeypatch.setattr(curvature, "least_eigenvalues", counted)
    with pytest.raises(Stopped, match="after 2 of 3 minima"):
        model.run(*model.of("curvature"), checkpoints=tmp_path / "another")
    monkeypatch.setattr(CheckpointFile, "due", lambda _: False)
    model.run(*model.of("curvature"), checkpoints=tmp_path / "another")
    assert len(made) == 3, "the two that were done are not done again"
    pd.testing.assert_frame_equal(table(model), expected)
    assert (expected["hessian_products"] == 3).all(), "a quarter of the products where graphs are not kept"


def test_units_are_kept_for_the_distances(model):
    model.run(*model.of("curvature"))
    (group,) = model.records("curvature")
    assert group["size"] == 8 and {place["axis"] for place in group["places"]} == {0, 1}


def test_batchnorm_has_no_eigenvalue_and_the_reason_is_told(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    made = Model(tmp_path, plan(**CHANGES, models={"mlp": {"network": {"kind": "custom", "source": "net.py:Net"}}}))
    made.run(*made.of("minima", "curvature"))
    rows = table(made)
    assert rows["least_eigenvalue"].isna().all() and rows["no_curvature"].str.startswith("BatchNorm's statistics").all()
    assert len(rows) == 3 and [group["size"] for group in made.records("curvature")] == [4]


def test_the_exact_eigenvalue_of_a_small_network(tmp_path):
    small = {"mlp": {"network": {"kind": "mlp", "depth": 1, "width": 1, "activation": "tanh"}}}
    made = Model(tmp_path, plan(**CHANGES | {"curvature": {"products": 1000}}, models=small))
    made.run(*made.of("minima", "curvature"))
    rows, theta = table(made), made.tensors("minima", "0-2")["theta"]
    assert (rows["hessian_products"] <= theta.shape[1]).all() and (rows["eigenvalue_error"] < 1e-4).all()
    task = made.task("curvature")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        work = Work.of(task)
        landscape = curvature.begin(work, 8).landscape
    product = hessian.RecordHessian(landscape, theta.double())
    units = torch.eye(theta.shape[1], dtype=torch.float64)
    whole = torch.stack([product(unit.expand_as(theta)) for unit in units], dim=1)
    least = torch.linalg.eigvalsh(whole)[:, 0]
    assert rows["least_eigenvalue"].to_numpy() == pytest.approx(least.numpy(), abs=1e-5)
