"""An apply that is ended by signals, on a terminal and off: its exit code, what its journal says, and no process left.

Its node has started a process that ignores signals, has left its session twice and has another name; so that whatever a node is doing, a
library's import or a model's load among it, is no matter (DeepSpeed#1016, #3645, #4098, vllm#19196, #24885).
"""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.e2e.kill import MARK, marked

pytestmark = pytest.mark.heavy
ROOT = Path(__file__).parent.parent.parent
TINY = str(ROOT / "specs" / "tiny.yaml")
RYOT = [sys.executable, "-m", "ryot.cli.main"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which the data are finished, so that the node behind them begins at once."""
    folder = tmp_path_factory.mktemp("signals") / "store"
    subprocess.run([*RYOT, "apply", TINY, "--store", str(folder), "--until", "data"], check=True, capture_output=True)
    return folder


def apply(store: Path, pid_file: Path) -> list[str]:
    stages = f"stages=[{{use: stray, after: data, with: {{pid_file: {pid_file}}}}}]"
    toys = str(ROOT / "tests" / "plugins" / "toy")
    return [*RYOT, "apply", TINY, "--store", str(store), "--plugins", toys, "--set", stages, "--until", "stray"]


def until(true: Callable[[], object], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def state(store: Path) -> str:
    done = subprocess.run([*RYOT, "status", "--json", "--store", str(store)], capture_output=True, text=True, check=True)
    return str(json.loads(done.stdout)["state"])


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("numbers", "code"),
    [([signal.SIGINT], 130), ([signal.SIGINT, signal.SIGINT], 130), ([signal.SIGTERM], 143), ([signal.SIGHUP], 129)],
    ids=["SIGINT", "SIGINT twice", "SIGTERM", "SIGHUP"],
)
def test_an_apply_that_is_told_to_end_leaves_no_process(store: Path, tmp_path: Path, numbers: list[signal.Signals], code: int) -> None:
    mark, pid_file = uuid.uuid4().hex, tmp_path / "pid"
    process = subprocess.Popen(apply(store, pid_file), stderr=subprocess.PIPE, env=os.environ | {MARK: mark}, start_new_session=True)
    assert until(lambda: process.poll() is not None or (pid_file.exists() and pid_file.read_text()))
    assert process.poll() is None
    for number in numbers:
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(1.1)  # signals within a second are one
    _, said = process.communicate(timeout=30)
    assert process.returncode == code, said
    assert b"Traceback" not in said
    assert until(lambda: gone(int(pid_file.read_text())) and not [*marked(mark)], 5)
    assert state(store) == "interrupted"


def test_ctrl_c_on_a_terminal_reaches_the_apply_alone(store: Path, tmp_path: Path) -> None:
    """vllm#24885: the terminal signals its whole foreground group. What runs below has sessions of its own, and is ended in order."""
    pid_file = tmp_path / "pid"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, apply(store, pid_file))  # noqa: S606 - in the terminal's foreground
    shown = bytearray()

    def look() -> object:
        shown.extend(os.read(terminal, 1 << 16))  # OSError where it has ended
        return pid_file.exists() and pid_file.read_text()

    assert until(look), shown
    below = [child for child in psutil.Process(pid).children(recursive=True) if child.is_running()]
    assert below
    assert {os.getsid(child.pid) for child in below}.isdisjoint({os.getsid(pid)})
    os.write(terminal, b"\x03")
    with suppress(OSError):
        while part := os.read(terminal, 1 << 16):
            shown.extend(part)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130, shown
    os.close(terminal)
    assert until(lambda: gone(int(pid_file.read_text())) and all(gone(child.pid) for child in below), 5)
    assert state(store) == "interrupted"


def test_a_signal_at_any_moment_of_the_start_ends_it(store: Path, tmp_path: Path) -> None:
    """vllm#19196: Ctrl-C while it started was heard by nobody."""
    draw = random.Random(7)
    for number in range(6):
        mark, pid_file = uuid.uuid4().hex, tmp_path / f"pid-{number}"
        process = subprocess.Popen(apply(store, pid_file), stderr=subprocess.DEVNULL, env=os.environ | {MARK: mark})
        with suppress(subprocess.TimeoutExpired):
            process.wait(draw.uniform(0.3, 2.0))  # the moment is what the test varies
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (143, -signal.SIGTERM)  # before Python has begun, the signal does what signals do
        assert until(lambda mark=mark: not [*marked(mark)], 5)
