"""The door to disk: durable writes, digests, locks that die with their holder. The last write of a node is its commit."""

import ctypes
import errno
import fcntl
import hashlib
import os
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ryot.errors import MachineError
from ryot.machine import half_name

NO_ROOM = 74
"""With this exit code (EX_IOERR of sysexits.h) a process ends that can write no more, not even why."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOT_OURS = (errno.EACCES, errno.EPERM)
_NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP)
"""What flock says on a file system without locks, such as Lustre mounted without `flock`."""
_HINTS = {
    errno.EIO: "look at the disk and the system's log, then apply again: what is finished is kept",
    errno.EMFILE: "allow more open files (`ulimit -n`) and apply again: what is finished is kept",
    errno.ENFILE: "the whole machine has too many open files; apply again when it has fewer",
    errno.ENOLCK: "put the store (--store) on a file system that has locks, or apply again",
    errno.ESTALE: "another machine has replaced it in the shared folder meanwhile; apply again: what is finished is kept",
}
_AT_FDCWD, _AT_STATX_FORCE_SYNC, _STATX_BASIC_STATS, _STATX_BYTES = -100, 0x2000, 0x7FF, 256
_libc = ctypes.CDLL(None, use_errno=True)


def refused(error: BaseException, folder: Path) -> MachineError | None:
    """What a user is told of a disk that is full, broken or cannot be written, met by what writes below `folder`; None for any other error.

    A file that lies elsewhere and may not be read or written is a stage's affair.
    """
    if not isinstance(error, OSError):
        return None
    where = error.filename or folder
    if error.errno in _FULL:
        return MachineError(f"no room in {where}: {error.strerror}", hint="make room and apply again: finished shards are kept")
    if error.errno == errno.EROFS or (error.errno in _NOT_OURS and _below(where, folder)):
        return MachineError(f"{where} cannot be written: {error.strerror}", hint="make it writable and apply again")
    if error.errno in _HINTS:
        return MachineError(f"{where}: {error.strerror}", hint=_HINTS[error.errno])
    return None


def _below(where: object, folder: Path) -> bool:
    return isinstance(where, str | bytes | os.PathLike) and Path(os.fsdecode(where)).is_relative_to(folder)


def write_durable(path: Path, data: bytes | str) -> None:
    """Write beside, fsync, rename: after a crash the file is the old one or the new one, never half of one."""
    make_folder(path.parent)
    beside = path.with_name(half_name(path.name))
    try:
        with beside.open("wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_path(path.parent)


def write_passing(path: Path, text: str) -> None:
    """Write a file for a process that is about to read it, as quickly as can be; after a crash nobody looks for it."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder and those above it that are missing, durably: what is later written there is found again after a crash."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=mode, exist_ok=True)
    sync_path(folder.parent)


def append_durable(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Add lines to a file, in one write so that a reader meanwhile sees whole ones, and on disk when this returns, unless they may wait
    for the next that are to `sync`. They begin on a line of their own, whatever a crash has cut short before them."""
    make_folder(path.parent)
    new = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        end = os.fstat(handle).st_size
        if end and os.pread(handle, 1, end - 1) != b"\n":
            data = b"\n" + data
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)
    if new:
        sync_path(path.parent)


def rename_durable(source: Path, target: Path) -> None:
    """Rename a file or folder within a folder, durably."""
    source.rename(target)
    sync_path(target.parent)


def remove(path: Path) -> None:
    """Remove a file, if it is there."""
    path.unlink(missing_ok=True)


def remove_tree(folder: Path, *, strict: bool = True) -> None:
    """Remove a folder and all below it, if it is there; where not `strict`, as far as it goes."""
    if folder.exists():
        shutil.rmtree(folder, ignore_errors=not strict)


def is_still_at(handle: int, path: Path) -> bool:
    """Whether an open file is the one that a path names now, and not one that was renamed or removed, by another machine too."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno != errno.ESTALE:
            raise
        return False


def look_again(folder: Path) -> None:
    """Have the kernel ask the file server for a folder's state, whatever it remembers of it. Without, a machine may go on for a minute
    believing that a file is not there which another has just written (NFS keeps that in mind for `acdirmax` seconds)."""
    if hasattr(_libc, "statx"):  # in glibc since 2018
        state = ctypes.create_string_buffer(_STATX_BYTES)
        _libc.statx(_AT_FDCWD, os.fsencode(folder), _AT_STATX_FORCE_SYNC, _STATX_BASIC_STATS, state)


def sync_path(path: Path) -> None:
    """Make a file's bytes, or what was renamed in a folder, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_names(path: Path, levels: int) -> None:
    """Make the name of a path, and those of the folders around it, durable, so many in all. Whoever made one of them may have been killed
    before it synced what the name stands in, and `make_folder` finds it there. What may not be read is a folder that was not made here."""
    for folder in list(path.parents)[:levels]:
        with suppress(PermissionError):
            sync_path(folder)


def sync_tree(folder: Path) -> None:
    """Make every file below a folder durable, and the folders' own entries."""
    for root, _, names in os.walk(folder):
        for name in names:
            sync_path(Path(root, name))
        sync_path(Path(root))


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_path(path: Path) -> str:
    """SHA-256 of a file, or of a folder's relative names and file digests. Raises FileNotFoundError."""
    if path.is_file():
        return digest_file(path)
    if not path.is_dir():
        raise FileNotFoundError(path)
    total = hashlib.sha256()
    for name, file in tree(path):
        total.update(os.fsencode(f"{name}\0{digest_file(file)}\n"))
    return total.hexdigest()


def tree(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every regular file below a folder as (relative posix name, path), in the order of the names."""
    found = [Path(root, name) for root, _, names in os.walk(folder) for name in names]
    yield from sorted((path.relative_to(folder).as_posix(), path) for path in found if path.is_file())


def odd(folder: Path) -> str | None:
    """The first thing below a folder that is neither a regular file nor a folder: a link, a pipe, a socket. As a relative name."""
    entries = (Path(root, name) for root, folders, names in os.walk(folder) for name in [*folders, *names])
    kinds = ((path, path.lstat().st_mode) for path in sorted(entries))
    return next((str(path.relative_to(folder)) for path, mode in kinds if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))), None)


class Lock:
    """An exclusive lock that the kernel drops when its holder dies, however it dies (flock). Its file names the holder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def acquire(self, *, wait: bool, note: str = "") -> bool:
        """Take the lock; False when another holds it and `wait` is off. `note` (who, where) is left for those who wait."""
        make_folder(self.path.parent)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), self.path)
        except BlockingIOError:
            os.close(handle)
            return False
        except BaseException:
            os.close(handle)
            raise
        os.ftruncate(handle, 0)
        os.pwrite(handle, note.encode(), 0)
        self._handle = handle
        look_again(self.path.parent)
        return True

    def holder(self) -> str:
        """The note the present or last holder left."""
        try:
            return self.path.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def release(self) -> None:
        """Drop the lock; the file stays, so that nobody locks a name that another is about to remove."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def whoami(pid: int | None = None) -> str:
    """Who holds a lock, for those who wait: `pid 4711 on HOST`; this process, or another of this machine."""
    return f"pid {pid or os.getpid()} on {socket.gethostname()}"


@contextmanager
def locked(path: Path, note: str = "") -> Iterator[None]:
    """Hold a lock for a block of code, waiting for it."""
    lock = Lock(path)
    lock.acquire(wait=True, note=note)
    try:
        yield
    finally:
        lock.release()


def hold(path: Path, busy: Callable[[str], None], *, shared: bool = False) -> int:
    """Hold a lock until this process ends, alone or `shared`, and note whose it is. Where another has it, `busy` is told who, and it is
    waited for. Returns the open file."""
    while not is_still_at(handle := _held(path, busy, shared), path):
        os.close(handle)  # the folder was set aside meanwhile, and the lock with it
    if not shared:
        os.ftruncate(handle, 0)
        os.pwrite(handle, whoami().encode(), 0)
    look_again(path.parent)
    return handle


def _held(path: Path, busy: Callable[[str], None], shared: bool) -> int:
    make_folder(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        _flock(handle, mode | fcntl.LOCK_NB, path)
    except BlockingIOError:
        busy(os.pread(handle, 400, 0).decode(errors="replace") or "another process")
        _flock(handle, mode, path)
    return handle


def _flock(handle: int, mode: int, path: Path) -> None:
    try:
        fcntl.flock(handle, mode)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise OSError(errno.ENOLCK, "this file system has no locks", str(path)) from error
        raise
