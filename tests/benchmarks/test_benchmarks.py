"""Every benchmark runs, at its smallest size; what it measures is in benchmarks/README.md."""

import re
from pathlib import Path

import pytest
import yaml

from lossbars.experiments.kinds import KINDS
from lossbars.user_files import load_object
from lossbars.workflow.plan import Plan
from support.benchmark_runs import FOLDER, run_benchmark

TINY = "--activations tanh --widths 1 --decays 1e-2 --samples 30 --classes 2"  # a network of 21 parameters
SMALLEST = [
    ("bottleneck_distance", "--sizes 50 --rounds 1"),
    ("certified_networks", f"{TINY} --given 3 --lowering 1 --starts 3 --curves 1 --climbs 3"),
    ("convolutions", "--networks LeNet --batch 2 --samples 20 --rounds 1"),
    ("convolutions", "--networks ResNet195k --parts path --batch 2 --points 4 --rounds 1"),
    ("critical_searches", "--starts 2 --steps 3 --width 2"),
    ("curve_step", "--pairs 2 --rounds 2"),
    (
        "depth",
        "--samples 50 --minima 2 --epochs 1 --polish 2 --settle 24 --descents 2 --depths 1 --decays 1e-3 --width 4",
    ),
    ("escape_shapes", "--shapes 1 --bars 4 --seed 1"),
    ("hundred_million", "--points 1e3 --threads 1"),
    ("neighbours", "--points 500 --searches cells kd-tree"),  # the approximate search compiles for a minute
    ("path_step", "--points 3 --rounds 2"),
    ("polish", "--networks 1 --epochs 1 --passes 6"),
    ("polish", "--gradients 2"),
    ("refined", "--points 2e3"),
    ("sampling", "--points 1e3 --seeds 1"),
    ("settle", "--minima 2 --polish 5 --passes 2 --activations tanh"),
    ("stack_size", "--networks 2 --rounds 1"),
    ("strings", "--pairs 1 --rounds 2 --epochs 3"),
    ("sublevel", "--sizes 500 --dims 2 --rounds 1 --parts times --alternatives pykdtree ckdtree gudhi tomato scipy"),
    ("sublevel", "--peak 500 --dims 2"),
    ("tiny_networks", "--nets 2 --starts 2 --steps 2 --bars --curve-steps 2"),
    ("tiny_networks", "--nets 2 --cloud 300"),
    ("training", "--networks resnet-195k --batch 4 --images 16 --stacked 2 --rounds 1 --steps 1 --product 64"),
]
ELSEWHERE = {"planning", "dense_profiles", "resources"}  # test_planning.py, test_of_networks.py
DATA = {"pooled_digits"}  # of certified_workflow.yaml


def test_none_is_forgotten() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == {name for name, _ in SMALLEST} | ELSEWHERE | DATA


@pytest.mark.parametrize(("name", "options"), SMALLEST)
def test_it_runs(
    name: str, options: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    run_benchmark(monkeypatch, name, *options.split())
    assert any(character.isdigit() for character in capsys.readouterr().out)  # it says what it measured


def test_the_certified_workflow_is_planned_on_its_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER.parent)
    made = Plan(yaml.safe_load((FOLDER / "certified_workflow.yaml").read_text()), KINDS)
    (task,) = (task for task in made.tasks("certified") if task.rule == "certificates")
    assert task.settings.model_dump()["weight_decay"] == 0.01
    train_x, train_y, _, test_y = load_object("benchmarks/pooled_digits.py:load", "data")()
    assert train_x.shape == (200, 1, 4, 4) and -1 <= float(train_x.min()) < float(train_x.max()) <= 1
    assert len(test_y) == 100 and set(train_y.tolist()) == {0, 1, 2}


def test_the_page_names_scripts_and_options_that_there_are() -> None:
    commands = re.findall(r"^.*python .*benchmarks/(\w+)\.py(.*)$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert len(commands) > 20
    for name, rest in commands:
        source = (FOLDER / f"{name}.py").read_text()
        for option in re.findall(r"--([a-z-]+)", rest.partition("#")[0]):
            assert f'"--{option}"' in source or f'("{option}", ' in source, f"{name}.py has no option --{option}"
