"""Why ranks failed: the first error of ryot's own, else the rank that a signal ended, else the first error at all."""

import json
import re
import signal as signals
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


def diagnosis(folder: Path, count: int, code: int, log: Path, kills_before: int | None) -> NodeError:
    """The error of a run whose torchrun ended with `code`. `kills_before` is how many processes the kernel had killed when it began."""
    errors = [json.loads(path.read_text()) for path in sorted(folder.glob("error-*.json"))]
    errors.sort(key=lambda error: (not (error["ours"] or error["memory"]), error["at"]))
    if errors and (errors[0]["ours"] or errors[0]["memory"]):
        return _own(errors[0])
    text = log.read_text(errors="replace") if log.exists() else ""
    ended = re.findall(r"\(exitcode: (-?\d+)\) local_rank: (\d+)", text)  # torchrun's words for the first that ended badly
    if ended and int(ended[-1][0]) < 0:
        return _killed(folder, -int(ended[-1][0]), int(ended[-1][1]), kills_before)
    if errors:
        rank = errors[0]["rank"]
        return NodeError(f"rank {rank} failed: {errors[0]['message']}", hint=_last_lines(folder, rank))
    if ended:
        return NodeError(
            f"rank {ended[-1][1]} ended with exit code {ended[-1][0]} and no error", hint=_last_lines(folder, int(ended[-1][1]))
        )
    return NodeError(f"torchrun ended with exit code {code} before its {count} ranks could start", hint=f"its output is in {log}")


def _own(error: dict[str, Any]) -> NodeError:
    if not error["memory"]:
        kind = Unfit if error["kind"] == Unfit.__name__ else NodeError
        return kind(error["message"], hint=error["hint"])
    return OutOfMemory(f"rank {error['rank']} ran out of memory at {error['place']}: {error['message']}", error["place"])


def _killed(folder: Path, signal: int, rank: int, kills_before: int | None) -> NodeError:
    """By its own fault, by somebody, or by the kernel for want of memory: only the last is counted by the kernel."""
    now = kills()
    pace = pace_of(folder, rank)
    place = pace.place if pace else "its start"
    if signal == signals.SIGKILL and now is not None and kills_before is not None and now > kills_before:
        return OutOfMemory(f"rank {rank} was killed by the kernel at {place}: the machine, or its control group, ran out of memory", place)
    return NodeError(f"rank {rank} was killed by signal {signal} at {place}", hint=_last_lines(folder, rank))


def _last_lines(folder: Path, rank: int) -> str:
    """Of the rank's own log; of torchrun's, where it ended before it had one."""
    return f"its last lines:\n{tail(folder / f'rank-{rank}.log') or tail(folder / 'torchrun.log')}"


def tail(path: Path) -> str:
    """The last lines of a file; nothing where there is none."""
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return "\n".join(lines[-LOG_LINES:])
