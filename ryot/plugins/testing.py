"""For a plugin author's own tests: run one stage the way the engine would, but in this process; hold a backend to what one has to do."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ryot import processes
from ryot.errors import NodeError
from ryot.measures import Evidence, Measure, point
from ryot.plugins import backend_checks
from ryot.plugins.away import Machine
from ryot.plugins.backend import Backend
from ryot.plugins.context import Endpoint, Event, StageContext
from ryot.plugins.documents import Document, Shard, write_index, write_shard
from ryot.plugins.stage import Service, Stage, StageConfig


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage left: its folder, the evidence of its measures, the events it emitted."""

    out: Path
    evidence: Mapping[str, Evidence]
    events: list[Event] = field(default_factory=list)
    declared: Mapping[str, Measure] = field(default_factory=dict)

    def value(self, name: str) -> float | None:
        """The measured value, as a verdict would show it. Raises KeyError when the stage did not measure it."""
        return point(self.declared[name], self.evidence[name])


def run_stage(
    stage: Stage,
    config: StageConfig,
    folder: Path,
    *,
    inputs: Mapping[str, Path] | None = None,
    services: Mapping[str, Endpoint] | None = None,
    measures: tuple[Measure, ...] | None = None,
    machines: tuple[Machine, ...] = (),
) -> StageResult:
    """Run `stage` with `config` below `folder`. Run it again on the same folder and it resumes from its scratch.

    Raises NodeError when a declared measure was not measured, as the engine would.
    """
    events: list[Event] = []
    context = context_in(folder, stage, events, inputs=inputs, services=services, measures=measures, machines=machines)
    stage.run(config, context)
    if missing := context.unmeasured:
        raise NodeError(f"{stage.name} declares {missing} but did not measure it")
    return StageResult(context.out, context.evidence, events, context.declared)


def check_backend(make_backend: Callable[[], Backend], folder: Path, *, patience_s: float = 120.0) -> None:
    """Hold a backend to the protocol with real jobs: exit codes, signals, a missing interpreter, log, environment and mark, two jobs at
    once, events that end `wait`, `forget`, `cancel` and `close` of a tree that ignores SIGTERM, a keeper that is killed; its `survey`,
    if it has one; and of a backend that `spreads` jobs a second machine, its programs and its loss.

    `make_backend` makes one for each check; `folder` is empty and seen by every machine that jobs run on. Nothing may take longer than
    `patience_s` seconds. Raises AssertionError, with the reason, at the first thing that does not hold. Takes about 15 s on one machine.
    """
    trial = backend_checks.Trial(make_backend, folder.resolve(), patience_s)
    for check in backend_checks.CHECKS:
        check(trial)


def write_documents(folder: Path, **splits: Sequence[str | Document]) -> Path:
    """Make a "documents" folder, `write_documents(folder, train=["a text", ...], heldout=[...])`. Returns it."""
    shards = []
    for split, given in splits.items():
        documents = [text if isinstance(text, Document) else Document.of(text) for text in given]
        shards.append(write_shard(folder, Shard(f"{split}-00-00000", split, 0), documents))
    return write_index(folder, shards, {}).folder


@contextmanager
def run_service(service: Service, config: StageConfig, folder: Path, *, inputs: Mapping[str, Path] | None = None) -> Iterator[Endpoint]:
    """A service that is up for a block of code. Its processes, and only those started since, are ended afterwards."""
    before = {process.pid for process in processes.descendants(os.getpid())}
    try:
        yield service.start(config, context_in(folder, service, [], inputs=inputs))
    finally:
        processes.end([process for process in processes.descendants(os.getpid()) if process.pid not in before])


def context_in(
    folder: Path,
    stage: Stage,
    events: list[Event],
    *,
    inputs: Mapping[str, Path] | None = None,
    services: Mapping[str, Endpoint] | None = None,
    measures: tuple[Measure, ...] | None = None,
    machines: tuple[Machine, ...] = (),
) -> StageContext:
    """A context whose events go to a list."""
    for name in ("out", "scratch"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return StageContext(
        node=stage.name,
        inputs=dict(inputs or {}),
        out=folder / "out",
        scratch=folder / "scratch",
        services=dict(services or {}),
        declared={measure.name: measure for measure in (stage.measures if measures is None else measures)},
        device="test",
        cpus=os.cpu_count() or 1,
        emit=events.append,
        log=folder / "log.txt",
        machines=machines,
    )
