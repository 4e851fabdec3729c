"""The hook of the crash tests: counts what every Python process of a run asks of the disk, and at one of these operations strikes.

Python imports a module of this name from PYTHONPATH as it starts; it does nothing unless RYOT_CRASH names a folder with orders. It
stands at `os`, `io` and `fcntl`, below the door in ryot/files.py, so that what would go past the door is seen too. Standard library only.

An operation is what changes the disk below the roots of the orders: open to write, write, fsync, rename, unlink, mkdir, rmdir, truncate,
lock. It is numbered, over all processes, before it is done.
"""

# ruff: noqa: PTH100, PTH110, PTH112, PTH113, PTH115, PTH118, PTH120, PTH208
# What pathlib calls is taken apart here, so that pathlib cannot be used for it.
import fcntl
import io
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

FOLDER = "RYOT_CRASH"
GROWS = ("open", "write", "mkdir", "fsync")
"""What a disk that is full refuses; it still renames and removes."""
_PLACE = os.environ.get(FOLDER, "")
_real: dict[str, Any] = {}
for _name in ("mkdir", "rmdir", "unlink", "rename", "replace", "truncate", "ftruncate", "open", "write", "pwrite", "fsync", "fdatasync"):
    _real[_name] = getattr(os, _name)
_real["flock"], _real["io"] = fcntl.flock, io.open


class Orders:
    """orders.json: `roots`; at which operation (`at`, or the `nth` of those that are `like` one) to do what (`how`: kill, tree, or the name
    of an errno), once or from then on (`lasting`); whether to keep what is synced (`keep`). The file `struck` tells that it was done."""

    def __init__(self, place: str) -> None:
        said = json.loads(Path(place, "orders.json").read_bytes())
        self.place = Path(place)
        self.roots = [f"{root}/" for root in said["roots"]]
        self.like, self.nth = said.get("like"), said.get("nth", 1)
        self.at, self.how, self.lasting, self.keep = (
            said.get("at", 0),
            said.get("how", ""),
            said.get("lasting", False),
            said.get("keep", False),
        )

    def name(self, path: Any, dir_fd: int | None = None) -> str | None:
        """The path from the folder that holds the roots; None where it lies elsewhere."""
        if isinstance(path, int):
            full = os.readlink(f"/proc/self/fd/{path}")
        else:
            full = os.path.abspath(os.path.join(os.readlink(f"/proc/self/fd/{dir_fd}") if dir_fd is not None else "", os.fsdecode(path)))
        for root in self.roots:
            if f"{full}/".startswith(root):
                return os.path.relpath(full, os.path.dirname(root[:-1]))
        return None

    def above(self, kind: str, handle: int) -> str | None:
        """`.` for the folder that holds the roots, which is theirs only to sync."""
        full = os.readlink(f"/proc/self/fd/{handle}")
        return "." if kind == "fsync" and any(full == os.path.dirname(root[:-1]) for root in self.roots) else None

    def there(self, name: str) -> bool:
        """Whether there is something at a name that `name` gave."""
        return any(os.path.lexists(os.path.join(os.path.dirname(root[:-1]), name)) for root in self.roots)

    def step(self, kind: str, name: str, to: str = "", *, sync: int | None = None, path: Any = None) -> None:
        """Number an operation and write it down; strike where it is the one."""
        with _real["io"](self.place / "log.jsonl", "ab+") as log:
            _real["flock"](log, fcntl.LOCK_EX)
            log.seek(0)
            before = log.read()
            number = before.count(b"\n") + 1
            told = {"n": number, "pid": os.getpid(), "who": role(), "kind": kind, "path": name, "to": to, "by": door()}
            log.write(json.dumps(told).encode() + b"\n")
            log.flush()
            if self.keep and kind == "fsync" and sync is not None:
                self._keep(number, sync)
        if number == self.at or self._alike(kind, name, before) or (self.lasting and number > self.at > 0 and kind in GROWS):
            self._strike(path)

    def _alike(self, kind: str, name: str, before: bytes) -> bool:
        """Whether it is the `nth` of those that are `like` one."""
        return self.like is not None and self.like == likeness(kind, name) and self.nth == alike(self.like, before.splitlines()) + 1

    def _keep(self, number: int, sync: int) -> None:
        source = f"/proc/self/fd/{sync}"
        if os.path.isfile(source):
            shutil.copyfile(source, self.place / f"{number}.synced")

    def _strike(self, path: Any) -> None:
        _real["io"](self.place / "struck", "w").close()
        if self.how in ("kill", "tree"):
            for pid in self._all() if self.how == "tree" else ():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            os.kill(os.getpid(), signal.SIGKILL)
        import errno  # noqa: PLC0415

        number = getattr(errno, self.how)
        raise OSError(number, os.strerror(number), path)

    def _all(self) -> list[int]:
        """The other processes of the run: the command line and all that carry the folder's name in their environment."""
        found = [int(text) for text in (self.place / "pids").read_text().split()]
        wanted = f"{FOLDER}={self.place}".encode()
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    if wanted in Path("/proc", entry, "environ").read_bytes().split(b"\0"):
                        found.append(int(entry))
                except OSError:
                    continue
        return [pid for pid in found if pid != os.getpid()]


def likeness(kind: str, name: str) -> str:
    """What an operation is called in every run, whatever the run's name, its time and the numbers of its processes are."""
    own = ((r"[.][0-9]+-[0-9a-f-]+[.]part$", ".part"), (r"runs/[^/]+", "runs/RUN"), (r"tfevents[.].*", "tfevents"))
    for theirs, all_of_them in own:
        name = re.sub(theirs, all_of_them, name)
    return f"{kind} {name}"


def alike(like: str, log: Iterable[bytes | str]) -> int:
    """How many operations of a log's lines are called so."""
    steps = map(json.loads, log)
    return sum(likeness(step["kind"], step["path"]) == like for step in steps)


def role() -> str:
    """Which process of ryot this is."""
    argv = sys.orig_argv
    name = argv[argv.index("-m") + 1] if "-m" in argv else ""
    return name.removeprefix("ryot.") if name.startswith("ryot.") else "cli"


def door() -> str:
    """The file of ryot's, or of a stage, that asked for it."""
    frame, here = sys._getframe(2), __file__
    while frame is not None:
        name = frame.f_code.co_filename
        if name != here and not name.startswith((sys.base_prefix, "<frozen")):
            return f"{Path(name).parent.name}/{Path(name).name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


class Raw(io.FileIO):
    """A file whose writes are seen."""

    def __init__(self, orders: Orders, name: str, *args: Any) -> None:
        self._orders, self._seen = orders, name
        super().__init__(*args)

    def write(self, data: Any) -> int | None:
        self._orders.step("write", self._seen)
        return super().write(data)


def install(place: str) -> None:
    """Put the hook into this process."""
    orders = Orders(place)

    def on_path(kind: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *args: Any, dir_fd: int | None = None, **named: Any) -> Any:
            name = orders.name(path, dir_fd)
            # What fails by itself changes nothing.
            if name is not None and orders.there(name) != (kind == "mkdir") and (kind != "mkdir" or os.path.isdir(os.path.dirname(path))):
                orders.step(kind, name, path=path)
            return real(path, *args, dir_fd=dir_fd, **named) if kind != "truncate" else real(path, *args)

        return call

    def on_two(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(source: Any, target: Any, **named: Any) -> Any:
            name = orders.name(target)
            if name is not None:
                orders.step("rename", str(orders.name(source)), name, path=source)
            return real(source, target, **named)

        return call

    def on_handle(kind: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(handle: Any, *args: Any) -> Any:
            number = handle if isinstance(handle, int) else handle.fileno()
            name = orders.name(number) or orders.above(kind, number)
            if name is not None:
                orders.step(kind, name, sync=number)
            return real(handle, *args)

        return call

    def os_open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        name = orders.name(path, dir_fd) if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else None
        if name is not None:
            orders.step("open", name, path=path)
        return int(_real["open"](path, flags, mode, dir_fd=dir_fd))

    def io_open(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **named: Any) -> Any:
        name = orders.name(file) if isinstance(file, str | bytes | os.PathLike) and set(mode) & set("wax+") else None
        if name is None:
            return _real["io"](file, mode, buffering, *args, **named)
        orders.step("open", name, path=file)
        return wrapped(Raw(orders, name, file, mode.replace("b", "").replace("t", "")), mode, buffering, *args, **named)

    for kind in ("mkdir", "rmdir", "unlink", "truncate"):
        setattr(os, kind, on_path(kind, _real[kind]))
        os.supports_dir_fd.add(getattr(os, kind))
    os.remove = os.unlink
    os.rename, os.replace = on_two(_real["rename"]), on_two(_real["replace"])
    os.write, os.pwrite = on_handle("write", _real["write"]), on_handle("write", _real["pwrite"])
    os.ftruncate = on_handle("truncate", _real["ftruncate"])
    os.fsync, os.fdatasync = on_handle("fsync", _real["fsync"]), on_handle("fsync", _real["fdatasync"])
    fcntl.flock = on_handle("lock", _real["flock"])
    os.open = os_open
    os.supports_dir_fd.add(os.open)
    io.open = io_open
    sys.modules["builtins"].open = io_open  # type: ignore[attr-defined]
    _said(orders)


def wrapped(raw: Raw, mode: str, buffering: int, *args: Any, **named: Any) -> Any:
    """What io.open would have made of it."""
    if buffering == 0:
        return raw
    buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
    return buffered if "b" in mode else io.TextIOWrapper(buffered, *args, **named)


def _said(orders: Orders) -> None:
    """What is printed into a node's log is written to the disk as well."""
    name = orders.name(1) if os.path.exists("/proc/self/fd/1") else None
    if name is not None:
        raw = Raw(orders, name, 1, "w", False)
        sys.stdout = sys.__stdout__ = io.TextIOWrapper(io.BufferedWriter(raw), sys.stdout.encoding, sys.stdout.errors)


if _PLACE:
    install(_PLACE)
