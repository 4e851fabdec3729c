"""Wakes a greenlet at a point in time, on Linux. gevent's own timers round up to whole milliseconds: as long as a small model takes."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

_MONOTONIC, _FLAGS, _ABSOLUTE = 1, os.O_CLOEXEC | os.O_NONBLOCK, 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Setting(ctypes.Structure):
    _fields_ = [("interval", _Time), ("value", _Time)]


class Alarm:
    """A timer of the kernel (timerfd). `wait` is what waits until a descriptor can be read: gevent's, or select's."""

    def __init__(self, wait: Callable[[int], object]) -> None:
        self._wait = wait
        self._descriptor: int = _LIBC.timerfd_create(_MONOTONIC, _FLAGS)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "no timer of the kernel could be had")

    def until(self, due_ns: int) -> None:
        """Come back at `due_ns` of time.perf_counter_ns(), which on Linux is the monotonic clock; at once where that is past."""
        setting = _Setting(value=_Time(*divmod(due_ns, 1_000_000_000)))
        if _LIBC.timerfd_settime(self._descriptor, _ABSOLUTE, ctypes.byref(setting), None):
            raise OSError(ctypes.get_errno(), "the timer could not be set")
        self._wait(self._descriptor)
        os.read(self._descriptor, 8)

    def close(self) -> None:
        """Give the timer back."""
        os.close(self._descriptor)
