"""Servers of tests/fakes as processes of their own, for the load tests."""

import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from ryot.plugins import Endpoint
from ryot.stages.bench import columns

FAKES = Path(__file__).parents[2] / "fakes"


@contextmanager
def running(fake, memory, folder, *switches):
    """One of them with its switches, as an endpoint that tells this `memory` and its pid; it is up as long as the block lasts."""
    ready = folder / "port"
    process = subprocess.Popen([sys.executable, str(FAKES / fake), "--ready-file", str(ready), *switches])
    try:
        while not (ready.exists() and ready.read_text()):
            assert process.poll() is None
            time.sleep(0.02)
        yield Endpoint(f"http://127.0.0.1:{ready.read_text()}", "m", {"memory": memory, "pid": process.pid})
    finally:
        process.kill()
        process.wait()


def requests_of(out):
    """Every request that a load kept below its `out`, as a dictionary."""
    return [asdict(sample) for sample in columns.read(out / columns.FILE)]
