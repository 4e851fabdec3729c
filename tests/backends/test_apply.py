"""The same plan on every backend: the same keys, the same results, the same verdict, though a machine is lost on the way."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from ryot.backends.local import LocalBackend
from ryot.backends.ray import RayBackend, RayConfig
from ryot.backends.slurm import SlurmBackend, SlurmConfig
from ryot.check.judge import Measured, judge
from ryot.engine import events
from ryot.plan.plan import Plan
from ryot.plugins import Backend
from ryot.store.store import Store
from tests.backends.clusters import Hosts, fake_slurm, ray_machines
from tests.conftest import Bench, toy_bench

pytestmark = pytest.mark.heavy


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Backend, Callable[[], None]]]:
    """SLURM, and a way to take away the node that the first of its jobs is given."""
    with fake_slurm(tmp_path / "slurm") as queue:
        for name, value in queue.environ.items():
            monkeypatch.setenv(name, value)
        yield SlurmBackend(SlurmConfig(ask_every=0.5)), queue.take_away_what_runs


def nodes(bench: Bench, gate: str = "") -> Plan:
    """A document, its copy by a node that may be stopped at every step, and a server that is asked."""
    made = [
        bench.node("a"),
        bench.node("b", inputs=["a"], words="b", gate=gate),
        bench.node("s", "chat"),
        bench.node("q", "ask", service="s"),
    ]
    return bench.plan(*made, targets=["b/steps == 3", "q/answers == 1"])


def left(plan: Plan, store: Store) -> dict[str, object]:
    """What a plan's nodes left: their files, and the verdicts."""
    records = {node.name: record for node in plan.nodes if (record := store.record(node.stage, node.key))}
    measured = {
        f"{name}/{measure.name}": Measured(measure, store.evidence(record)[measure.name])
        for name, record in records.items()
        for measure in record.measures
    }
    verdicts = [verdict.status for verdict in judge(plan.targets, measured, {}, date.min)]
    return {"verdicts": verdicts, **{name: (record.key, record.files) for name, record in records.items()}}


@contextmanager
def stopped(folder: Path) -> Iterator[Path]:
    """A gate that opens once."""
    gate = folder / "gate"
    os.mkfifo(gate)
    once = threading.Thread(target=gate.write_text, args=("go",), daemon=True)
    once.start()
    yield gate
    once.join(5)


@pytest.fixture
def hostfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Backend, Callable[[], None]]:
    """Two hosts, and a way to take away the one that the first job is given."""
    two = Hosts(tmp_path / "hosts")
    monkeypatch.setenv("FAKE_HOSTS", str(two.folder))
    return two.backend(), lambda: two.take_away("two")


@pytest.fixture
def ray() -> Iterator[tuple[Backend, Callable[[], None]]]:
    """Two machines of a Ray cluster, and a way to take them away."""
    with ray_machines() as cluster:
        yield RayBackend(RayConfig(address=cluster.address)), cluster.take_away_machines


@pytest.mark.parametrize("name", ["slurm", "hostfile", pytest.param("ray", marks=pytest.mark.e2e)])
def test_plan_is_the_same_away_though_a_machine_is_lost(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    (tmp_path / "here").mkdir()
    here, away = toy_bench(tmp_path / "here"), toy_bench(tmp_path)
    here.apply(nodes(here))
    backend, lose = request.getfixturevalue(name)
    with stopped(tmp_path) as gate:
        plan, told = nodes(away, str(gate)), []
        for event in away.events(plan, away=backend):
            told.append(event)
            if isinstance(event, events.Progress) and event.node == "b" and event.done == 1:
                gate.unlink()
                gate.write_text("open")
                lose()
    assert [event.node for event in told if isinstance(event, events.Lost)] == ["b"]
    assert sorted(event.node for event in told if isinstance(event, events.Finished)) == ["a", "b", "q"]
    assert left(plan, away.store) == left(nodes(here), here.store)
    assert left(plan, away.store)["verdicts"] == ["PASS", "PASS"]
    record = away.store.record("count", plan.node("b").key)
    assert record
    assert away.store.evidence(record)["resumed"].value == 1


def test_machines_that_are_lost_again_and_again_fail_the_node(tmp_path: Path) -> None:
    bench = toy_bench(tmp_path)

    class Fleeting(LocalBackend):
        name = "fleeting"

        def poll(self, name: str):  # type: ignore[no-untyped-def]
            state = super().poll(name)
            return type(state)(state.code, "taken away", lost=state.code is not None)

    happened = list(bench.events(bench.plan(bench.node("a", fail=True)), away=Fleeting()))
    assert [event.left for event in happened if isinstance(event, events.Lost)] == [1, 0]
    failed = next(event for event in happened if isinstance(event, events.Failed))
    assert (failed.message, failed.kind) == ("the worker was lost: taken away", "MachineError")
