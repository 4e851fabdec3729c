"""What a program that a model wrote can and cannot do, behind each wall that this machine has."""

import os
import socket

import pytest

from ryot.plugins import NodeError
from ryot.stages.evaluate import programs
from ryot.stages.evaluate.programs import WALLS, Cell, Wall, run_program

USABLE = [wall for wall in WALLS if not (wall.nobody and os.geteuid() != 0) and run_program("", wall).passed]


@pytest.fixture(params=USABLE, ids=lambda wall: wall.words)
def wall(request):
    return request.param


def test_a_wall_is_found():
    assert Cell().wall == USABLE[0]


def test_without_a_wall_nothing_is_run():
    with pytest.raises(NodeError, match="not even an empty one"):
        Cell((Wall("broken", ("false",)), Wall("not there", ("/no/such/program",))))


def test_a_program_may_compute_print_and_write_in_its_folder(wall):
    libraries = "import math, random, hashlib, re, typing, collections, itertools, heapq, string, datetime, functools, copy, threading\n"
    program = libraries + "print('x' * 10**7)\nopen('f', 'w').write('a')\nassert open('f').read() == 'a'\nassert __name__ != '__main__'"
    assert run_program(program, wall).passed


@pytest.mark.parametrize(
    "program",
    [
        "import socket",
        "import urllib.request",
        "import subprocess",
        "import ctypes",
        "import os; os.system('true')",
        "import os; os.fork()",
        "import os; os.execv('/bin/true', ['true'])",
        "import os; os.kill(os.getppid(), 9)",
        "open('/etc/passwd')",
        "open('/proc/self/cmdline')",
        "import os; os.open('../x', os.O_RDONLY)",
        "import os; os.listdir('/')",
        "import os; os.symlink('/etc/passwd', 'p')",
        "import os; os.remove('program.py')",
        "import numpy",
        "x = [0] * 10**10",
        "f = open('f', 'wb')\nfor n in range(4): f.write(bytes(10**6))\nf.close()",
        "input()",
        "import sys; assert len(sys.argv) > 1",
        "import os; assert set(os.environ) - {'PATH', 'LC_CTYPE', 'RYOT_MARK'}",
    ],
)
def test_what_is_not_for_a_program_ends_it(program):
    outcome = run_program(program, USABLE[0])
    assert not outcome.passed
    assert "Error" in outcome.reason


@pytest.mark.parametrize("program", ["import sys; sys.exit(0)", "import os; os._exit(0)", "import os; os.write(3, b'.' * 99)\nos._exit(0)"])
def test_leaving_is_not_passing(program, wall):
    assert not run_program(program, wall).passed


def test_what_does_not_end_is_ended(wall, monkeypatch):
    monkeypatch.setattr(programs, "SECONDS", 0.5)
    outcome = run_program("import threading, time\nthreading.Thread(target=time.sleep, args=(99,)).start()\nwhile True: pass", wall)
    assert (outcome.passed, outcome.reason) == (False, "not at its end after 0.5 s")


def test_a_server_on_loopback_is_not_reached(wall):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        program = f"import socket\nsocket.create_connection(('127.0.0.1', {server.getsockname()[1]}))"
        assert not run_program(program, wall).passed
        with pytest.raises(TimeoutError):
            server.accept()


def test_it_counts_as_code_eval_does():
    cell = Cell()
    written = [["def f(): return 1"], ["def f(): return 2"], ["def f(: return"]]
    found, rest = cell.compute(["assert f() == 1"] * 3, written, k=[1])
    assert found == {"pass@1": pytest.approx(1 / 3)}
    assert [outcome.reason for outcome in rest["outcomes"]][1:] == ["AssertionError", "SyntaxError: invalid syntax"]
