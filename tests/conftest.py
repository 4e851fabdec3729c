"""What all tests share: a runtime folder of their own, and ways to plan and run toy stages."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ryot.backends.local import LocalBackend
from ryot.check.judge import judge
from ryot.check.verdict import Verdict
from ryot.engine import events
from ryot.engine.apply import Surroundings, apply
from ryot.engine.looks import promised
from ryot.engine.outcome import measured
from ryot.engine.rounds import known
from ryot.engine.sharing import Sharer
from ryot.measures import Target, parse_target
from ryot.plan.compile import plan_nodes
from ryot.plan.plan import Plan
from ryot.plugins.backend import Backend
from ryot.plugins.discover import Plugin, discover, load_stage
from ryot.plugins.stage import Facts, Node, Resources, Stage
from ryot.stages import collector
from ryot.store.journal import begin
from ryot.store.store import Store

# nohup and a shell's background jobs ignore these, and so would what the tests start.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

# Tests share the cores. Threads of OpenMP that wait by spinning take them from each other: one test of a training took 54 s for 96.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# The tests import torch and 300 modules of their own, all of which stay.
collector.rarely()


def pytest_collection_finish() -> None:
    collector.as_usual()


LONGEST = (
    "train/test_work",
    "train/test_engines",
    "finetune/test_work",
    "e2e/test_tiny",
    "e2e/test_serve",
    "tests/test_examples",
    "train/test_launch",
    "train/test_faults",
    "compress/test_work",
    "sweep/test_work",
    "validation/test_work",
    "backends/test_ray",
    "e2e/test_rehearsal",
    "e2e/test_curate",
    "e2e/test_finetune",
    "serve/test_hybrid",
)
"""The files whose tests take two minutes and more, the longest first: one that begins last is what all wait for."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        path = item.path.with_suffix("").as_posix()
        return next((number for number, name in enumerate(LONGEST) if path.endswith(name)), len(LONGEST))

    items.sort(key=rank)


TODAY = date(2026, 11, 28)
TOYS = Path(__file__).parent / "plugins" / "toy"


@pytest.fixture(autouse=True)
def _own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Speed nodes of one test do not wait for those of another."""
    monkeypatch.setenv("RYOT_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / "runtime").mkdir()


@dataclass
class Bench:
    """A store and toy stages to plan and run with."""

    store: Store
    plugins: dict[str, Plugin] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)
    sharer: Sharer | None = None

    def node(self, name: str, stage: str = "count", inputs: Iterable[str] = (), service: str | None = None, **config: object) -> Node:
        speed = bool(config.pop("measures_speed", False))
        kind = self.stages[stage]
        resources = Resources(cpus=1, measures_speed=speed)
        after = tuple(str(name) for name in config.pop("after", ()))  # type: ignore[attr-defined]
        services = {"chat": service} if service else {}
        return Node(name, stage, kind.Config(**config), {i: i for i in inputs}, services, resources, kind.measures, after=after)

    def plan(self, *nodes: Node, targets: Iterable[str] = (), device: str = "cpu:test x2") -> Plan:
        planned = plan_nodes({node.name: node for node in nodes}, self.stages, Facts(device))
        judged = tuple(Target.model_validate(parse_target(text)) for text in targets)
        return Plan(name="toy", profile=None, device=device, digests={}, nodes=planned, targets=judged)

    def apply(self, plan: Plan, cpus: int = 2, looks: int | None = None) -> list[events.Event]:
        return list(self.events(plan, cpus, looks))

    def events(
        self, plan: Plan, cpus: int = 2, looks: int | None = None, away: Backend | None = None
    ) -> Generator[events.Event, None, None]:
        """As `ryot apply`; with `looks`, as `--until-conclusive --rounds LOOKS`; with `away`, as `--backend`."""
        plan = promised(plan, self.store, looks, TODAY)[0] if looks else known(plan, self.store)
        run = begin(self.store.runs, plan.name, datetime.now(UTC), "", plan.model_dump_json())
        home = LocalBackend()
        around = Surroundings(self.plugins, cpus, home=home if away else None, at_once=4, sharer=self.sharer)
        return apply(plan, self.store, away or home, around, run, until_conclusive=looks is not None)

    def judge(self, plan: Plan) -> list[Verdict]:
        """As `ryot check`."""
        plan = known(plan, self.store)
        return list(judge(plan.targets, *measured(plan, self.store), TODAY))

    def out(self, plan: Plan, name: str) -> Path:
        node = plan.node(name)
        return self.store.folder(node.stage, node.key) / "out"


def toy_bench(folder: Path) -> Bench:
    """A bench with its store in a folder."""
    plugins = {plugin.name: plugin for plugin in discover("ryot.stages", [TOYS]) if not plugin.builtin}
    return Bench(Store(folder / "store"), plugins, {name: load_stage(plugin) for name, plugin in plugins.items()})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return toy_bench(tmp_path)
