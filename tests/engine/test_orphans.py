"""What is left where the kernel, not ryot, ends an apply: for want of memory, or with the container that it is in. Nothing is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from ryot.engine import events
from tests.conftest import Bench

pytestmark = pytest.mark.heavy
ROOT = Path(__file__).parent.parent.parent
GROUPS = Path("/sys/fs/cgroup")
LIMIT = 700 << 20
EATER = """
import os, sys
open("/proc/self/oom_score_adj", "w").write("-1000")
held = []
while True:
    held.append(bytearray(8 << 20))
"""


def until(true: Callable[[], object], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group with little memory."""
    found = GROUPS / "memory" if (GROUPS / "memory").is_dir() else GROUPS
    folder = found / f"ryot-{uuid.uuid4().hex[:8]}"
    bound = "memory.limit_in_bytes" if found.name == "memory" else "memory.max"
    try:
        folder.mkdir()
        (folder / bound).write_text(str(LIMIT))
    except OSError:
        with suppress(OSError):
            folder.rmdir()
        pytest.skip("only root makes a control group, and not everywhere")
    yield folder
    for pid in members(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert until(lambda: not members(folder))
    folder.rmdir()


def members(group: Path) -> list[int]:
    return [int(line) for line in (group / "cgroup.procs").read_text().split()]


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def plan_in(bench: Bench, tmp_path: Path) -> tuple[list[str], Path]:
    """The command line of an apply whose node waits, with a stray process, which has written its pid to the file."""
    pid_file, plan = tmp_path / "pid", tmp_path / "plan.json"
    plan.write_text(bench.plan(bench.node("a", "stray", pid_file=str(pid_file))).model_dump_json())
    return [sys.executable, "-m", "tests.engine.other", str(bench.store.root), str(plan)], pid_file


def test_an_apply_that_is_killed_for_want_of_memory_leaves_no_process(bench: Bench, tmp_path: Path, group: Path) -> None:
    """vllm#34643, ray#54364: the parent was killed by the kernel, and its workers went on."""
    argv, pid_file = plan_in(bench, tmp_path)
    join = lambda: (group / "cgroup.procs").write_text(str(os.getpid())) and None  # noqa: E731
    process = subprocess.Popen(argv, cwd=ROOT, preexec_fn=join)  # noqa: PLW1509 - what it starts is to be in the group too
    assert until(lambda: pid_file.exists() and pid_file.read_text())
    Path(f"/proc/{process.pid}/oom_score_adj").write_text("1000")
    before = members(group)
    assert len(before) >= 4  # the apply, keeper, worker and stray
    eater = subprocess.Popen([sys.executable, "-c", EATER], preexec_fn=join)  # noqa: PLW1509 - the same
    try:
        assert process.wait(60) == -signal.SIGKILL
        assert until(lambda: not [pid for pid in before if alive(pid)], 5), [psutil.Process(pid) for pid in before if alive(pid)]
    finally:
        eater.kill()
        eater.wait()


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed")
def test_an_apply_whose_container_is_removed_goes_with_it_and_the_next_one_goes_on(bench: Bench, tmp_path: Path) -> None:
    """vllm-omni#2317: `docker rm -f` left workers on the GPU."""
    argv, pid_file = plan_in(bench, tmp_path)
    wall = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*wall, "true"], capture_output=True, check=False).returncode:
        pytest.skip("only root makes a namespace of processes here")
    container = subprocess.Popen([*wall, *argv], cwd=ROOT)
    assert until(lambda: pid_file.exists() and pid_file.read_text())
    below = psutil.Process(container.pid).children(recursive=True)
    assert len(below) >= 4
    container.kill()
    container.wait()
    assert until(lambda: not [process for process in below if alive(process.pid)], 5)
    pid_file.unlink()
    happened = bench.apply(bench.plan(bench.node("a", "stray", pid_file=str(pid_file), ends="returns")))
    assert [event.node for event in happened if isinstance(event, events.Finished)] == ["a"]
