"""Kill -9 a random process at a random moment of `ryot apply SPEC`, apply again, compare with an undisturbed run.

    python tests/e2e/kill.py --times 20 [--seed 1] [--folder DIR] [--spec specs/curate.yaml] [--set FIELD=VALUE ...]

Every time: no process is left, the next apply finishes, and digests of data and weights, and all measures that are not timings,
equal the undisturbed run's. Exit code 1 at the first violation.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from ryot.measures import Measure
from ryot.store.record import Record
from ryot.store.store import Store

TINY = Path(__file__).parents[2] / "specs" / "tiny.yaml"
MARK = "RYOT_KILL_TEST"
GONE_WITHIN_S = 5.0
VERDICT = (0, 1, 5)
TIMINGS = ("s", "tokens/s")


class Violation(AssertionError):
    """Something that must hold did not."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--spec", type=Path, default=TINY)
    parser.add_argument("--set", dest="sets", action="append", default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        what = [str(options.spec), *(part for text in options.sets for part in ("--set", text))]
        print(f"seed {options.seed}", flush=True)
        seconds = undisturbed(what, folder / "reference")
        print(f"undisturbed: {seconds:.0f} s", flush=True)
        for number in range(options.times):
            happened = disturbed(what, folder / f"store-{number}", seconds, random.Random(f"{options.seed}-{number}"))
            print(f"{number + 1}/{options.times}: {happened}", flush=True)
    print(f"{options.times} kills, 0 violations")


def undisturbed(what: list[str], store: Path) -> float:
    """The run all others are compared with. Returns its seconds."""
    started = time.monotonic()
    code = start(what, store, uuid.uuid4().hex).wait()
    if code not in VERDICT:
        raise Violation(f"the undisturbed run ended with {code}; see {store.with_suffix('.log')}")
    return time.monotonic() - started


def disturbed(what: list[str], store: Path, seconds: float, random_: random.Random) -> str:
    """One kill. Returns a line that says what was killed and when. Raises Violation."""
    mark = uuid.uuid4().hex
    apply = start(what, store, mark)
    moment = random_.uniform(0.5, seconds * 0.8)  # a quieter machine may be over sooner, and then there is nothing to kill
    with contextlib.suppress(subprocess.TimeoutExpired):
        apply.wait(moment)
    tree = [psutil.Process(apply.pid), *psutil.Process(apply.pid).children(recursive=True)] if apply.poll() is None else []
    victim = random_.choice(tree) if tree else None
    name = described(victim)
    if victim:
        victim.kill()
    if victim and victim.pid == apply.pid:
        apply.wait()
    code = apply.wait()
    refuse_survivors(mark, tree)
    finished = {record.node: record.finished for record in Store(store).records()}
    again = start(what, store, mark).wait()
    if again not in VERDICT:
        raise Violation(f"killed {name} at {moment:.1f} s; the next apply ended with {again}; see {store.with_suffix('.log')}")
    refuse_survivors(mark, [])
    compare(Store(store.parent / "reference"), Store(store), finished)
    return f"killed {name} at {moment:.1f} s, apply ended with {code}, the next with {again}; {len(finished)} nodes kept"


def start(what: list[str], store: Path, mark: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """`ryot apply`, its output in a log beside the store; `environ` is laid on the environment."""
    store.parent.mkdir(parents=True, exist_ok=True)
    environ = os.environ | dict(environ or {}) | {MARK: mark}
    with store.with_suffix(".log").open("ab") as log:
        argv = [sys.executable, "-m", "ryot.cli.main", "apply", *what, "--store", str(store)]
        return subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT, env=environ, start_new_session=True)


def described(process: psutil.Process | None) -> str:
    """What a process is, for people."""
    if process is None:
        return "nothing (it was over)"
    try:
        return " ".join(process.cmdline()[:5])[-70:] or process.name()
    except psutil.Error:
        return f"pid {process.pid}"


def refuse_survivors(mark: str, tree: list[psutil.Process]) -> None:
    """Wait until no process of the run is left, five seconds at most. Raises Violation."""
    deadline = time.monotonic() + GONE_WITHIN_S
    while left := [process for process in {*marked(mark), *tree} if alive(process)]:
        if time.monotonic() > deadline:
            raise Violation(f"still there after {GONE_WITHIN_S} s: {[described(process) for process in left]}")
        psutil.wait_procs(left, timeout=0.1)


def marked(mark: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                yield process
        except psutil.Error:
            continue


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def compare(reference: Store, store: Store, finished: dict[str, str]) -> None:
    """Raise Violation where two stores differ in anything but timings, or a finished node ran again."""
    expected, found = {r.node: r for r in reference.records()}, {r.node: r for r in store.records()}
    if expected.keys() != found.keys():
        raise Violation(f"finished nodes differ: {sorted(expected)} and {sorted(found)}")
    for node, record in found.items():
        if node in finished and record.finished != finished[node]:
            raise Violation(f"{node} was finished and ran again")
        if record.key != expected[node].key:
            raise Violation(f"{node} has another key")
        if weights_and_data(record) != weights_and_data(expected[node]):
            raise Violation(f"{node}: files differ from the undisturbed run's")
        compare_measures(node, reference, expected[node], store, record)


_TIMED = ("timings", "tensorboard/", "wandb/", "mlflow/")
"""Files that hold times of day or seconds."""


def weights_and_data(record: Record) -> dict[str, str]:
    """The digests of a node's files; of nodes that time or ask a live server, none."""
    if record.stage not in ("data", "filter", "tokenizer", "train", "finetune", "align", "export"):
        return {}
    return {name: digest.sha256 for name, digest in record.files.items() if not name.startswith(_TIMED)}


def compare_measures(node: str, reference: Store, expected: Record, store: Store, record: Record) -> None:
    """Measures that are no timings are equal; a live server's, which batches as requests arrive, to five digits."""
    ours, theirs = store.evidence(record), reference.evidence(expected)
    for measure in record.measures:
        if is_timing(record.stage, measure):
            continue
        a, b = (json.loads(item[measure.name].model_dump_json()) for item in (ours, theirs))
        if a != b and not (record.stage == "evaluate" and close(a, b)):
            raise Violation(f"{node}/{measure.name} is {str(a)[:80]}, undisturbed {str(b)[:80]}")


def is_timing(stage: str, measure: Measure) -> bool:
    """Whether a measure tells of the machine at that moment. Of stages that time, only losses and errors do not."""
    if stage in ("compare", "bench"):
        return measure.name not in ("loss_gap", "loss_gap_relative", "errors", "success_rate")
    return measure.unit in TIMINGS or measure.name == "memory_rss"


def close(a: object, b: object) -> bool:
    """Equal to five digits, number by number."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(close(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-5)
    return a == b


if __name__ == "__main__":
    main()
