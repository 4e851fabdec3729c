"""A real run, killed at sampled operations on the disk, for benchmarks/crash.py. Each starts from a copy of what an undisturbed run had
finished before that operation."""

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
from typing import Any

from ryot.store.store import RECORD, Store
from tests.crash.runs import HERE, ROOT, half
from tests.crash.site.sitecustomize import likeness
from tests.e2e import kill


def spec(path: Path, points: int, seed: str, folder: Path) -> Iterator[list[str]]:
    """The violations of each kill; the first is the undisturbed run's own."""
    mark, reference = uuid.uuid4().hex, folder / "reference"
    code = _apply(path, reference, mark)
    if code not in kill.VERDICT:
        yield [f"the undisturbed run ended with {code}: {(reference / 'said.txt').read_text()[-600:]}"]
        return
    steps = [json.loads(line) for line in (reference / "crash" / "log.jsonl").read_text().splitlines()]
    print(f"{path.name}: {len(steps)} operations", flush=True)
    draw = random.Random(seed)  # noqa: S311 - where to strike, no secret
    for step in draw.sample(steps, min(points, len(steps))):
        place = folder / f"at-{step['n']}"
        yield list(_struck(path, reference, place, step, steps, draw.choice(("kill", "tree"))))
        shutil.rmtree(place)


def _struck(path: Path, reference: Path, place: Path, step: dict[str, Any], steps: list[dict[str, Any]], how: str) -> Iterator[str]:
    at = f"{how} at {step['who']} {likeness(step['kind'], step['path'])[-90:]}"
    for before in steps:
        if before["kind"] == "rename" and before["to"].endswith(f"/{RECORD}") and before["n"] < step["n"]:
            node = Path(before["to"]).parent
            shutil.copytree(reference / node, place / node, dirs_exist_ok=True)
    mark = uuid.uuid4().hex
    code = _apply(path, place, mark, like=likeness(step["kind"], step["path"]), how=how)
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
