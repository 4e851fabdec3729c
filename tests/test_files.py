"""The door to disk under crashes: a write is whole or did not happen, and a lock dies with its process."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryot import files
from ryot.files import (
    Lock,
    append_durable,
    digest_file,
    digest_path,
    hold,
    is_still_at,
    locked,
    make_folder,
    refused,
    sync_tree,
    tree,
    write_durable,
)

WRITER = """
import sys
from pathlib import Path
from ryot.files import write_durable
path = Path(sys.argv[1])
print("up", flush=True)
number = 0
while True:
    number += 1
    write_durable(path, bytes([65 + number % 26]) * 2_000_000)
"""

HOLDER = """
import os, sys, time
from pathlib import Path
from ryot.files import Lock
lock = Lock(Path(sys.argv[1]))
assert lock.acquire(wait=True, note=f"pid {os.getpid()}")
print("held", flush=True)
time.sleep(600)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process that has said its first line."""
    child = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline()
    return child


def kill(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait()
    assert child.stdout is not None
    child.stdout.close()


@pytest.mark.parametrize("delay_s", [0.0, 0.003, 0.011, 0.04])
def test_file_is_old_or_new_after_kill_9(tmp_path: Path, delay_s: float) -> None:
    path = tmp_path / "file"
    write_durable(path, b"old" * 100)
    child = start(WRITER, path)
    time.sleep(delay_s)  # the moment of the crash is what the test varies
    kill(child)
    data = path.read_bytes()
    assert data == b"old" * 100 or (len(data) == 2_000_000 and data == data[:1] * len(data))


def test_new_file_appears_whole_with_its_folders(tmp_path: Path) -> None:
    write_durable(tmp_path / "a" / "b" / "file", "text ü")
    assert (tmp_path / "a" / "b" / "file").read_text(encoding="utf8") == "text ü"
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["file"]


def test_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    here = tmp_path / "here"
    write_durable(here / "file", "old")
    (here / "folder").mkdir()
    with pytest.raises(UnicodeEncodeError):
        write_durable(here / "file", "\ud800")
    with pytest.raises(OSError, match="directory"):
        write_durable(here / "folder", "x")
    assert (here / "file").read_text() == "old"
    assert sorted(entry.name for entry in here.iterdir()) == ["file", "folder"]


def test_lock_is_free_at_once_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    child = start(HOLDER, path)
    lock = Lock(path)
    assert not lock.acquire(wait=False)
    assert lock.holder() == f"pid {child.pid}"
    kill(child)
    began = time.monotonic()
    assert lock.acquire(wait=False)
    assert time.monotonic() - began < 0.1
    lock.release()


def test_lock_is_dropped_by_a_holder_whose_child_lives_on(tmp_path: Path) -> None:
    code = HOLDER.replace("time.sleep(600)", "import subprocess; print(subprocess.Popen(['sleep', '30']).pid, flush=True); os._exit(0)")
    child = start(code, tmp_path / "lock")
    assert child.stdout is not None
    stray = int(child.stdout.readline())
    child.wait()
    try:
        lock = Lock(tmp_path / "lock")
        assert lock.acquire(wait=False)
        lock.release()
    finally:
        os.kill(stray, signal.SIGKILL)
        child.stdout.close()


def test_lock_that_waits_gets_it_when_the_holder_dies(tmp_path: Path) -> None:
    first = start(HOLDER, tmp_path / "lock")
    second = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True)
    first.kill()
    assert second.stdout is not None
    assert second.stdout.readline() == "held\n"
    assert Lock(tmp_path / "lock").holder() == f"pid {second.pid}"
    kill(first)
    kill(second)


def test_lock_excludes_within_one_process_and_can_be_taken_again(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", "me"):
        assert not Lock(tmp_path / "lock").acquire(wait=False)
    with locked(tmp_path / "lock", "x"):
        assert Lock(tmp_path / "lock").holder() == "x"


def test_holder_of_a_lock_that_never_was_is_nobody(tmp_path: Path) -> None:
    assert Lock(tmp_path / "none").holder() == ""


@given(data=st.binary(max_size=3000))
def test_digest_is_sha_256(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / f"digest-{os.getpid()}"
    path.write_bytes(data)
    assert digest_file(path) == hashlib.sha256(data).hexdigest() == digest_path(path)


def folder_with(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_digest_of_a_folder_sees_names_and_contents_but_not_where_it_lies(tmp_path: Path) -> None:
    one = digest_path(folder_with(tmp_path / "one", {"a": "1", "b/c": "2"}))
    assert one == digest_path(folder_with(tmp_path / "two", {"b/c": "2", "a": "1"}))
    assert one != digest_path(folder_with(tmp_path / "three", {"a": "1", "b/d": "2"}))
    assert one != digest_path(folder_with(tmp_path / "four", {"a": "1", "b/c": "3"}))
    assert one != digest_path(folder_with(tmp_path / "five", {"a": "1", "b/c": "2", "d": ""}))


def test_digest_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        digest_path(tmp_path / "none")


def test_tree_lists_regular_files_in_order_of_names(tmp_path: Path) -> None:
    folder_with(tmp_path, {"b": "", "a/z": "", "a.txt": ""})
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    assert [name for name, _ in tree(tmp_path)] == ["a.txt", "a/z", "b"]
    sync_tree(tmp_path / "a")


def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is made durable from now on, by path."""
    found: list[str] = []
    fsync = os.fsync

    def told(handle: int) -> None:
        found.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", told)
    return found


def test_new_folder_is_durable_in_the_one_above_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = synced(monkeypatch)
    make_folder(tmp_path / "a" / "b")
    assert found == [str(tmp_path), str(tmp_path / "a")]
    make_folder(tmp_path / "a" / "b")
    assert len(found) == 2


def test_new_file_that_is_appended_to_is_durable_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = synced(monkeypatch)
    append_durable(tmp_path / "lines", b"one\n")
    append_durable(tmp_path / "lines", b"two\n")
    assert found == [str(tmp_path / "lines"), str(tmp_path), str(tmp_path / "lines")]
    assert (tmp_path / "lines").read_bytes() == b"one\ntwo\n"


def test_line_after_one_that_was_cut_short_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b"one\ntw")
    append_durable(tmp_path / "lines", b"three\n")
    assert (tmp_path / "lines").read_bytes().splitlines() == [b"one", b"tw", b"three"]


def asked_again(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    found: list[Path] = []
    monkeypatch.setattr(files, "look_again", found.append)
    return found


def test_whoever_gets_a_lock_has_the_file_server_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lock, then look again: what this machine remembers of the folder is from before it waited."""
    found = asked_again(monkeypatch)
    with locked(tmp_path / "a" / "lock"):
        assert found == [tmp_path / "a"]
        assert not Lock(tmp_path / "a" / "lock").acquire(wait=False)
    os.close(hold(tmp_path / "b" / "lock", lambda _: None))
    assert found == [tmp_path / "a", tmp_path / "b"]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_kernel_is_told_to_ask_whatever_it_remembers(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from ryot.files import look_again; look_again(Path(sys.argv[1]))"
    argv = ["strace", "-f", "-e", "trace=statx", sys.executable, "-c", code, str(tmp_path)]
    told = subprocess.run(argv, capture_output=True, text=True, check=False)
    if "ptrace" in told.stderr and told.returncode:
        pytest.skip("nothing may be traced here")
    assert f'statx(AT_FDCWD, "{tmp_path}", AT_STATX_FORCE_SYNC' in told.stderr


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EOPNOTSUPP])
def test_file_system_without_locks_is_said_to_have_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def none(handle: int, mode: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files.fcntl, "flock", none)
    for take in (lambda: Lock(tmp_path / "lock").acquire(wait=False), lambda: hold(tmp_path / "lock", lambda _: None)):
        with pytest.raises(OSError, match="has no locks") as told:
            take()
        assert "file system that has locks" in str(refused(told.value, tmp_path))


def test_folder_that_another_machine_replaced_is_not_still_there(tmp_path: Path) -> None:
    class Stale(type(tmp_path)):  # type: ignore[misc]
        def stat(self, **_: bool) -> os.stat_result:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    handle = os.open(tmp_path, os.O_RDONLY)
    assert is_still_at(handle, tmp_path)
    assert not is_still_at(handle, Stale(tmp_path))
    os.close(handle)


def test_held_lock_is_not_that_of_a_folder_which_was_set_aside(tmp_path: Path) -> None:
    """Whoever waits while the folder is renamed gets the lock of the one that stands there now."""
    node = tmp_path / "node"
    child = start(HOLDER, node / "lock")

    def busy(holder: str) -> None:
        assert holder == f"pid {child.pid}"
        node.rename(tmp_path / "aside")
        kill(child)

    handle = hold(node / "lock", busy)
    assert os.path.samestat(os.fstat(handle), (node / "lock").stat())
    os.close(handle)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EACCES])
def test_what_the_disk_refuses_is_the_machines_fault_with_a_hint(tmp_path: Path, code: int) -> None:
    told = refused(OSError(code, os.strerror(code), str(tmp_path / "x")), tmp_path)
    assert told is not None
    assert told.exit_code == 3
    assert os.strerror(code) in told.message
    assert str(tmp_path / "x") in told.message
    assert told.hint


def test_file_elsewhere_that_may_not_be_read_is_no_fault_of_the_machine(tmp_path: Path) -> None:
    assert refused(PermissionError(errno.EACCES, "Permission denied", "/elsewhere"), tmp_path) is None
    assert refused(ValueError("no"), tmp_path) is None
