"""Runs programs that a model wrote, each in a process of its own behind the best wall that this machine has, and says which came to
their end. What the wall is and what it is not: docs/evaluation.md."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ryot.plugins import NodeError, processes
from ryot.stages.evaluate.cell import BEGUN, FILE

SECONDS = 3.0
"""For a program to end in: that of Hugging Face's code_eval, which lm-eval's humaneval uses."""
_LATE = 30.0
"""For the process around it to begin in."""
_NOBODY = 65534
_PYTHON = (sys.executable, "-I", "-S", str(Path(__file__).with_name("cell.py")))
_DROP = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--no-new-privs")
_ALONE = ("unshare", "--user", "--map-current-user", "--net", "--pid", "--ipc", "--kill-child")


@dataclass(frozen=True, slots=True)
class Wall:
    """What a program is started behind: words for the report, and the programs that make it so."""

    words: str
    argv: tuple[str, ...] = ()
    nobody: bool = False


WALLS = (
    Wall("another user, no network, own processes", (*_DROP, *_ALONE), nobody=True),
    Wall("no network, own processes", _ALONE),
    Wall("another user, network closed by CPython's audit hook only", _DROP, nobody=True),
    Wall("network closed by CPython's audit hook only"),
)
"""The best first. Behind each of them a program has the limits and the audit hook of cell.py."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a program came to its end, and else why not: the last line that it left, or what ended it."""

    passed: bool
    reason: str = ""


class Cell:
    """Runs programs behind the first wall that lets an empty one through. Raises NodeError where none does."""

    def __init__(self, walls: Sequence[Wall] = WALLS) -> None:
        for wall in walls:
            if not (wall.nobody and os.geteuid() != 0) and run_program("", wall).passed:
                self.wall = wall
                return
        raise NodeError("no program can be run in a locked process on this machine, not even an empty one", hint="leave humaneval out")

    def run(self, program: str) -> Outcome:
        """One program."""
        return run_program(program, self.wall)

    def compute(
        self, references: Sequence[str], predictions: Sequence[Sequence[str]], k: Sequence[int] = (1,)
    ) -> tuple[dict[str, float], dict[str, list[Outcome]]]:
        """What Hugging Face's code_eval computes, for k = 1: the share of programs that pass their test (Chen et al. 2021, section 2.1)."""
        if list(k) != [1]:
            raise NodeError(f"pass@k for k = {list(k)}; only pass@1 can be computed")
        pairs = zip(references, predictions, strict=True)
        outcomes = [[self.run(f"{program}\n{test}") for program in programs] for test, programs in pairs]
        shares = [sum(outcome.passed for outcome in found) / len(found) for found in outcomes]
        return {"pass@1": sum(shares) / len(shares)}, {"outcomes": [outcome for found in outcomes for outcome in found]}


def run_program(program: str, wall: Wall) -> Outcome:
    """Run it to its end or for SECONDS, in a folder of its own that is gone afterwards, without environment, input or output."""
    token = secrets.token_hex(16)
    with _folder(program, wall) as folder, (folder / "said").open("w+b") as said:
        reading, writing = os.pipe()
        try:
            argv = [*wall.argv, *_PYTHON, str(writing), token]
            process = processes.spawn(argv, env=_environment(), cwd=folder, stdout=said, pass_fds=(writing,))
        except OSError as error:
            os.close(reading)
            return Outcome(False, str(error))
        finally:
            os.close(writing)
        heard, late = _listen(reading, len(token))
        _end(process)
        if heard == BEGUN + token.encode():
            return Outcome(True)
        said.seek(0)
        lines = said.read(FILE).decode(errors="replace").strip().splitlines()
        return Outcome(False, late or (lines[-1][:300] if lines else "it left before its end"))


def _listen(reading: int, length: int) -> tuple[bytes, str]:
    """What comes through the pipe until its end, and words where that does not come in time. Closes it."""
    heard, deadline, words = b"", time.monotonic() + _LATE, "did not begin"
    with open(reading, "rb", buffering=0) as result:
        while len(heard) <= length:
            if not select.select([result], [], [], max(deadline - time.monotonic(), 0.0))[0]:
                return heard, words
            more = result.read(length + 1 - len(heard))
            if not more:
                break
            if not heard:
                deadline, words = time.monotonic() + SECONDS, f"not at its end after {SECONDS:g} s"
            heard += more
    return heard, ""


def _environment() -> Mapping[str, str]:
    """None of the user's; where programs are found, for the wall itself, and the mark by which the engine finds what a crash left."""
    return {name: value for name, value in os.environ.items() if name in ("PATH", processes.MARK)}


@contextlib.contextmanager
def _folder(program: str, wall: Wall) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ryot-cell-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "program.py").write_text(program, encoding="utf-8", errors="surrogatepass")
        if wall.nobody:
            os.chown(folder, _NOBODY, _NOBODY)
        yield folder


def _end(process: subprocess.Popen[bytes]) -> None:
    """It and all of its session: a program may leave others behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
