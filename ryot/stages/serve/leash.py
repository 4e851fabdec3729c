"""`python -m ryot.stages.serve.leash MODULE ARGUMENT...`: `python -m MODULE`, whose processes end with the one that started them.

vLLM's engine, which is such a process, outlives a server that is killed (vllm#55510): for minutes, and with the GPU's memory, if that
happens while it starts. A keeper ends it; this is for when all of ryot is killed at once. multiprocessing imports a program's main module
in each process that it spawns, before anything else of the program, and so this one.
"""

from __future__ import annotations

import os
import runpy
import select
import signal
import sys
import threading
from collections.abc import Sequence

from ryot.stages import collector

MODULE = "ryot.stages.serve.leash"
"""The name of this module, to be started by."""
LOOKS = "RYOT_LOOKS_ONCE_UP"
"""In the environment of an engine, and so of what it spawns: it asks for a full look for cycles once it is up, and looks seldom before."""


def on_leash(argv: Sequence[str]) -> list[str]:
    """What follows the interpreter, run on a leash where it is a module."""
    return ["-m", MODULE, *argv[1:]] if argv[0] == "-m" else list(argv)


def _end_with_parent() -> None:
    """All that a server starts is in its session. Not by the kernel's signal at a parent's death, which comes at the end of the thread that
    started this."""
    parent = os.getppid()
    try:
        ended = select.poll()
        ended.register(os.pidfd_open(parent), select.POLLIN)
        if os.getsid(parent) != os.getsid(0):
            raise ProcessLookupError  # it is whoever takes in orphans
    except ProcessLookupError:
        os.kill(os.getpid(), signal.SIGKILL)

    def watch() -> None:
        ended.poll()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__mp_main__":
    _end_with_parent()
if __name__ in ("__main__", "__mp_main__") and LOOKS in os.environ:
    collector.rarely()
if __name__ == "__main__":
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__")
