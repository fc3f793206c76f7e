"""What jobs ask for: it grows with what they do, and is enough for what was measured."""

import json
from pathlib import Path
from typing import Any

import pytest

from lossbars.datasets.load import load_dataset
from lossbars.datasets.specs import DATASETS, Size
from lossbars.documents.plan import usage_task
from lossbars.experiments.networks.costs import TRAINED, trained
from lossbars.workflow.config import ConfigError
from lossbars.workflow.resources import SHORT_OTHERS
from support.paths import CHECKOUT
from support.plans import make_plan, the_task
from support.workflow import ADAM, TINY

WORK = {"epochs": 100, "batch_size": 128}
BIG: dict[str, Any] = TINY | {
    "data": "mnist",
    "samples": None,
    "minima": ADAM | WORK,
    "curves": TINY["curves"] | WORK | {"grid": {"points": 31, "refinements": 3}},
    "triangles": TINY["triangles"] | WORK,
    "models": {"mlp": {"network": {"kind": "mlp", "depth": 4, "width": 256}}},
}


def of(kind: str = "curves", several: int = 10, scale: float = 1, **changes: Any) -> Any:
    """What a job of BIG asks for, with some of the experiment's keys changed."""
    return trained(make_plan(scale, big=BIG | changes), "big", "mlp", kind, several)


@pytest.mark.parametrize("kind", TRAINED)
def test_more_work_asks_for_more(kind: str) -> None:
    before = of(kind)
    wider = {"mlp": {"network": {"kind": "mlp", "depth": 4, "width": 1024}}}
    for changes in ({"models": wider}, {"several": 40}):
        more = of(kind, **changes)
        assert more.mem_mb > before.mem_mb and more.runtime > before.runtime, changes
    longer = of(kind, **{kind: BIG[kind] | {"epochs": 400}})
    assert longer.runtime > 2 * before.runtime and longer.mem_mb == before.mem_mb
    assert of(kind, scale=0.1).runtime < before.runtime
    assert of(kind, samples=6000).runtime < before.runtime


def test_places_of_a_step_and_of_the_grid_take_time() -> None:
    before = of()
    assert of(curves=BIG["curves"] | {"points": 4}).runtime > before.runtime
    finer = BIG["curves"] | {"grid": {"points": 501, "refinements": 3}}
    assert of(curves=finer).runtime > before.runtime
    assert of(curves=BIG["curves"] | {"family": {"kind": "bezier", "bends": 9}}).mem_mb > before.mem_mb


POLISH = {"passes": 400, "precision": "float32", "history": 20}


def test_polished_minima_ask_for_more() -> None:
    plain, polished = of("minima"), of("minima", polish=POLISH)
    assert polished.runtime > plain.runtime and polished.mem_mb > plain.mem_mb
    longer = of("minima", polish=POLISH | {"passes": 4000})
    assert longer.runtime > 3 * polished.runtime and longer.mem_mb == polished.mem_mb
    kept = of("minima", polish=POLISH | {"history": 200})
    assert kept.mem_mb > 2 * polished.mem_mb and kept.runtime == polished.runtime
    double = of("minima", polish=POLISH | {"precision": "float64"})
    assert double.mem_mb > polished.mem_mb and double.runtime > polished.runtime
    assert of("minima", scale=0.1, polish=POLISH).runtime < polished.runtime
    for kind in ("curves", "triangles"):
        assert of(kind, polish=POLISH) == of(kind), "they are not polished"
    adamw = BIG["minima"] | {"optimiser": "adamw", "weight_decay": 0.1}
    assert of("minima", minima=adamw, polish=POLISH) == of("minima", minima=adamw)


def test_settled_curves_ask_for_more() -> None:
    def settled(**changes: Any) -> Any:
        return of("curves", curves=BIG["curves"] | {"settle": {"passes": 4800, "precision": "float32"} | changes})

    plain, more = of("curves"), settled()
    assert more.runtime > plain.runtime and more.mem_mb > plain.mem_mb
    assert settled(passes=48000).runtime > 3 * more.runtime
    assert settled(history=200).mem_mb > 2 * more.mem_mb
    assert settled(precision="float64").mem_mb > more.mem_mb
    assert settled(precision="float64").runtime > more.runtime


def test_the_longest_of_the_groups_is_asked_for_with_its_polish() -> None:
    groups = {"groups": {"short": {}, "long": {"minima": {"epochs": 400}}}}
    assert of("minima", polish=POLISH, **groups).runtime > of("minima", polish=POLISH).runtime
    assert of("minima", polish=POLISH, **groups).runtime > of("minima", **groups).runtime


def test_a_gpu_is_asked_for_unless_the_device_is_the_cpu() -> None:
    on_cpu, on_gpu = of(device="cpu"), of(device="auto")
    assert (on_cpu.gpu, on_cpu.gpu_mem_mb) == (0, 0)
    assert on_gpu.gpu == 1 and on_gpu.gpu_mem_mb > 0 and on_gpu.runtime < on_cpu.runtime
    plan = make_plan(big=BIG)
    assert plan.request(the_task(plan, "big", "complex")) == SHORT_OTHERS


def test_a_task_asks_for_what_it_trains() -> None:
    plan = make_plan(big=BIG | {"seeds": 5, "seeds_per_job": 4})
    for kind, parts in {
        "minima": {"0-3": 4, "4": 1},
        "curves": {"0-3+0-3": 6, "0-3+4": 4},
        "triangles": {"0-3+0-3+0-3": 4, "0-3+0-3+4": 6},
    }.items():
        for part, several in parts.items():
            assert plan.request(the_task(plan, "big", kind, part=part)) == of(kind, several)


def test_what_the_configuration_states_goes_before() -> None:
    stated = of(resources={"mem_mb": 7000, "runtime": 77}, device="auto")
    assert (stated.mem_mb, stated.runtime, stated.gpu_mem_mb) == (7000, 77, of(device="auto").gpu_mem_mb)
    model = BIG["models"]["mlp"] | {"resources": {"runtime": 5, "gpu_mem_mb": 9000}}
    both = of(resources={"mem_mb": 7000, "runtime": 77}, models={"mlp": model}, device="auto")
    assert (both.mem_mb, both.runtime, both.gpu_mem_mb) == (7000, 5, 9000)
    assert of(models={"mlp": model}, device="cpu").gpu_mem_mb == 0
    with pytest.raises(ConfigError, match=r"resources\.memory: unknown key"):
        of(resources={"memory": 1})


def test_what_is_asked_for_makes_no_result_stale() -> None:
    plan, stated = (make_plan(big=BIG | {"resources": one}) for one in ({}, {"mem_mb": 7000, "runtime": 77}))
    assert [task.key for task in plan.tasks("big")] == [task.key for task in stated.tasks("big")]
    assert usage_task(plan, "big").key != usage_task(stated, "big").key  # the table shows what was asked for


def test_sizes_are_those_of_the_data_and_the_networks(tmp_path: Path) -> None:
    from lossbars.networks.make import DataShape, network_maker

    data = load_dataset("digits", None, tmp_path)
    size = DATASETS["digits"].size
    assert (size.train, size.test, size.inputs) == (len(data.train_x), len(data.test_x), data.train_x[0].numel())
    shapes = {"mnist": (1, 28, 28), "fmnist": (1, 28, 28), "cifar10": (3, 32, 32)}
    shapes |= {"cifar100": (3, 32, 32), "svhn": (3, 32, 32), "ptb": (20,)}
    cnn = {"kind": "cnn", "channels": 24}
    for name, spec in (
        ("mnist", {"kind": "conv-fc"}),
        ("cifar10", {"kind": "conv-fc", "channels": [8, 16, 8], "hidden": [9], "pooling": 3, "norm": "local-response"}),
        ("ptb", {"kind": "lstm"}),
        ("ptb", {"kind": "lstm", "layers": 3, "width": 10}),
        ("ptb", {"kind": "gpt", "layers": 2, "heads": 2, "width": 8}),
        ("mnist", {"kind": "mlp", "depth": 3, "width": 20}),
        ("fmnist", {"kind": "lenet"}),
        ("cifar10", cnn | {"depth": 1}),
        ("cifar10", cnn | {"depth": 3, "batch_norm": True}),
        ("svhn", {"kind": "resnet-195k"}),
        ("mnist", {"kind": "resnet-195k", "layers": "table"}),
        ("cifar10", {"kind": "resnet", "depth": 20}),
        ("cifar10", {"kind": "resnet", "depth": 56, "width": 2, "shortcuts": False}),
        ("cifar100", {"kind": "wide-resnet", "depth": 16, "width": 10}),
        ("cifar10", {"kind": "wide-resnet", "depth": 10, "width": 1}),
    ):
        plan = make_plan(big=BIG | {"data": name, "models": {"mlp": {"network": spec}}})
        made = plan.experiments["big"].models["mlp"].network
        size = DATASETS[name].size
        module = network_maker(made, DataShape(shapes[name], size.outputs, size.text))()
        assert made.size(size).parameters == sum(p.numel() for p in module.parameters())


def test_what_is_computed_is_what_is_taken() -> None:
    """Costs are computed without torch, so they state sizes of their own."""
    from lossbars.landscapes.network import evaluation as record
    from lossbars.workflow import training_costs as costs

    assert (costs.EVALUATED, costs.EVALUATED_TOKENS) == (record.EVALUATION_BATCH, record.EVALUATED_TOKENS)
    assert (costs.MEASURED, costs.OUTPUTS) == (record.RECORD_NUMBERS, record.OUTPUT_NUMBERS)


def test_words_with_many_outputs_are_measured_few_at_a_time() -> None:
    from lossbars.workflow.training_costs import evaluated_windows

    assert [evaluated_windows(Size(9, 9, context, 256, text=True)) for context in (256, 20, 10**5)] == [64, 819, 1]
    assert evaluated_windows(DATASETS["ptb"].size) == 83  # 16.6 of 16.8 million outputs
    lstm = {"mlp": {"network": {"kind": "lstm"}}}
    few, many = of("minima", 1, data="ptb", models=lstm, samples=1000), of("minima", 1, data="ptb", models=lstm)
    assert few.mem_mb == many.mem_mb < 4000 and few.runtime < many.runtime


MEASURED = json.loads((CHECKOUT / "benchmarks" / "resources.json").read_text())


@pytest.mark.parametrize("one", MEASURED["jobs"], ids=lambda one: one["name"])
def test_requests_cover_what_was_measured_and_not_ten_times_it(one: dict[str, Any]) -> None:
    from lossbars.workflow.resources import SNAKEMAKE_MB

    plan = make_plan(measured=MEASURED["experiments"][one["experiment"]])
    asked = trained(plan, "measured", "net", one["kind"], one["stacked"])
    assert one["memory_mb"] + SNAKEMAKE_MB <= asked.mem_mb <= 3 * (one["memory_mb"] + SNAKEMAKE_MB)
    assert one["seconds"] / 60 <= asked.runtime <= max(10, 12 * one["seconds"] / 60)
