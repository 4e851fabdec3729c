"""What goes to stdout: a console as wide as the terminal, and wide enough to be read where there is none; JSON that is harmless."""

import json
import sys

from rich.console import Console

_WITHOUT_A_TERMINAL = 120


def stdout() -> Console:
    """A console for what a verb was asked for; notes and progress belong on stderr."""
    return Console(width=None if sys.stdout is not None and sys.stdout.isatty() else _WITHOUT_A_TERMINAL)


def escaped(text: str) -> str:
    """JSON with what cannot be printed, C1 codes and turned directions among it, as `\\u009b`: it commands no terminal."""
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)
