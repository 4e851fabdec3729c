"""What a rank leaves for the watch: how far it has come, where it is, and on request (SIGUSR2) the stack of its main thread."""

import faulthandler
import json
import os
import signal
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

STALL_S = 30.0
"""A rank that has not moved for so long is stuck, unless its updates usually take more than a twentieth of it, or it said otherwise."""
COMPILE_S = 600.0
"""The same where a compiler may be at work, and while nothing is known of how long updates take."""
SLOW_S = 1800.0
"""The same for what has no usual time: building a model, writing a checkpoint. As long as ranks wait for each other."""
KNOWN = 3
"""Moves after which the usual time is known."""
_RECENT = 50
_WIDTH = 512


@dataclass(frozen=True, slots=True)
class Pace:
    """The `moves` a rank has made, the `place` it is at ("update 3 of 90"), the seconds it may stay there at least, and how long it
    usually stays at a place: 0 while that is not known."""

    moves: int
    place: str
    least_s: float
    usual_s: float
    pid: int


class Pacer:
    """Writes a rank's pace, over the last one in place: one small write, no flush."""

    def __init__(self, folder: Path, rank: int) -> None:
        self._file = os.open(folder / f"pace-{rank}", os.O_WRONLY | os.O_CREAT, 0o644)
        self._moves, self._since = 0, time.monotonic()
        self._times: deque[float] = deque(maxlen=_RECENT)
        self.place = "its start"
        # The file stays open for as long as the process lives: the handler writes to it from within a signal.
        self._stack = (folder / f"stack-{rank}").open("wb", buffering=0)
        faulthandler.register(signal.SIGUSR2, file=self._stack, all_threads=False)

    def at(self, place: str, least_s: float = STALL_S) -> None:
        """The rank has moved on, and is at `place` now, where it may stay for `least_s` seconds or longer, if that is usual."""
        before, self._since = self._since, time.monotonic()
        self._times.append(self._since - before)
        self._moves, self.place = self._moves + 1, place
        usual = median(self._times) if self._moves > KNOWN else 0.0
        text = json.dumps(asdict(Pace(self._moves, place, least_s, usual, os.getpid())))
        os.pwrite(self._file, text.ljust(_WIDTH).encode(), 0)


def pace_of(folder: Path, rank: int) -> Pace | None:
    """What a rank wrote last; None when it wrote nothing, or is writing."""
    try:
        return Pace(**json.loads((folder / f"pace-{rank}").read_text()))
    except (OSError, ValueError, TypeError):
        return None
