"""Lies told by a stage, a target or a waiver: each goes through an engine's worker into the store, and is judged as any number is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ryot.check.verdict import Verdict, exit_code
from ryot.cli.main import run
from ryot.measures import Target, parse_target
from ryot.plugins.stage import Node
from tests.conftest import Bench, toy_bench
from tests.lies.judged import CAUGHT, caught, verdicts

QUICK = [0.01] * 100
"""Latencies in seconds, all of them good."""
NAN, INFINITY = float("nan"), float("inf")


@dataclass(frozen=True)
class Lie:
    """What is recorded of the measure that a target is on, and what the verdict says of it."""

    target: str
    told: dict[str, Any]
    words: str

    @property
    def measure(self) -> str:
        """The name of the measure."""
        return self.target.split()[0]


LIES = {
    "no sample at all": Lie("latency_p95 < 50ms", {"samples": []}, "no samples"),
    "none right of none": Lie("accuracy >= 0%", {"hits": 0, "of": 0}, "no samples"),
    "no errors among no requests": Lie("errors == 0", {"value": 0, "of": 0}, "no samples"),
    "a speed-up of no pairs": Lie("saved >= 25%", {"pairs": []}, "no samples"),
    "one sample is nan": Lie("latency_p95 < 50ms", {"samples": [*QUICK, NAN]}, "not finite"),
    "the number is nan": Lie("found <= 1", {"value": NAN}, "not finite"),
    "a loss of minus infinity": Lie("loss < 3", {"samples": [1.0] * 99 + [-INFINITY]}, "not finite"),
    "an infinite number": Lie("found >= 1", {"value": INFINITY}, "not finite"),
    "more hits than trials": Lie("accuracy >= 90%", {"hits": 110, "of": 100}, "do not make a proportion"),
    "fewer errors than none": Lie("errors <= 0", {"value": -3, "of": 100}, "do not make a count"),
    "more counted than there were": Lie("errors >= 200", {"value": 200, "of": 100}, "do not make a count"),
    "a block of less than no time": Lie("saved >= 25%", {"pairs": [[10, -5]] * 30}, "not positive"),
    "a confidence above one": Lie("ece <= 5%", {"pairs": [[1.7, 1]] * 400}, "no confidence"),
    "a ranking of right ones alone": Lie("auroc >= 90%", {"pairs": [[0.9, 1]] * 400}, "nothing to tell apart"),
    "a target in no unit": Lie("latency_p95 < 50", {"samples": QUICK}, "the measure in s"),
    "a target in another unit": Lie("latency_p95 < 50MiB", {"samples": QUICK}, "the measure in s"),
    "errors told as good": Lie("errors == 0", {"value": 3, "of": 1000}, "3 of 1,000"),
}
HONEST = {
    "latency_p95 < 50ms": {"samples": QUICK}, "accuracy >= 90%": {"hits": 99, "of": 100}, "errors == 0": {"value": 0, "of": 100},
    "found == 1": {"value": 1}, "saved >= 25%": {"pairs": [[10 + n % 3, 5] for n in range(60)]}, "loss < 3": {"samples": [1, 2] * 50},
}  # fmt: skip


def liar(bench: Bench, name: str, told: dict[str, Any]) -> Node:
    """A node that records what it is told, by measure."""
    return bench.node(name, "liar", told=json.dumps(told))


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Verdict]]:
    """How every lie ends; of all in one apply, as many to a node as it has measures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RYOT_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        bench = toy_bench(tmp_path_factory.mktemp("lies"))
        told: list[dict[str, Any]] = [{measure.split()[0]: evidence for measure, evidence in HONEST.items()}]
        targets = {f"honest: {target}": f"n0/{target}" for target in HONEST}
        for name, lie in LIES.items():
            place = next((at for at, node in enumerate(told) if at and lie.measure not in node), len(told))
            told += [{}] if place == len(told) else []
            told[place][lie.measure] = lie.told
            targets[name] = f"n{place}/{lie.target}"
        nodes = [liar(bench, f"n{at}", node) for at, node in enumerate(told)]
        plan = bench.plan(*nodes, targets=targets.values())
        bench.apply(plan)
        yield dict(zip(targets, verdicts(plan, bench.store), strict=True))


@pytest.mark.parametrize("name", LIES)
def test_evidence_that_proves_nothing(ends: dict[str, Verdict], name: str) -> None:
    assert ends[name].status in CAUGHT
    assert LIES[name].words in ends[name].reason


@pytest.mark.parametrize("target", HONEST)
def test_the_same_measures_told_honestly_pass(ends: dict[str, Verdict], target: str) -> None:
    """Else the lies above would prove nothing."""
    assert ends[f"honest: {target}"].status == "PASS"


def test_measures_that_were_never_taken(bench: Bench) -> None:
    """A declared one fails its node; an optional one, and one of a node that is not there, is nothing to pass with."""
    nodes = [liar(bench, "a", {}), liar(bench, "b", {"errors": {"value": 0, "of": 9}})]
    plan = bench.plan(*nodes, targets=["a/taken == 1", "b/accuracy >= 90%", "c/found == 1"])
    bench.apply(plan)
    reasons = caught(plan, bench.store)
    assert "a failed: a declares taken but did not measure it" in reasons
    assert "b/accuracy was not measured; c/found was not measured" in reasons


def test_a_waiver_that_has_expired_lets_nothing_go(bench: Bench) -> None:
    waiver = {"owner": "ops", "reason": "soon mended", "expires": "2026-01-01"}
    plan = bench.plan(liar(bench, "a", {"found": {"value": 2}}), targets=["a/found == 1"])
    bench.apply(plan)
    waived = Target.model_validate(parse_target({"measure": "a/found", "equals": 1, "waiver": waiver}))
    plan = plan.model_copy(update={"targets": (waived,)})
    assert "the waiver of ops expired on 2026-01-01" in caught(plan, bench.store)
    lasting = waived.model_copy(update={"waiver": waived.waiver.model_copy(update={"expires": "9999-12-31"})})  # type: ignore[union-attr]
    assert exit_code(verdicts(plan.model_copy(update={"targets": (lasting,)}), bench.store)) == 0


def test_a_stage_that_says_it_is_done_and_ends(bench: Bench) -> None:
    """Exit code 0 before anything was measured is no success."""
    plan = bench.plan(bench.node("a", "odd", how="exits"), targets=["a/found == 1"])
    bench.apply(plan)
    assert caught(plan, bench.store) == "a was not run"


def test_a_target_on_a_scenario_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused before anything runs: no verdict comes to be."""
    spec = tmp_path / "small.yaml"
    spec.write_text(
        "version: 1\nname: small\nmodel: {preset: ryot-tiny}\ndata: {sources: [{generate: {examples: 40}}]}\ntrain: {steps: 2}\n"
        "export: {}\nserve: {}\nbench: {scenarios: {single: {users: 1}}}\ntargets: [bench.nightly/latency_p95 < 50ms]\n"
    )
    for verb in ("validate", "plan", "apply", "check"):
        store = [] if verb == "validate" else ["--store", str(tmp_path / "store")]
        assert run([verb, str(spec), *store]) == 2
        assert "bench.nightly" in capsys.readouterr().err
