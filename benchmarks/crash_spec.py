"""A real run, killed at sampled operations on the disk, for benchmarks/crash.py. Each starts from a copy of what an undisturbed run had
finished before that operation. One that it does not come to, for its processes take turns otherwise, is told and not counted."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from ryot.store.store import RECORD, Store
from tests.crash.runs import HERE, ROOT, half
from tests.crash.site.sitecustomize import alike, likeness
from tests.e2e import kill


def spec(path: Path, points: int, seed: str, folder: Path) -> Iterator[list[str]]:
    """The violations of each kill; the first is the undisturbed run's own."""
    mark, reference = uuid.uuid4().hex, folder / "reference"
    code = _apply(path, reference, mark)
    if code not in kill.VERDICT:
        yield [f"the undisturbed run ended with {code}: {(reference / 'said.txt').read_text()[-600:]}"]
        return
    log = (reference / "crash" / "log.jsonl").read_text().splitlines()
    print(f"{path.name}: {len(log)} operations", flush=True)
    draw = random.Random(seed)  # noqa: S311 - where to strike, no secret
    left = draw.sample(range(len(log)), len(log))
    while points and left:
        at = left.pop()
        place, how = folder / f"at-{at}", draw.choice(("kill", "tree"))
        violations = _struck(path, reference, place, log[: at + 1], how)
        if violations is not None:
            points -= 1
            yield violations
        shutil.rmtree(place)


def _struck(path: Path, reference: Path, place: Path, log: list[str], how: str) -> list[str] | None:
    """The violations of a kill at the last operation of a log; None where the run did not come to it."""
    steps = [json.loads(line) for line in log]
    step, last = steps[-1], 0
    for number, before in enumerate(steps[:-1], 1):
        if before["kind"] == "rename" and before["to"].endswith(f"/{RECORD}"):
            node, last = Path(before["to"]).parent, number
            shutil.copytree(reference / node, place / node, dirs_exist_ok=True)
    like = likeness(step["kind"], step["path"])
    nth = alike(like, log[last:] if "runs/RUN" in like else log)  # what was told of the nodes that are kept is not told again
    at = f"{how} at {step['who']} {like[-90:]}"
    mark = uuid.uuid4().hex
    code = _apply(path, place, mark, like=like, nth=nth, how=how)
    if not (place / "crash" / "struck").exists():
        print(f"{at}: it did not come to that, and ended with {code}", flush=True)
        return None
    return list(_violations(path, reference, place, at, mark, code))


def _violations(path: Path, reference: Path, place: Path, at: str, mark: str, code: int) -> Iterator[str]:
    """What does not hold after a kill, and after the next apply."""
    store = Store(place / "store")
    finished = {record.node: record.finished for record in store.records()}
    print(f"{at}: ended with {code}, {len(finished)} nodes kept", flush=True)
    said = (place / "said.txt").read_text(errors="replace")
    yield from (f"{at}: {word} was printed" for word in ("Traceback", "bug in ryot") if word in said)
    yield from (f"{at}: {words}" for words in half(store))
    try:
        kill.refuse_survivors(mark, [])
        again = _apply(path, place, mark)
        if again not in kill.VERDICT:
            yield f"{at}: the next apply ended with {again}"
        kill.compare(Store(reference / "store"), store, finished)
    except kill.Violation as violation:
        yield f"{at}: {violation}"


def _apply(path: Path, place: Path, mark: str, **orders: object) -> int:
    """One apply with the hook in all its processes. Returns its exit code."""
    for name in ("crash", "runtime"):
        shutil.rmtree(place / name, ignore_errors=True)
        (place / name).mkdir(parents=True)
    (place / "crash" / "orders.json").write_text(json.dumps({"roots": [str(place / "store")], **orders}))
    (place / "crash" / "pids").touch()
    environ = os.environ | {kill.MARK: mark, "RYOT_CRASH": str(place / "crash"), "RYOT_RUNTIME_DIR": str(place / "runtime")}
    environ["PYTHONPATH"] = os.pathsep.join([str(HERE / "site"), str(ROOT)])
    argv = [sys.executable, "-m", "ryot", "apply", str(path), "--store", str(place / "store")]
    with (place / "said.txt").open("ab") as log:
        return subprocess.run(argv, stdout=log, stderr=log, env=environ, start_new_session=True, check=False).returncode
