"""The door to processes, with real ones: children die with their parent, and a tree that is ended is seen to be gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ryot import processes

PARENT = """
import sys, time
from ryot import processes
child = processes.spawn([sys.executable, "-c", sys.argv[1]])
print(child.pid, flush=True)
time.sleep(600)
"""
STUBBORN = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open(sys.argv[1], 'w').close(); time.sleep(600)"
FAMILY = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(sys.argv[1], "w").write(str(os.getpid()))
        time.sleep(600)
    time.sleep(600)
time.sleep(600)
"""
SLEEP = "import time; time.sleep(600)"
ENDS_AS_IT_STARTS = """
import os, signal, sys
from ryot import processes

signal.signal(signal.SIGTERM, lambda *_: None)  # as `ryot serve` has a handler of its own
prctl, when, parent = processes._libc.prctl, sys.argv[2], os.getpid()

def killed():
    os.kill(parent, signal.SIGKILL)
    while os.getppid() == parent:
        pass

def around(*arguments):
    if when == "before":
        killed()
    prctl(*arguments)
    if when == "after":
        killed()

processes._libc.prctl = around
processes.spawn([sys.executable, "-c", sys.argv[1]], sig=signal.SIGTERM, stdout=sys.stdout.buffer)
"""


def until(true: Callable[[], object], seconds: float = 10) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_child_dies_with_its_parent(number: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, SLEEP], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert psutil.pid_exists(child)
    parent.send_signal(number)
    parent.wait()
    assert until(lambda: gone(child))
    parent.stdout.close()


def test_child_that_ignores_sigterm_dies_with_its_parent_too(tmp_path: Path) -> None:
    code = STUBBORN.replace("sys.argv[1]", repr(str(tmp_path / "up")))
    parent = subprocess.Popen([sys.executable, "-c", PARENT, code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert until((tmp_path / "up").exists)
    parent.kill()
    parent.wait()
    assert until(lambda: gone(child))
    parent.stdout.close()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_parent_that_is_killed_as_the_child_begins_leaves_none(moment: str) -> None:
    """Between the fork and the program the child has its parent's handlers, which would swallow the word of that one's end."""
    code = [ENDS_AS_IT_STARTS, "import os; print('lived on', os.getppid())", moment]
    done = subprocess.run([sys.executable, "-c", *code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGKILL, "", "")


def test_process_whose_parent_is_gone_already_ends_at_once() -> None:
    code = "from ryot import processes; processes.die_with_parent(1 << 22); print('lived on')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")


def test_child_has_a_session_of_its_own_and_no_input() -> None:
    child = processes.spawn(
        [sys.executable, "-c", "import os, sys; print(os.getsid(0) == os.getpid(), sys.stdin.read() == '')"], stdout=subprocess.PIPE
    )
    assert child.communicate()[0] == b"True True\n"


def test_stderr_goes_where_stdout_goes(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        processes.spawn([sys.executable, "-c", "import sys; sys.stderr.write('said')"], stdout=log).wait()
    assert (tmp_path / "log").read_text() == "said"


def test_blocked_signals_are_not_inherited() -> None:
    old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        code = "import signal; print(len(signal.pthread_sigmask(signal.SIG_BLOCK, ())))"
        assert processes.spawn([sys.executable, "-c", code], stdout=subprocess.PIPE).communicate()[0] == b"0\n"
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def test_whole_family_is_found_and_ended(tmp_path: Path) -> None:
    head = processes.spawn([sys.executable, "-c", FAMILY, str(tmp_path / "pid")])
    assert until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    grandchild = int((tmp_path / "pid").read_text())
    assert grandchild in {process.pid for process in processes.descendants(head.pid)}
    assert processes.end_descendants(head.pid) == []
    assert gone(grandchild)
    head.kill()
    head.wait()


def test_process_that_listens_is_asked_first(tmp_path: Path) -> None:
    code = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (open(sys.argv[1], 'w').write('bye'), sys.exit()))
print('up', flush=True)
time.sleep(600)
"""
    child = processes.spawn([sys.executable, "-c", code, str(tmp_path / "said")], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    assert processes.end([psutil.Process(child.pid)], grace_s=10) == []
    assert (tmp_path / "said").read_text() == "bye"
    child.communicate()


def test_process_that_does_not_listen_is_killed_after_its_grace(tmp_path: Path) -> None:
    child = processes.spawn([sys.executable, "-c", STUBBORN, str(tmp_path / "up")])
    assert until((tmp_path / "up").exists)
    began = time.monotonic()
    assert processes.end([psutil.Process(child.pid)], grace_s=0.2) == []
    assert 0.15 < time.monotonic() - began < 4
    assert gone(child.pid)
    child.wait()


def test_process_that_is_gone_is_no_error() -> None:
    child = processes.spawn([sys.executable, "-c", SLEEP])
    process = psutil.Process(child.pid)
    child.kill()
    child.wait()
    assert processes.end([process]) == []
    assert processes.descendants(child.pid) == []


def test_marked_processes_are_found_by_their_whole_mark() -> None:
    mark = f"/store/{os.getpid()}"
    children = [processes.spawn([sys.executable, "-c", SLEEP], env=os.environ | {processes.MARK: text}) for text in (mark, f"{mark}-other")]
    try:
        assert until(lambda: [process.pid for process in processes.marked(mark)] == [children[0].pid])
    finally:
        for child in children:
            child.kill()
            child.wait()
    assert processes.marked(mark) == []


def test_orphan_is_adopted_and_reaped() -> None:
    code = """
import os, subprocess, sys, time
from ryot import processes
processes.adopt_orphans()
subprocess.run([sys.executable, "-c", "import subprocess; subprocess.Popen(['sleep', '600'])"], check=True)
adopted = processes.descendants(os.getpid())
print(len(adopted), adopted[0].ppid() == os.getpid())
print(processes.end_descendants(os.getpid()), processes.descendants(os.getpid()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 True\n[] []\n"


def test_what_an_ended_leader_left_in_its_session_is_ended() -> None:
    orphan = "import subprocess, sys; child = subprocess.Popen(['sleep', '300']); print(child.pid, flush=True)"
    leader = subprocess.Popen([sys.executable, "-c", orphan], stdout=subprocess.PIPE, start_new_session=True)
    assert leader.stdout
    left = psutil.Process(int(leader.stdout.readline()))
    processes.end_session(leader.pid)  # it may live still: nothing is done
    leader.wait()
    assert left.is_running()
    processes.end_session(leader.pid)
    psutil.wait_procs([left], timeout=10)
    assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
