"""What goes to stdout: a console as wide as the terminal, and wide enough to be read where there is none."""

import sys

from rich.console import Console

_WITHOUT_A_TERMINAL = 120


def stdout() -> Console:
    """A console for what a verb was asked for; notes and progress belong on stderr."""
    return Console(width=None if sys.stdout is not None and sys.stdout.isatty() else _WITHOUT_A_TERMINAL)
