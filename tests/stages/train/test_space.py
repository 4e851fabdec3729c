"""A disk that is full: asked before a run, told while it is written to, and never the loss of what is there."""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError, digest_path
from ryot.stages.train.space import refuse_too_little, room_for
from tests.stages.train.test_health import Run


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of two MiB. Only root may make one."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_too_small_is_told_before_the_run(small: Path) -> None:
    refuse_too_little(small / "not" / "there", 200_000, 5)
    with pytest.raises(NodeError, match=r"6 checkpoints of 0\.5 MiB need 3\.0 MiB .*; 2\.0 MiB are free"):
        refuse_too_little(small / "not" / "there", 1 << 19, 6)


def test_checkpoints_that_lie_there_already_need_no_more_room(small: Path) -> None:
    (small / "update-1").write_bytes(bytes(1_900_000))
    refuse_too_little(small, 500_000, 4)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_what_is_needed_and_free_and_cleared(tmp_path: Path, code: int) -> None:
    aside = tmp_path / "aside"
    aside.mkdir()
    with (
        pytest.raises(NodeError, match=r"the disk is full: the thing needs 3\.00 GiB, and .* are free") as caught,
        room_for(3 << 30, "the thing", aside),
    ):
        raise OSError(code, os.strerror(code))
    assert not aside.exists()
    assert "make room" in (caught.value.hint or "")


def test_another_error_of_the_disk_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), room_for(1, "the thing", tmp_path / "aside"):
        raise PermissionError(errno.EACCES, "no")


@pytest.mark.heavy
def test_a_run_whose_disk_fills_keeps_its_checkpoint_and_goes_on_once_there_is_room(
    small: Path, tmp_path: Path, make_tokens: Callable[..., Path], world: Any
) -> None:
    run = Run(small, make_tokens(), world)
    save = (small / "filler").write_bytes
    trainer = run.trainer()
    update = trainer.update

    def fill(index: int) -> Any:
        if index == 3:
            save(bytes(os.statvfs(small).f_bavail * os.statvfs(small).f_frsize - 100_000))
        return update(index)

    trainer.update = fill
    with pytest.raises(NodeError, match=r"the disk is full: the checkpoint after update 4 needs 0\..* MiB, and 0\.1 MiB are free"):
        run.train(trainer)
    kept = run.checkpoints()
    assert list(kept) == ["update-00000002"]
    (small / "filler").unlink()
    mended = run.train(run.trainer())
    assert mended.resumed == 1
    whole = Run(tmp_path / "whole", run.tokens, world)
    assert whole.train(whole.trainer()).updates == mended.updates
    assert digest_path(small / "checkpoints" / "update-00000002") == kept["update-00000002"]
