"""Asks the kernel to run this thread soon after it wakes, for less at a time. Linux 6.12 and newer; no privilege, no more of a core.

On a core that is shared with an engine, a generator that wakes up late starts its requests late.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

SLICE_NS = 100_000
"""The shortest that Linux grants. Its own choice is a few milliseconds."""
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""The number of the system call; not every libc knows it by name."""
_ATTRIBUTES = struct.Struct("@IIQiIQQQ")
"""struct sched_attr: size, policy, flags, nice, priority, runtime (the slice), deadline, period."""


def shorten() -> bool:
    """Whether the kernel agreed."""
    number = _SCHED_SETATTR.get(platform.machine())
    attributes = _ATTRIBUTES.pack(_ATTRIBUTES.size, 0, 0, os.getpriority(os.PRIO_PROCESS, 0), 0, SLICE_NS, 0, 0)
    return number is not None and ctypes.CDLL(None).syscall(number, 0, attributes, 0) == 0
