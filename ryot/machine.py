"""Which machine this is, so that several may share a folder: a pid means something on one machine, and within one start of it, only."""

import hashlib
import os
import re
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_HALF = re.compile(r"\..+\.(?P<pid>\d+)-(?P<boot>[0-9a-f]{8})-(?P<machine>[0-9a-f]{8})\.part")


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes a file that is not whole yet: a process, on this machine or `here` not, since its last start or `now` not."""

    pid: int
    here: bool
    now: bool


@cache
def machine() -> str:
    """This machine, as 64 hexadecimal digits: by its name and, where the system has one, the number it was installed with. A new container
    is another machine. Two are taken for one only where both are the same, as in copies of one disk."""
    return hashlib.sha256(f"{socket.gethostname()}\0{_read('/etc/machine-id')}".encode()).hexdigest()


@cache
def boot() -> str:
    """This start of the machine, or of a container that has pids of its own, as 64 hexadecimal digits."""
    pids = Path("/proc/self/ns/pid")
    space = pids.readlink() if pids.is_symlink() else ""
    return hashlib.sha256(f"{boot_id()}\0{space}".encode()).hexdigest()


def boot_id() -> str:
    """The kernel's own number of its start, the same in all containers; empty where it has none."""
    return _read("/proc/sys/kernel/random/boot_id")


def half_name(name: str) -> str:
    """What a file is called as long as this process writes it: `.record.json.4711-5e8f01c2-90ab34cd.part`."""
    return f".{name}.{os.getpid()}-{boot()[:8]}-{machine()[:8]}.part"


def writer_of(half: str) -> Writer | None:
    """Who gave a file the name that `half_name` made; None for another name."""
    found = _HALF.fullmatch(half)
    return Writer(int(found["pid"]), found["machine"] == machine()[:8], found["boot"] == boot()[:8]) if found else None


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
