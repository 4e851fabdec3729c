"""The errors a user can act on. Each says what is wrong, where, and what to do; anything else is a bug in ryot.

RyotError
  SpecError      exit 2   wrong on every machine: syntax, unknown key, impossible combination, wrong usage
  SpecErrors     exit 2   all the SpecErrors of one spec, shown at once
  MachineError   exit 3   wrong for this machine, budget or installation
  NodeError      exit 4   a node failed while it ran
    LostMachine           a further machine that it ran on was lost
"""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_ERRORS = 100
"""So many errors of one spec are told; a file of junk would fill the terminal."""
_LONG = 4000


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written: a file (or "--set"), a line and a column counted from 1, and the line itself."""

    file: str
    line: int
    column: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def printable(text: str) -> str:
    """Text with control characters shown as `·`, one for one, so that nothing a user wrote can command a terminal."""
    return "".join(char if char.isprintable() else "·" for char in text)


def printable_lines(text: str) -> str:
    """As `printable`, but line by line."""
    return "\n".join(map(printable, text.split("\n")))


class RyotError(Exception):
    """An error the user can act on."""

    exit_code = 2

    def __init__(self, message: str, *, at: Place | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.hint = hint

    def __str__(self) -> str:
        message = self.message if len(self.message) <= _LONG else f"{self.message[:_LONG]}... ({len(self.message):,} characters)"
        lines = [f"{self.at}: {message}" if self.at else message]
        if self.at and self.at.text:
            shown = printable(self.at.text.rstrip())
            lines.append(f"    {shown}")
            if self.at.column <= len(shown) + 1:  # a place behind what is shown of a long line has no caret
                lines.append(" " * (3 + self.at.column) + "^")
        if self.hint:
            lines.append(f"    hint: {self.hint}")
        return "\n".join(lines)


class SpecError(RyotError):
    """The spec or the command line is wrong on every machine."""


class SpecErrors(SpecError):
    """Every error found in one spec, or the first MOST_ERRORS of them."""

    def __init__(self, errors: Sequence[SpecError]) -> None:
        count = len(errors)
        more = f"; these are the first {MOST_ERRORS}" if count > MOST_ERRORS else ""
        super().__init__(f"{'more than ' if more else ''}{min(count, MOST_ERRORS)} error{'s' if count != 1 else ''} in the spec{more}")
        self.errors = tuple(errors[:MOST_ERRORS])

    def __str__(self) -> str:
        return "\n".join([*map(str, self.errors), self.message])


class MachineError(RyotError):
    """The spec is sound, but this machine, budget or installation cannot do it."""

    exit_code = 3


class NodeError(RyotError):
    """A node failed while it ran."""

    exit_code = 4


class LostMachine(NodeError):
    """A further machine of a node was lost, through no fault of the node's, which may be tried again. `machine` is its name."""

    def __init__(self, message: str, machine: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.machine = machine
