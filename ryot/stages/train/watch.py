"""Looks at running ranks: passes their progress on, and tells which of them was stopped, and which is stuck, and where.

A rank whose heart beats but which does not move is stuck; the others soon wait for it in a collective. Their stacks tell them apart.
"""

import json
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ryot.plugins import LostMachine, NodeError
from ryot.stages.train.diagnosis import tail
from ryot.stages.train.pace import COMPILE_S, Pace, pace_of

SILENCE_S = 25.0
"""A rank that showed no sign of life for so long is stopped or starved."""
FAILED_S = 10.0
"""How long after a rank's error torchrun may take to end; it knows who was killed first, but a rank that does not heed it holds it up."""
USUAL_TIMES = 20
"""A rank may stay where it is for this many times the usual time between its moves."""
STACK_S = 5.0
"""How long a stack is waited for."""
_FRAME = re.compile(r'  File "(.+)", line (\d+) in (\S+)')
_COLLECTIVE = re.compile(r"torch/distributed/|deepspeed/comm/|stages/train/world\.py")


@dataclass
class _Rank:
    """One rank as it was last seen. Looks are counted, not seconds: when the whole machine slept, nobody was silent or stuck."""

    beat: str = ""
    silent: int = 0
    pace: Pace | None = None
    still: int = 0

    def see(self, beat: str, pace: Pace | None) -> None:
        """A look, about a second after the last one."""
        self.silent = self.silent + 1 if beat and beat == self.beat else 0
        self.beat = beat
        self.still = self.still + 1 if pace and pace == self.pace else 0
        self.pace = pace or self.pace

    @property
    def limit(self) -> float:
        """The looks after which it is stuck where it is."""
        if self.pace is None:
            return float("inf")
        return max(self.pace.least_s, USUAL_TIMES * self.pace.usual_s if self.pace.usual_s else COMPILE_S)


class Watch:
    """Reads progress, signs of life and paces from the folder of a launch."""

    def __init__(self, folder: Path, count: int, on_line: Callable[[dict[str, Any]], None], machines: tuple[str, ...] = ("",)) -> None:
        """`machines` are the names of those that the ranks are spread over, this one first."""
        self._folder, self._on_line, self._read = folder, on_line, 0
        self._machines, self._each = machines, count // len(machines)
        self._ranks = {rank: _Rank() for rank in range(count)}
        self._next_look, self._failed = 0.0, 0

    def look(self) -> bool:
        """Pass new lines on. Returns whether a rank has failed and torchrun does not end; raises NodeError when one has been silent or
        stuck for too long."""
        self._pass_on()
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + 1.0
            for number, rank in self._ranks.items():
                beat = self._folder / f"beat-{number}"
                rank.see(beat.read_text() if beat.exists() else "", pace_of(self._folder, number))
            self._failed += any(self._folder.glob("error-*.json"))
            if not self._failed:
                self._refuse_silent_machine()
                self._refuse_silence()
                self._refuse_stall()
        return self._failed >= FAILED_S

    def _pass_on(self) -> None:
        path = self._folder / "progress.jsonl"
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        for line in whole.splitlines():
            self._on_line(json.loads(line))

    def _refuse_silent_machine(self) -> None:
        """Of a further machine that nothing is heard of, the connection may not have noticed yet that it is gone."""
        for number, name in list(enumerate(self._machines))[1:]:
            ranks = range(number * self._each, (number + 1) * self._each)
            if all(self._ranks[rank].silent >= SILENCE_S for rank in ranks):
                raise LostMachine(f"no rank on {name} has shown a sign of life for {SILENCE_S:.0f} s: it was lost, or is starved", name)

    def _refuse_silence(self) -> None:
        number, rank = max(self._ranks.items(), key=lambda item: item[1].silent)  # a stall of all comes on top of the silence of one
        if rank.silent >= SILENCE_S:
            raise NodeError(
                f"rank {number} has shown no sign of life for {SILENCE_S:.0f} s: it was stopped, or its machine is starved",
                hint=f"its last lines:\n{tail(self._folder / f'rank-{number}.log')}",
            )

    def _refuse_stall(self) -> None:
        """A rank that is silent as well is left to the other diagnosis, which comes soon and knows more."""
        stuck = [number for number, rank in self._ranks.items() if rank.still >= rank.limit]
        if not stuck or any(rank.silent > 2 for rank in self._ranks.values()):
            return
        still = {number: rank for number, rank in self._ranks.items() if rank.still > 2 and rank.pace}
        stacks = _stacks(self._folder, {number: rank.pace for number, rank in still.items() if rank.pace})
        waiting = [number for number, stack in stacks.items() if any(_COLLECTIVE.search(file) for file, _, _ in stack)]
        told = [_told(number, rank, stacks[number], waits=number in waiting) for number, rank in still.items()]
        told += [f"rank {number} moves" for number in self._ranks if number not in still]
        first = next((number for number in still if number not in waiting), stuck[0])
        pace = self._ranks[first].pace
        usual = f"usually it takes {pace.usual_s:.2g} s" if pace and pace.usual_s else "it is among its first moves"
        raise NodeError(
            f"no move for {self._ranks[stuck[0]].still} s ({usual}): {'; '.join(told)}",
            hint=f"the stack of rank {first}, innermost first:\n{tail(self._folder / f'stack-{first}')}",
        )


def _told(number: int, rank: _Rank, stack: list[tuple[str, int, str]], *, waits: bool) -> str:
    assert rank.pace is not None  # a rank without a pace is never still
    if not stack:
        return f"rank {number} is stuck at {rank.pace.place}, and gave no stack"
    own = [frame for frame in stack if not re.search("/site-packages/(?!ryot/)|/lib/python", frame[0])]
    file, line, name = (own or stack)[0]
    doing = "waits for other ranks" if waits else "is stuck"
    return f"rank {number} {doing} at {rank.pace.place} ({Path(file).name}:{line} in {name})"


def _stacks(folder: Path, ranks: dict[int, Pace]) -> dict[int, list[tuple[str, int, str]]]:
    """The main thread's stack of each rank, innermost first, as (file, line, function); empty where none came."""
    sizes = {number: (folder / f"stack-{number}").stat().st_size for number in ranks}
    for pace in ranks.values():
        if _is_rank(pace.pid, folder):
            os.kill(pace.pid, signal.SIGUSR2)
    deadline = time.monotonic() + STACK_S
    while time.monotonic() < deadline and any(not _written(folder, number, size) for number, size in sizes.items()):
        time.sleep(0.05)
    return {number: _frames((folder / f"stack-{number}").read_bytes()[size:].decode()) for number, size in sizes.items()}


def _is_rank(pid: int, folder: Path) -> bool:
    """Whether a process is still the one that wrote this launch's pace, and no later one of the same number."""
    try:
        return str(folder / "job.json").encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _written(folder: Path, number: int, size: int) -> bool:
    """Whether a whole stack has come since the file had `size` bytes: the outermost frame is the module's own."""
    return b" in _run_module_as_main" in (folder / f"stack-{number}").read_bytes()[size:]


def _frames(text: str) -> list[tuple[str, int, str]]:
    return [(file, int(line), name) for file, line, name in _FRAME.findall(text)]
