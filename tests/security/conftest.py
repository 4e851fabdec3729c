"""What the tests of security share: engines and gateways as processes, and real applies of toy stages behind real data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.gateway.conftest import engine, gateway

__all__ = ["engine", "gateway"]
ROOT = Path(__file__).parent.parent.parent
TINY = str(ROOT / "specs" / "tiny.yaml")
RYOT = [sys.executable, "-m", "ryot.cli.main"]


def apply_odd(how: str, store: Path) -> list[str]:
    """The command line of an apply whose node `odd`, after real data, misbehaves as it is told."""
    stages = f"stages=[{{use: odd, after: data, with: {{how: {how}}}}}]"
    toys = str(ROOT / "tests" / "plugins" / "toy")
    return [*RYOT, "apply", TINY, "--store", str(store), "--plugins", toys, "--set", stages, "--until", "odd"]


def ryot(*arguments: str, store: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Another verb on that store."""
    argv = [*RYOT, *arguments, "--store", str(store)]
    return subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False, env=os.environ | environment)
