"""What `ryot serve` does with the signals it is sent."""

from __future__ import annotations

import os
import signal
import subprocess

from rich.console import Console

from ryot.cli.serve import _Drain


def test_a_signal_just_after_the_gateway_has_ended_is_no_fault() -> None:
    """As where a service manager ends both at once."""
    gateway = subprocess.Popen(["true"])
    gateway.wait()
    with _Drain(Console(stderr=True)) as drain:
        drain.pid = gateway.pid
        os.kill(os.getpid(), signal.SIGTERM)
    assert drain.asked
