"""What must hold of the command line on bad days: readers that leave, streams that are closed, signals twice, disks that refuse."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ryot import processes
from ryot.cli.main import run
from ryot.cli.status import run_state
from ryot.store.journal import Journal, Run

ROOT = Path(__file__).parent.parent.parent
TINY = str(ROOT / "specs" / "tiny.yaml")
RYOT = [sys.executable, "-m", "ryot.cli.main"]
# Its first node ends at once, for want of a Python: the quickest apply there is.
FAILS = ["apply", TINY, "--set", "hardware.python.data=/bin/false"]


def ended(arguments: list[str], cwd: Path, shell: str = '"$@"') -> subprocess.CompletedProcess[str]:
    """A command as a shell would run it: `shell` redirects what `"$@"` stands for."""
    argv = ["bash", "-c", shell, "ryot", *RYOT, *arguments]
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


# Readers that leave, streams that are closed


def test_reader_who_leaves_changes_no_verdict(tmp_path: Path) -> None:
    done = ended(["check", TINY], tmp_path, 'set -o pipefail; "$@" | true')
    assert (done.returncode, done.stderr) == (5, "")


def test_reader_who_leaves_changes_no_verdict_as_json(tmp_path: Path) -> None:
    done = ended(["check", TINY, "--json"], tmp_path, 'set -o pipefail; "$@" | true')
    assert (done.returncode, done.stderr) == (5, "")


def test_apply_whose_reader_leaves_says_that_a_node_failed(tmp_path: Path) -> None:
    assert ended(FAILS, tmp_path, 'set -o pipefail; "$@" 2>/dev/null | true').returncode == 4


def test_apply_that_nobody_hears_is_no_success(tmp_path: Path) -> None:
    done = ended(FAILS, tmp_path, 'set -o pipefail; "$@" 2>&1 | true')
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_change_no_exit_code(tmp_path: Path, closed: str) -> None:
    assert ended(FAILS, tmp_path, f'"$@" {closed}').returncode == 4
    assert ended(["schema"], tmp_path, f'"$@" {closed}').returncode == 0


def test_stdout_of_json_is_json_alone(tmp_path: Path) -> None:
    done = ended([*FAILS, "--json"], tmp_path)
    assert done.returncode == 4
    assert json.loads(done.stdout)["exit_code"] == 4
    assert "FAILED" in done.stderr


# Signals


def test_hangup_that_nohup_ignores_is_ignored(tmp_path: Path) -> None:
    fifo = tmp_path / "spec.yaml"
    os.mkfifo(fifo)
    child = subprocess.Popen(["nohup", *RYOT, "validate", str(fifo)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    with fifo.open("w") as spec:
        child.send_signal(signal.SIGHUP)
        spec.write(Path(TINY).read_text())
    out, err = child.communicate(timeout=20)
    assert child.returncode == 0, err
    assert b"is sound" in out


def test_apply_ends_where_ends_of_children_are_ignored(tmp_path: Path) -> None:
    code = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run([sys.executable, "-c", code, *RYOT, *FAILS], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert done.returncode == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_many_signals_are_one_interrupt(tmp_path: Path, number: signal.Signals) -> None:
    for _ in range(5):
        fifo = tmp_path / "spec.yaml"
        fifo.unlink(missing_ok=True)
        os.mkfifo(fifo)
        child = subprocess.Popen([*RYOT, "validate", str(fifo)], stderr=subprocess.PIPE, text=True)
        with fifo.open("w"):
            until = time.monotonic() + 60
            while child.poll() is None and time.monotonic() < until:
                child.send_signal(number)
            if child.poll() is None:
                child.kill()
        said = child.communicate(timeout=10)[1]
        assert child.returncode == 128 + number, said
        assert "Traceback" not in said


# What the machine refuses


def test_full_disk_is_told_and_no_bug(tmp_path: Path) -> None:
    done = ended(["schema"], tmp_path, '"$@" >/dev/full')
    assert done.returncode == 3
    assert done.stderr == "error: No space left on device\n    hint: free some space, or use --store on another disk\n"


@pytest.mark.parametrize("store", ["file/below", "x" * 300])
def test_store_that_cannot_be_is_told_and_no_bug(tmp_path: Path, store: str) -> None:
    (tmp_path / "file").touch()
    done = ended([*FAILS, "--store", store], tmp_path)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(f"error: {store[:20]}")


def test_plugin_that_does_not_begin_is_told_and_no_bug(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sick.py").write_text(
        "from ryot.plugins import *\nclass Sick(Stage):\n name = 'sick'; Config = StageConfig; takes = gives = 'documents'\n"
        " def __init__(self): raise KeyError('no')\n"
    )
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "p"\n[project.entry-points."ryot.stages"]\nsick = "sick:Sick"\n')
    assert run(["validate", TINY, "--plugins", str(tmp_path), "--set", "stages=[{use: sick, after: data}]"]) == 3
    assert "sick of p does not begin: KeyError: 'no'" in capsys.readouterr().err


# What others wrote


def test_spec_cannot_command_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text('"\\e]0;owned\\a": 1\nversion: "\\e[2J"\n"\\e[31mtwice": 1\n')
    assert run(["validate", str(spec)]) == 2
    said = capsys.readouterr()
    assert "\x1b" not in said.err + said.out
    assert "\a" not in said.err


def test_process_that_got_the_number_of_an_apply_is_not_taken_for_it(tmp_path: Path) -> None:
    birth = processes.birth(os.getpid())
    assert birth
    for began, state in ((birth, f"running (pid {os.getpid()} on here)"), (birth - 1, "died")):
        folder = tmp_path / str(began)
        journal = Journal(folder)
        journal.write({"event": "began", "pid": os.getpid(), "birth": began, "host": "here"})
        assert run_state(Run("x", folder)) == state


def test_journal_with_foreign_lines_is_read(tmp_path: Path) -> None:
    lines = [
        b"[]",
        b"\xff\xfe",
        b'{"node": "a"}',
        b'{"event": 7}',
        b'{"event": "ready", "node": []}',
        b"[" * 100_000,
    ]
    (tmp_path / "journal.jsonl").write_bytes(b"\n".join([*lines, b'{"event": "ended"}']))
    assert run_state(Run("x", tmp_path)) == "ended"
    assert list(Run("x", tmp_path).events()) == [{"event": "ended"}]


@pytest.mark.parametrize("field", ["targets.²=x", "targets.-1=x", "data.sources.x=1", "targets.99=x"])
def test_index_that_is_none_is_a_usage_error(field: str) -> None:
    assert run(["validate", TINY, "--set", field]) == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("only root mounts a disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_full_disk_while_a_node_runs_is_the_machines_fault(small_disk: Path, tmp_path: Path, workers: int) -> None:
    with (tmp_path / "big.jsonl").open("w") as file:
        file.writelines(json.dumps({"text": os.urandom(500).hex()}) + "\n" for _ in range(12_000))
    spec = tmp_path / "tiny.yaml"
    spec.write_text(Path(TINY).read_text())
    small = ["--set", "data.sources=[{path: big.jsonl}, {path: big.jsonl}]", "--set", f"data.workers={workers}", "--set", "targets=[]",
             "--set", "evaluate.tasks=[perplexity]"]  # fmt: skip
    done = ended(["apply", str(spec), "--store", str(small_disk / "store"), *small], tmp_path)
    assert done.returncode == 3, done.stderr
    assert f"no room in {small_disk}" in done.stderr
    assert "make room and apply again" in done.stderr
    assert "Traceback" not in done.stderr
