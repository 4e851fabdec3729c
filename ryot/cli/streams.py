"""stdin, stdout and stderr as they may be: closed from the start, or left by their reader. Light: the catch point needs it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def fill_standard_streams() -> None:
    """Open /dev/null where ryot was started with stdin, stdout or stderr closed, so that no file of ours gets their number."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(handle)


@contextmanager
def for_whoever_reads() -> Iterator[None]:
    """Print what is over anyway: a reader who leaves (`ryot check | grep -q`) changes no exit code. rich makes of it SystemExit."""
    try:
        yield
    except (BrokenPipeError, SystemExit):
        forget_readers()


def forget_readers() -> None:
    """Let everything that is still to be printed go nowhere, as far as its reader has left."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):  # click may have put others in their place
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
