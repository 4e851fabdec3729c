"""`dvc repro` of the two steps of ryot's toy run, killed by kill -9 at random moments, for benchmarks/crash.py: are processes left, does
the next repro end as an undisturbed one, and does a stage that was finished run again?"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.e2e import kill

PIPELINE = f"""
stages:
  train: {{cmd: {sys.executable} step.py weights.bin, deps: [step.py], outs: [weights.bin]}}
  export: {{cmd: {sys.executable} step.py model.bin weights.bin, deps: [step.py, weights.bin], outs: [model.bin]}}
"""
STEP = """
import hashlib, sys, time
from pathlib import Path
given = b"".join(Path(name).read_bytes() for name in sys.argv[2:]) or b"seed"
with open("log.txt", "a") as log: print("began", sys.argv[1], file=log)
with open(sys.argv[1], "wb") as file:
    for step in range(3):
        given = hashlib.shake_128(given).digest(20_000)
        time.sleep(0.15)
        file.write(given)
with open("log.txt", "a") as log: print("ended", sys.argv[1], file=log)
"""


def dvc(program: Path, count: int, seed: str, folder: Path) -> Iterator[list[str]]:
    """The violations of each kill."""
    reference = _project(program, folder / "reference")
    began = time.monotonic()
    _repro(program, reference, "reference").wait()
    seconds, draw = time.monotonic() - began, random.Random(seed)  # noqa: S311 - where to strike, no secret
    print(f"an undisturbed dvc repro takes {seconds:.1f} s", flush=True)
    for number in range(count):
        place, mark = _project(program, folder / str(number)), uuid.uuid4().hex
        first = _repro(program, place, mark)
        time.sleep(draw.uniform(0, seconds))
        first.kill()
        first.wait()
        yield list(_after(program, place, reference, mark))
        shutil.rmtree(place)


def _after(program: Path, place: Path, reference: Path, mark: str) -> Iterator[str]:
    left = list(kill.marked(mark))
    _, left = psutil.wait_procs(left, timeout=0.2)
    if alive := [process for process in left if kill.alive(process)]:
        yield f"processes are left: {len(alive)}"
    before = (place / "log.txt").read_text().splitlines() if (place / "log.txt").exists() else []
    again = _repro(program, place, mark)
    said = (again.communicate()[0] or b"").decode(errors="replace")
    if again.returncode:
        yield f"the next repro ended with {again.returncode}: {said[-300:]!r}"
    elif _digests(place) != _digests(reference):
        yield "other results: than those of an undisturbed run"
    ran = (place / "log.txt").read_text().splitlines()[len(before) :]
    yield from (
        f"{line.split()[1]}: was finished and ran again"
        for line in ran
        if line.startswith("began") and line.replace("began", "ended") in before
    )


def _project(program: Path, folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "step.py").write_text(STEP)
    subprocess.run([program, "init", "--no-scm", "-q"], cwd=folder, check=True)
    return folder


def _repro(program: Path, folder: Path, mark: str) -> subprocess.Popen[bytes]:
    environ = os.environ | {kill.MARK: mark, "DVC_NO_ANALYTICS": "1"}
    return subprocess.Popen([program, "repro"], cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _digests(folder: Path) -> list[str]:
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("weights.bin", "model.bin") if (folder / name).exists()]
