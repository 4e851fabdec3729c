"""Why ranks failed: the first error of ryot's own, else the rank that a signal ended, else the first error at all."""

import json
import re
import signal as signals
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ryot.plugins import NodeError
from ryot.stages.train.pace import pace_of
from ryot.stages.train.shortage import ADVICE, kills

LOG_LINES = 12


class OutOfMemory(NodeError):
    """A rank ran out of memory. `place` is what it was at, `update` whether that was an update, which a smaller micro-batch may help."""

    def __init__(self, message: str, place: str, hint: str = ADVICE) -> None:
        super().__init__(message, hint=hint)
        self.place, self.update = place, place.startswith("update")


class Unfit(NodeError):
    """Training that cannot go on with these settings, whatever the machine: the loss is no number, it diverges, nothing moves."""


@dataclass(frozen=True, slots=True)
class Launched:
    """What was launched: the folder of its `count` ranks, the machines they are spread over by name, and each machine's torchrun's log."""

    folder: Path
    count: int
    machines: tuple[str, ...]
    logs: tuple[Path, ...]

    def errors(self) -> list[dict[str, Any]]:
        """What ranks left of their ends, ryot's own words first. By their names: a listing of a network file system may be old."""
        paths = [self.folder / f"error-{rank}.json" for rank in range(self.count)]
        found = [json.loads(path.read_text()) for path in paths if path.is_file()]
        return sorted(found, key=lambda error: (not (error["ours"] or error["memory"]), error["at"]))

    def ended(self) -> list[tuple[int, int]]:
        """Rank and exit code of the first that ended badly on each machine, those that a signal ended first, as torchrun says it."""
        each, found = self.count // len(self.machines), []
        for number, log in enumerate(self.logs):
            said = re.findall(r"\(exitcode: (-?\d+)\) local_rank: (\d+)", log.read_text(errors="replace") if log.exists() else "")
            found += [(number * each + int(local), int(code)) for code, local in said[-1:]]
        return sorted(found, key=lambda item: item[1] >= 0)

    def name(self, rank: int) -> str:
        """`rank 3`, and on which machine it is where there are several."""
        machine = self.machines[rank // (self.count // len(self.machines))]
        return f"rank {rank} on {machine}" if len(self.machines) > 1 else f"rank {rank}"

    def last_lines(self, rank: int) -> str:
        """Of the rank's own log; of its torchrun's, where it ended before it had one."""
        log = self.logs[rank // (self.count // len(self.machines))]
        return f"its last lines:\n{tail(self.folder / f'rank-{rank}.log') or tail(log)}"


def diagnosis(launched: Launched, code: int, kills_before: int | None) -> NodeError:
    """The error of a run of which a torchrun ended with `code`. `kills_before`: how many processes the kernel had killed when it began."""
    errors, ended = launched.errors(), launched.ended()
    if errors and (errors[0]["ours"] or errors[0]["memory"]):
        return _own(errors[0])
    if ended and ended[0][1] < 0:
        return _killed(launched, -ended[0][1], ended[0][0], kills_before)
    if errors:
        rank = errors[0]["rank"]
        return NodeError(f"{launched.name(rank)} failed: {errors[0]['message']}", hint=launched.last_lines(rank))
    if ended:
        rank = ended[0][0]
        return NodeError(f"{launched.name(rank)} ended with exit code {ended[0][1]} and no error", hint=launched.last_lines(rank))
    hint = f"its output is in {', '.join(map(str, launched.logs))}"
    return NodeError(f"torchrun ended with exit code {code} before its {launched.count} ranks could start", hint=hint)


def _own(error: dict[str, Any]) -> NodeError:
    if not error["memory"]:
        kind = Unfit if error["kind"] == Unfit.__name__ else NodeError
        return kind(error["message"], hint=error["hint"])
    return OutOfMemory(f"rank {error['rank']} ran out of memory at {error['place']}: {error['message']}", error["place"])


def _killed(launched: Launched, signal: int, rank: int, kills_before: int | None) -> NodeError:
    """By its own fault, by somebody, or by the kernel for want of memory: only the last is counted by the kernel, of this machine."""
    now = kills() if rank < launched.count // len(launched.machines) else None
    pace = pace_of(launched.folder, rank)
    place, name = pace.place if pace else "its start", launched.name(rank)
    if signal == signals.SIGKILL and now is not None and kills_before is not None and now > kills_before:
        return OutOfMemory(f"{name} was killed by the kernel at {place}: the machine, or its control group, ran out of memory", place)
    return NodeError(f"{name} was killed by signal {signal} at {place}", hint=launched.last_lines(rank))


def tail(path: Path) -> str:
    """The last lines of a file; nothing where there is none."""
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return "\n".join(lines[-LOG_LINES:])
