"""The nodes of a rehearsal: what each reads, what comes after it, and that none of it is in the keys of the real run."""

from __future__ import annotations

from pathlib import Path

import pytest

from ryot.plan.compile import compile_plan
from ryot.plan.plan import Plan
from ryot.plugins.discover import stages_for
from ryot.plugins.stage import Facts
from ryot.spec.load import load_text
from ryot.spec.train import Train
from ryot.spec.twin import twin

ROOT = Path(__file__).parent.parent.parent.parent
TINY = (ROOT / "specs" / "tiny.yaml").read_text()
REHEARSED = TINY + "rehearse: {}\n"
NAMES = ["rehearsal.train", "rehearsal.resume", "rehearsal.export", "rehearsal.serve", "rehearsal.evaluate", "rehearsal.save"]


def compiled(text: str, *sets: str, device: str = "cpu:test x2") -> Plan:
    loaded = load_text(text, "tiny.yaml", sets=sets)
    stages, _ = stages_for({})
    return compile_plan(loaded.spec, stages, Facts(device), loaded.place)


def keys(plan: Plan) -> dict[str, str]:
    return {node.name: node.key for node in plan.nodes}


def changed(*sets: str) -> set[str]:
    before = keys(compiled(REHEARSED))
    return {name for name, key in keys(compiled(REHEARSED, *sets)).items() if before[name] != key}


def test_rehearsal_comes_before_training_and_changes_no_key() -> None:
    plain, plan = compiled(TINY), compiled(REHEARSED)
    assert {name: key for name, key in keys(plan).items() if not name.startswith("rehearsal.")} == keys(plain)
    assert sorted(set(plan.names) - set(plain.names)) == sorted(NAMES)
    for name in ("train.baseline", "train.optimized"):
        assert plan.node(name).after == ("rehearsal.save", "rehearsal.resume", "rehearsal.evaluate")
        assert max(plan.names.index(check) for check in NAMES) < plan.names.index(name)
    assert all(node.after == () for node in plan.nodes if not node.name.startswith("train."))


def test_nodes_of_the_rehearsal_read_each_other_and_the_real_tokens() -> None:
    plan = compiled(REHEARSED)
    assert {name: (plan.node(name).inputs, plan.node(name).services) for name in NAMES} == {
        "rehearsal.train": ({"tokens": "tokenizer"}, {}),
        "rehearsal.resume": ({"tokens": "tokenizer", "weights": "rehearsal.train"}, {}),
        "rehearsal.export": ({"weights": "rehearsal.train", "tokens": "tokenizer"}, {}),
        "rehearsal.serve": ({"model": "rehearsal.export"}, {}),
        "rehearsal.evaluate": ({"documents": "data", "model": "rehearsal.export"}, {"serve": "rehearsal.serve"}),
        "rehearsal.save": ({"tokens": "tokenizer"}, {}),
    }


def test_serving_flag_rehearses_serving_anew_and_retrains_nothing() -> None:
    served = {"serve", "evaluate", "bench.single", "bench.batch8"}
    assert changed("serve.max_concurrency=4") == served | {"rehearsal.serve", "rehearsal.evaluate"}


def test_setting_of_the_rehearsal_reruns_only_the_twin() -> None:
    assert changed("rehearse.updates=12") == set(NAMES) - {"rehearsal.save"}


def test_length_of_the_real_run_rehearses_nothing_anew() -> None:
    assert not {name for name in changed("train.epochs=3", "train.batch_size=32") if name.startswith("rehearsal.")} - {"rehearsal.save"}


def test_twin_is_trained_on_a_few_documents_without_choices_by_timing() -> None:
    sets = (
        "optimize.stack.0.kernel.level=3",
        "optimize.auto=true",
        "train.accumulation=8",
        "train.warmup_steps=0",
        "train.ranks=2",
        "train.zero_stage=2",
    )
    config = compiled(REHEARSED, *sets).node("rehearsal.train").config
    assert config["kernel"]["level"] == 1
    assert config["compressor"] == {"ratio": 0.3, "auto": False}
    assert config["scaling"] is None
    recipe = {name: config["recipe"][name] for name in ("batch_size", "accumulation", "steps", "epochs", "ranks", "zero_stage")}
    assert recipe == {"batch_size": 2, "accumulation": 2, "steps": 8, "epochs": None, "ranks": 2, "zero_stage": 2}
    assert (config["checkpoint_every"], config["model"]["vocab_size"]) == (4, 512)


def test_save_is_at_real_size_and_compiled_where_level_3_may_compile() -> None:
    level = "optimize.stack.0.kernel.level=3"
    here, there = (compiled(REHEARSED, level, device=device).node("rehearsal.save").config for device in ("cpu:test x2", "cuda:test x1"))
    assert (here["train"]["kernel"]["level"], there["train"]["kernel"]["level"]) == (3, 2)
    assert here["train"]["model"] == compiled(REHEARSED).node("train.optimized").config["model"]
    assert (here["train"]["recipe"]["steps"], here["train"]["recipe"]["batch_size"]) == (2, 16)


@pytest.mark.parametrize(("left_out", "last"), [
    (("bench=", "evaluate="), "rehearsal.evaluate"), (("bench=", "evaluate=", "serve="), "rehearsal.export"),
    (("bench=", "evaluate=", "serve=", "export=", "optimize="), "rehearsal.resume"),
])  # fmt: skip
def test_only_what_the_spec_has_is_rehearsed(left_out: tuple[str, ...], last: str) -> None:
    plan = compiled(REHEARSED, *left_out, "targets=[]")
    train = plan.nodes[-1] if plan.names[-1] == "train" else plan.node("train.optimized")
    assert train.after[-1] == last
    assert set(train.after) <= set(plan.names)
    assert {name for name in plan.names if name.startswith("rehearsal.")} <= set(NAMES[: NAMES.index(last) + 1]) | {"rehearsal.save"}


def test_benchmarks_of_the_hub_are_not_rehearsed() -> None:
    plan = compiled(REHEARSED, "evaluate.tasks=[hellaswag]", "targets=[]")
    assert plan.node("rehearsal.evaluate").config["tasks"] == ["perplexity"]
    assert plan.node("rehearsal.evaluate").config["benchmarks"] == []
    assert plan.node("rehearsal.evaluate").config["limit"] == 1


def test_rehearsal_of_a_spec_is_one_without() -> None:
    spec = load_text(REHEARSED, "tiny.yaml").spec
    small = spec.rehearsal()
    assert small.model == twin(spec.model)
    assert (
        Train.model_validate(small.train.model_dump(exclude_unset=True)) == small.train
    )  # sound by the spec's own rules, which a copy does not ask
    assert (small.rehearse, small.bench, small.targets) == (None, None, ())
