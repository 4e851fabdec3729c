"""Measures how ryot bears a plan of a thousand nodes: `ryot plan`, what the driver of an apply takes for each node, and its memory.

Run it as `python benchmarks/scale.py [--nodes 1000] [--rounds 5] [--json FILE]`: it needs nothing but the installed package. Two plans:
a *chain* (a stage inserted behind another, a thousand times, by a spec) and a *fan* (a plugin's stage that expands to a thousand nodes).

plan     `ryot plan` as a program: seconds from its start to its end, CPU seconds, peak resident memory.
driver   The scheduling overhead of an apply. The driver is the process that was started as `ryot apply`: it chooses what starts, writes
         the job file, keeps the journal and shows it all. Its jobs are ended here at once, by a backend in its own process that leaves
         what a worker would, and whose time is taken off. `cpu`: the driver's CPU time by the number of nodes. `gap`: from the moment
         that a job's end is known until the next one is handed to the backend. A line of the journal is made durable in it
         before anyone is told; `unsynced`: the gap without that wait for the disk.
workers  Every node is a keeper and a worker: two Python processes that import what they need. That is no overhead of scheduling,
         and is measured by itself: `ryot apply` of a chain of 20 nodes that do nothing, seconds and CPU seconds for each.

Other work on the machine makes seconds and gaps longer (syncs most of all) and hardly touches CPU time. Bounds, at the median: a plan in
under 2 s of CPU, the driver under 10 ms of CPU a node, a gap without its sync under 10 ms, under 300 MB. What misses one fails it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

from rich.console import Console

from ryot.cli.request import resolve
from ryot.engine import apply as engine
from ryot.fingerprint import fingerprint
from ryot.measures import Evidence
from ryot.plugins.backend import Job, JobState
from ryot.report.live import display
from ryot.store import store
from ryot.store.job import JobFile
from ryot.store.journal import begin
from ryot.store.record import Record

PLAN_S, NODE_MS, MEMORY_MB = 2.0, 10.0, 300.0
WORKERS = 20
SPEC = Path(__file__).parent.parent / "specs" / "tiny.yaml"
PYPROJECT = """[project]
name = "ryot-scale"
version = "1"
[project.entry-points."ryot.stages"]
passing = "ryot_scale:Passing"
fan = "ryot_scale:Fan"
"""
STAGES = '''"""Stages that do nothing: one to insert, one that makes as many nodes as the name of the spec says."""

from ryot.plugins import Measure, Node, Resources, Stage, StageConfig, write_index


class PassingConfig(StageConfig):
    number: int = 0


class Passing(Stage):
    name = "passing"
    Config = PassingConfig
    takes = gives = "documents"
    measures = (Measure(name="passed", kind="exact"),)

    def run(self, config, context):
        context.write("passed.txt", str(config.number))
        context.measure("passed", 1)


class Fan(Passing):
    name = "fan"

    def expand(self, spec, facts):
        count = int(spec.name.rpartition("-")[2])
        return [
            Node(f"fan.{number}", "fan", PassingConfig(number=number), {"documents": "data"}, {}, Resources(), self.measures)
            for number in range(count)
        ]
'''


def main() -> int:
    """Measure, print, and say with the exit code whether all bounds are kept."""
    options = _options()
    if options.driver:
        print(json.dumps(driven(Path(options.driver), Path(options.plugins), Path(options.store))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), options.nodes, options.rounds)
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1))
    missed = [name for name, value, bound in _judged(found) if value >= bound]
    print(f"missed: {', '.join(missed)}" if missed else "all bounds are kept")
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How ryot bears a plan of a thousand nodes.")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", help="write the numbers to this file")
    for name in ("driver", "plugins", "store"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    return parser.parse_args()


def measured(folder: Path, nodes: int, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Every round of every measurement, printed with its median and range as it is found."""
    plugins = write_stages(folder / "plugins")
    found: dict[str, dict[str, list[float]]] = {}
    for shape in ("chain", "fan"):
        spec = write_spec(folder, shape, nodes)
        for number in range(rounds):
            store_ = folder / f"{shape}-{number}"
            _add(found, f"plan, {shape}", as_program([*_ryot("plan", spec, plugins, store_)], folder, allowed=(0, 3)))
            argv = [sys.executable, __file__, "--driver", str(spec), "--plugins", str(plugins), "--store", str(store_)]
            _add(found, f"driver, {shape}", json.loads(subprocess.run(argv, capture_output=True, check=True, cwd=folder).stdout))
        _show(found, shape)
    spec = write_spec(folder, "chain", WORKERS)
    for number in range(min(rounds, 3)):
        argv = [*_ryot("apply", spec, plugins, folder / f"workers-{number}"), "--until", f"passing.{WORKERS - 1}"]
        taken = as_program(argv, folder)
        _add(found, "workers", {f"{name}_node": taken[name] / (WORKERS + 1) for name in ("seconds", "cpu_s")})  # with `data`
    _show(found, "workers")
    return found


def write_stages(folder: Path) -> Path:
    """The plugin folder of the stages that do nothing."""
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "ryot_scale.py").write_text(STAGES)
    return folder


def write_spec(folder: Path, shape: str, nodes: int) -> Path:
    """The tiny spec with so many nodes more."""
    text = SPEC.read_text().replace("name: tiny", f"name: {shape}-{nodes}", 1)
    if shape == "fan":
        text += "stages: [{use: fan, after: data}]\n"
    else:
        names = ["data", *(f"passing.{number}" for number in range(nodes))]
        lines = [f"  - {{use: passing, name: {name}, after: {before}}}" for before, name in pairwise(names)]
        text += "stages:\n" + "\n".join(lines) + "\n"
    path = folder / f"{shape}-{nodes}.yaml"
    path.write_text(text)
    return path


def _ryot(verb: str, spec: Path, plugins: Path, root: Path) -> list[str]:
    return [sys.executable, "-m", "ryot.cli.main", verb, str(spec), "--plugins", str(plugins), "--store", str(root), "--profile", "none"]


def as_program(argv: list[str], folder: Path, allowed: tuple[int, ...] = (0, 1, 5)) -> dict[str, float]:
    """A program's seconds, the CPU seconds of it and its children, its own peak resident memory in MB."""
    began = time.perf_counter()
    with (folder / "said.txt").open("wb") as said:
        child = subprocess.Popen(argv, stdout=said, stderr=said, cwd=folder)
        _, status, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in allowed:
        raise SystemExit(f"{' '.join(argv)} ended with {child.returncode}:\n{(folder / 'said.txt').read_text()[-2000:]}")
    return {"seconds": seconds, "cpu_s": used.ru_utime + used.ru_stime, "memory_mb": used.ru_maxrss * 1024 / 1e6}


class Instant:
    """A backend whose jobs are over when they are handed in: they leave what a worker would. Counts the time that this takes it."""

    name: ClassVar[str] = "instant"

    def __init__(self) -> None:
        self.taken_s = self.cpu_s = 0.0
        self.gaps_s: list[float] = []
        self.unsynced_s: list[float] = []
        self._syncs = Syncs()
        self._synced_s = 0.0
        self._over: list[str] = []
        self._known = 0.0

    def submit(self, job: Job) -> None:
        """Finish a job."""
        began, cpu = time.perf_counter(), time.process_time()
        if self._known:
            self.gaps_s.append(began - self._known)
            self.unsynced_s.append(self.gaps_s[-1] - (self._syncs.taken_s - self._synced_s))
            self._known = 0.0
        finish(job)
        self._over.append(job.name)
        self.taken_s += time.perf_counter() - began
        self.cpu_s += time.process_time() - cpu

    def wait(self, timeout_s: float) -> Collection[str]:
        """The first job that is over."""
        self._known, self._synced_s = time.perf_counter(), self._syncs.taken_s
        return [self._over.pop(0)]

    def poll(self, name: str) -> JobState:
        """Ended well."""
        return JobState(0)

    def cancel(self, name: str, grace_s: float) -> None:
        """Nothing runs."""

    def forget(self, name: str) -> None:
        """Nothing is known."""

    def close(self) -> None:
        """Nothing is held."""


def finish(job: Job) -> None:
    """Leave the record of a job, without the syncs that a worker makes."""
    about = JobFile.model_validate_json(job.file.read_bytes())
    (job.folder / "out").mkdir()
    text = store.evidence_text({measure.name: Evidence(value=1) for measure in about.measures})
    record = Record(
        node=about.node, stage=about.stage, key=about.key, payload=about.payload, measures=about.measures, evidence=fingerprint(text),
        files={}, seconds=0, device=about.device, host="here", finished=datetime.now(UTC).isoformat(timespec="seconds"), ryot="0",
    )  # fmt: skip
    (job.folder / store.EVIDENCE).write_text(text)
    (job.folder / store.RECORD).write_text(record.model_dump_json(indent=1))


def driven(spec: Path, plugins: Path, root: Path) -> dict[str, float]:
    """What the driver takes for each of a plan's nodes, and its peak resident memory, in this process. Services have no part in it."""
    planned = resolve(spec, "none", (), (plugins,), root)
    last = [node.name for node in planned.plan.nodes if node.stage in ("passing", "fan")]
    wanted = {"data", *last}
    plan = planned.plan.model_copy(update={"nodes": tuple(node for node in planned.plan.nodes if node.name in wanted), "targets": ()})
    backend = Instant()
    run = begin(planned.store.runs, plan.name, datetime.now(UTC), planned.loaded.text, plan.model_dump_json(indent=1))
    around = engine.Surroundings(planned.plugins, planned.machine.cpus)
    began, cpu = time.perf_counter(), time.process_time()
    happening = engine.apply(plan, planned.store, backend, around, run)
    with (root / "shown.txt").open("w") as shown_to, display(Console(file=shown_to)) as shown, closing(happening):
        for event in happening:
            shown.show(event)
    count = len(plan.nodes)
    took = time.perf_counter() - began - backend.taken_s, time.process_time() - cpu - backend.cpu_s
    assert sum(1 for _ in planned.store.records()) == count
    return {
        "cpu_ms_node": took[1] / count * 1e3,
        "wall_ms_node": took[0] / count * 1e3,
        "gap_ms": statistics.median(backend.gaps_s) * 1e3,
        "unsynced_ms": statistics.median(backend.unsynced_s) * 1e3,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }


class Syncs:
    """Counts the seconds that this process waits for the disk to sync."""

    def __init__(self) -> None:
        self.taken_s = 0.0
        self._sync = os.fsync
        os.fsync = self._timed

    def _timed(self, handle: int) -> None:
        began = time.perf_counter()
        self._sync(handle)
        self.taken_s += time.perf_counter() - began


def _add(found: dict[str, dict[str, list[float]]], name: str, numbers: dict[str, Any]) -> None:
    for measure, value in numbers.items():
        found.setdefault(name, {}).setdefault(measure, []).append(value)


def _show(found: dict[str, dict[str, list[float]]], about: str) -> None:
    for name, numbers in found.items():
        if about in name:
            for measure, values in numbers.items():
                print(f"{name:14} {measure:13} {statistics.median(values):8.3f}  ({min(values):.3f} to {max(values):.3f})", flush=True)


def _judged(found: dict[str, dict[str, list[float]]]) -> Iterator[tuple[str, float, float]]:
    """Each bounded number's name, median and bound."""
    bounds = {"cpu_s": PLAN_S, "cpu_ms_node": NODE_MS, "unsynced_ms": NODE_MS, "memory_mb": MEMORY_MB}
    for name, numbers in found.items():
        for measure, values in numbers.items():
            if measure in bounds:
                yield f"{name}: {measure}", statistics.median(values), bounds[measure]


if __name__ == "__main__":
    sys.exit(main())
