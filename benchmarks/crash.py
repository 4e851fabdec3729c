"""Strikes ryot where it is most easily hurt, and others beside it: `python benchmarks/crash.py [--step N] [--kills 200] [--dvc PATH]`.

A run of toy stages (three training steps with checkpoints, an export) is killed at every operation on the disk, the process alone and the
whole tree; each operation fails in every way it may; the power is cut before each, five ways. Then 200 random `kill -9` of any process of
a run with a service and children that will not end. The oracle is invariants only: tests/crash/runs.py. `--step N` takes each N-th.
Beside it, if they are there: DeepSpeed's `save_checkpoint`, killed at random moments of a save (`--deepspeed 30`), and `dvc repro` of the
same two steps (`--dvc PATH`). `--spec specs/tiny.yaml --points 30`: a real run, killed at sampled operations, each from a copy of what was
finished before; hours. Prints one table; fails where ryot broke an invariant.
"""

from __future__ import annotations

import argparse
import collections
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from crash_dvc import dvc  # noqa: E402 - run as a script, this file has to say where the project is
from crash_spec import spec  # noqa: E402

from tests.crash.random_kill import Wild  # noqa: E402
from tests.crash.runs import Warm  # noqa: E402
from tests.crash.strike import FAULTS, Harness  # noqa: E402


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of strike: how often, how many invariants did not hold, and what else there is to say."""

    what: str
    strikes: int
    violations: int
    note: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--deepspeed", type=int, default=0, metavar="COUNT")
    parser.add_argument("--dvc", type=Path)
    parser.add_argument("--dvc-kills", type=int, default=20)
    parser.add_argument("--spec", type=Path)
    parser.add_argument("--points", type=int, default=30)
    options = parser.parse_args()
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(prefix="ryot-crash-", dir=memory if memory.is_dir() else None) as name:
        rows = list(_rows(options, Path(name)))
    print()
    for row in rows:
        print(f"{row.what:44} {row.strikes:6} struck {row.violations:6} violations  {row.note}")
    sys.exit(any(row.violations for row in rows if row.what.startswith("ryot")))


def _rows(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    if options.kills or options.step:
        warm = Warm()
        yield from toys(warm, options, folder)
        warm.close()
    if options.spec:
        yield Row(f"ryot {options.spec.name}, killed", *_counted(spec(options.spec, options.points, options.seed, folder / "spec")))
    for in_place in (False, True) if options.deepspeed else ():
        yield deepspeed(options.deepspeed, options.seed, in_place)
    if options.dvc:
        yield Row("dvc repro, killed", *_counted(dvc(options.dvc, options.dvc_kills, options.seed, folder / "dvc")))


def toys(warm: Warm, options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """ryot with toy stages."""
    if options.step:
        harness = Harness(warm, folder / "struck")
        harness.begin()
        print(f"{len(harness.kinds)} operations: {dict(collections.Counter(harness.kinds))}", flush=True)
        yield _strike(harness, options.step, "ryot, the process killed", lambda at: harness.kill(at, "kill"))
        yield _strike(harness, options.step, "ryot, the whole tree killed", lambda at: harness.kill(at, "tree"))
        for how in FAULTS:
            may = [at for at in range(1, len(harness.kinds) + 1, options.step) if how in harness.faults(at)]
            yield _strike(harness, options.step, f"ryot, {how}", lambda at, how=how: harness.fail(at, how), may)
        yield _strike(harness, options.step, "ryot, a disk that stays full", lambda at: harness.fail(at, "ENOSPC", lasting=True))
        yield _strike(harness, options.step, "ryot, the power cut, in five ways", harness.cut)
    if options.kills:
        wild = Wild(warm, folder / "wild")
        wild.begin()
        found = [words for number in range(options.kills) for words in _shown(wild.kill(f"{options.seed}-{number}"))]
        note = f"slowest end {wild.slowest_s:.2f} s; {dict(collections.Counter(wild.victims))}"
        yield Row("ryot, random kill -9 of any process", options.kills, len(found), note)


def _strike(harness: Harness, step: int, what: str, strike: Callable[[int], Iterable[object]], may: list[int] | None = None) -> Row:
    began, resumed = time.monotonic(), harness.resumed
    chosen = list(range(1, len(harness.kinds) + 1, step)) if may is None else may
    found = [words for at in chosen for words in _shown(strike(at))]
    return Row(what, len(chosen), len(found), f"{harness.resumed - resumed} resumed, {time.monotonic() - began:.0f} s")


def _shown(found: Iterable[object]) -> Iterator[object]:
    for one in found:
        print(str(one)[:600], flush=True)
        yield one


def _counted(found: Iterable[list[str]]) -> tuple[int, int, str]:
    """Strikes, violations, and the kinds of these."""
    tries = []
    for violations in found:
        tries.append(list(_shown(violations)))
    kinds = collections.Counter(str(words).split(":")[0] for violations in tries for words in violations)
    return len(tries), sum(map(len, tries)), ", ".join(f"{count} x {words}" for words, count in kinds.most_common())


def deepspeed(count: int, seed: str, in_place: bool) -> Row:
    """DeepSpeed's save_checkpoint: after kill -9 in the second save, is there a checkpoint?"""
    folder = Path(tempfile.mkdtemp(prefix="ryot-crash-deepspeed-"))
    program = [sys.executable, str(ROOT / "benchmarks" / "crash_peer.py")]
    where = [str(folder / "kept"), str(count)]
    try:
        subprocess.run([*program, "save", *where, seed, *(["--in-place"] if in_place else [])], check=True, stderr=subprocess.DEVNULL)
        said = subprocess.run([*program, "load", *where], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    finally:
        shutil.rmtree(folder)
    found = collections.Counter(json.loads(said.splitlines()[-1]))
    lost = count - found["new"] - found["old"]
    what = "DeepSpeed save_checkpoint, over the last one" if in_place else "DeepSpeed save_checkpoint, a tag a step"
    return Row(what, count, lost, ", ".join(f"{times} x {words}" for words, times in found.most_common()))


if __name__ == "__main__":
    main()
