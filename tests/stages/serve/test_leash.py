"""A server on its leash, whose engine is a process that multiprocessing spawns, as vLLM's is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ryot.stages.serve import leash

SERVER = """
import multiprocessing, os, sys, time
from pathlib import Path

def engine(up):
    Path(up).write_text(str(os.getpid()))
    time.sleep(600)

if __name__ == "__main__":
    assert Path(sys.argv[0]).name == "server_of_test.py" or sys.argv[0] == "server_of_test", sys.argv
    multiprocessing.get_context("spawn").Process(target=__import__("server_of_test").engine, args=(sys.argv[1],)).start()
    time.sleep(600)
"""


@pytest.mark.parametrize("when", ["up", "born"])
def test_an_engine_ends_with_the_server_that_started_it(tmp_path: Path, when: str) -> None:
    """With no keeper there, killed once its engine is up, or as soon as that is a process."""
    (tmp_path / "server_of_test.py").write_text(SERVER)
    up = tmp_path / "up"
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])}
    argv = [sys.executable, *leash.on_leash(["-m", "server_of_test", str(up)])]
    server = subprocess.Popen(argv, env=environ, start_new_session=True)
    deadline = time.monotonic() + 60
    below: list[psutil.Process] = []
    while not any("spawn_main" in part for child in below for part in child.cmdline()) or (when == "up" and not up.exists()):
        assert time.monotonic() < deadline
        assert server.poll() is None
        below = psutil.Process(server.pid).children()
        time.sleep(0.002)
    server.kill()
    server.wait()
    assert psutil.wait_procs(below, timeout=10)[1] == []


def test_what_is_no_module_is_started_as_it_is() -> None:
    assert leash.on_leash(["engine.py", "--port", "1"]) == ["engine.py", "--port", "1"]
