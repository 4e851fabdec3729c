"""Whether what a store lies on keeps locks between machines: by the kind of its file system and how it is mounted, as
proc_pid_mountinfo(5) tells it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_KEEP = ("nfs", "nfs4", "lustre", "ceph", "gpfs", "ocfs2", "gfs2", "beegfs", "fuse.ceph", "fuse.glusterfs")
"""Network file systems on which flock, as they are usually mounted, is one lock for all machines."""
_DO_NOT = ("cifs", "smb3", "9p", "virtiofs", "afs", "vboxsf", "fuse")
"""Those on which it may be each machine's own."""
_OWN_ONLY = ("local_lock=all", "local_lock=flock", "nolock", "localflock", "noflock")


def lone(folder: Path) -> str | None:
    """Why a store in a folder is for one machine at a time, in words, though others may reach it; None for a local disk and for a mount
    that keeps locks between machines."""
    try:
        found = mounts(_MOUNTS.read_text(errors="replace"))
    except OSError:
        return None
    place = folder.resolve()
    above = next((found[str(path)] for path in (place, *place.parents) if str(path) in found), None)
    return None if above is None else of_one_machine(*above)


def mounts(text: str) -> Mapping[str, tuple[str, frozenset[str]]]:
    """By where it is mounted, the kind and the options of each file system, of the last where several lie upon each other."""
    found = {}
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if len(fields) >= 6 and len(kind) >= 3:
            found[_unescaped(fields[4])] = (kind[0], frozenset(f"{fields[5]},{kind[2]}".split(",")))
    return found


def of_one_machine(kind: str, options: frozenset[str]) -> str | None:
    """Why locks of a file system are seen by one machine only; None where they are seen by all, or it is no other's."""
    if kind in _KEEP:
        own = sorted(options.intersection(_OWN_ONLY))
        return f"{kind} is mounted with {own[0]}" if own else None
    return f"{kind} may not keep locks between machines" if kind.partition(".")[0] in _DO_NOT else None


def _unescaped(path: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)
