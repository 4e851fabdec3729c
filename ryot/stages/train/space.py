"""Room on the disk for checkpoints: asked for before a run, and told plainly when it ends."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from ryot.plugins import NodeError

FULL = (errno.ENOSPC, errno.EDQUOT)
_CODE = re.compile(r"os error (\d+)")


def refuse_too_little(folder: Path, checkpoint: int, count: int) -> None:
    """Raise NodeError unless `folder` has room for `count` checkpoints of so many bytes; those that lie there already count."""
    there = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    needed, free = checkpoint * count, shutil.disk_usage(_existing(folder)).free
    if needed > free + there:
        raise NodeError(
            f"{count} checkpoints of {_show(checkpoint)} need {_show(needed)} on the disk of {folder}; {_show(free + there)} are free",
            hint="make room, lower train.keep_checkpoints, or put the store on a larger disk",
        )


@contextmanager
def room_for(needed: int, what: str, aside: Path) -> Iterator[None]:
    """Within, a disk that is full is a NodeError that says what was to be written and how many bytes there were, and `aside` is removed."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        if _code(error) not in FULL:
            raise
        shutil.rmtree(aside, ignore_errors=True)
        free = shutil.disk_usage(_existing(aside)).free
        raise NodeError(
            f"the disk is full: {what} needs {_show(needed)}, and {_show(free)} are free on the disk of {aside.parent}",
            hint="make room and apply again: the run goes on after its last checkpoint, which is kept",
        ) from error


def _code(error: OSError | SafetensorError) -> int | None:
    """The system's number of an error; safetensors, which is written in Rust, has it in its words only."""
    if isinstance(error, OSError):
        return error.errno
    found = _CODE.search(str(error))
    return int(found[1]) if found else None


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists() or path == Path(os.sep))


def _show(count: int) -> str:
    return f"{count / (1 << 30):.2f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.1f} MiB"
