"""Makes what was written to a file, or renamed in a folder, outlast a crash of the machine."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """fsync a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
