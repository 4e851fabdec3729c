import json
import random
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError, digest_file

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def checkpoint() -> Any:
    """The module under test; it imports torch."""
    from ryot.stages.train import checkpoint as module  # noqa: PLC0415

    return module


def plant(folder: Path, update: int, score: float = 1.0) -> Path:
    """A whole checkpoint with made-up content."""
    path = folder / f"update-{update:08d}"
    path.mkdir(parents=True)
    (path / "rank-0.safetensors").write_bytes(bytes(range(256)))
    (path / "state.json").write_text(json.dumps({"update": update, "score": score}))
    (path / "manifest.json").write_text(json.dumps({name: digest_file(path / name) for name in ("rank-0.safetensors", "state.json")}))
    return path


def test_the_newest_whole_checkpoint_is_taken(tmp_path: Path, checkpoint: Any) -> None:
    plant(tmp_path, 5)
    newer = plant(tmp_path, 10)
    assert checkpoint.newest(tmp_path) == newer


def test_nothing_is_taken_where_there_is_nothing(tmp_path: Path, checkpoint: Any) -> None:
    assert checkpoint.newest(tmp_path / "no") is None


@pytest.mark.parametrize("name", ["rank-0.safetensors", "state.json", "manifest.json"])
def test_a_checkpoint_that_lost_bytes_is_passed_over(tmp_path: Path, checkpoint: Any, name: str) -> None:
    older, newer = plant(tmp_path, 5), plant(tmp_path, 10)
    content = (newer / name).read_bytes()
    for size in (0, 1, len(content) // 2, len(content) - 1):
        (newer / name).write_bytes(content[:size])
        assert checkpoint.newest(tmp_path) == older
    (newer / name).unlink()
    assert checkpoint.newest(tmp_path) == older


def test_a_changed_bit_is_seen(tmp_path: Path, checkpoint: Any) -> None:
    older, newer = plant(tmp_path, 5), plant(tmp_path, 10)
    content = bytearray((newer / "rank-0.safetensors").read_bytes())
    content[100] ^= 1
    (newer / "rank-0.safetensors").write_bytes(content)
    assert checkpoint.newest(tmp_path) == older


def test_folders_that_are_no_checkpoints_are_ignored(tmp_path: Path, checkpoint: Any) -> None:
    whole = plant(tmp_path, 5)
    for name in ("update-00000009", ".writing-00000010", "update-x", "99"):
        (tmp_path / name).mkdir()
    assert checkpoint.newest(tmp_path) == whole


def test_rotation_keeps_the_newest_and_the_best(tmp_path: Path, checkpoint: Any) -> None:
    for update, score in ((1, 3.0), (2, 1.0), (3, 2.0), (4, 2.5), (5, 2.4)):
        plant(tmp_path, update, score)
    checkpoint.rotate(tmp_path, 2)
    assert sorted(path.name[-1] for path in tmp_path.glob("update-*")) == ["2", "4", "5"]


def test_after_any_sequence_of_saves_damage_and_rotation_a_whole_one_stays(tmp_path: Path, checkpoint: Any) -> None:
    dice = random.Random(3)
    for update in range(1, 120):
        path = plant(tmp_path, update, dice.random())
        if update > 1 and dice.random() < 0.4:
            (path / "rank-0.safetensors").write_bytes(b"half")
        checkpoint.rotate(tmp_path, dice.randint(1, 3))
        assert checkpoint.newest(tmp_path) is not None


def damage(path: Path, how: str) -> None:
    """Spoil a checkpoint, or plant what is none."""
    if how == "truncated":
        (path / "rank-0.safetensors").write_bytes((path / "rank-0.safetensors").read_bytes()[:-1])
    elif how == "flipped":
        content = bytearray((path / "rank-0.safetensors").read_bytes())
        content[-1] ^= 128
        (path / "rank-0.safetensors").write_bytes(content)
    elif how == "empty":
        (path / "rank-0.safetensors").write_bytes(b"")
    elif how == "no manifest":
        (path / "manifest.json").unlink()
    elif how == "no rank":
        (path / "rank-0.safetensors").unlink()
    elif how == "half-written":
        path.rename(path.with_name(".writing-00000010"))
    else:
        path.rename(path.with_name("10"))


@pytest.mark.parametrize("how", ["truncated", "flipped", "empty", "no manifest", "no rank", "half-written", "a number for a name"])
def test_a_damaged_newest_is_passed_over_for_the_one_before_which_rotation_keeps(tmp_path: Path, checkpoint: Any, how: str) -> None:
    older = plant(tmp_path, 5, 2.0)
    damage(plant(tmp_path, 10, 1.0), how)
    assert checkpoint.newest(tmp_path) == older == checkpoint.best(tmp_path)
    checkpoint.rotate(tmp_path, 1)
    assert checkpoint.newest(tmp_path) == older


def test_a_rank_that_left_nothing_is_seen_before_the_manifest_vouches_for_it(tmp_path: Path, checkpoint: Any) -> None:
    path = plant(tmp_path, 5)
    for ranks, fault in ((2, lambda: None), (1, lambda: (path / "rank-0.safetensors").write_bytes(b""))):
        fault()
        with pytest.raises(NodeError, match=f"rank {ranks - 1} left no file"):
            checkpoint._seal(path, ranks)
