"""A checkpoint is whole or is not taken."""

from pathlib import Path

import pytest

from ryot.stages.finetune.checkpoints import MANIFEST, newest, resumed_of, rotate, seal, updates_of, whole


def plant(folder: Path, updates: int, *, sealed: bool = True, of: str = "run") -> Path:
    """A checkpoint with made-up content."""
    path = folder / f"checkpoint-{updates}"
    (path / "deeper").mkdir(parents=True)
    (path / "adapter_model.safetensors").write_bytes(bytes(range(256)))
    (path / "optimizer.pt").write_bytes(b"moments" * updates)
    (path / "deeper" / "state.json").write_text("{}")
    if sealed:
        seal(path, of, 3)
    return path


def test_the_newest_whole_checkpoint_is_taken_by_number(tmp_path: Path) -> None:
    plant(tmp_path, 9)
    newer = plant(tmp_path, 10)
    assert newest(tmp_path, "run") == newer
    assert (updates_of(newer), resumed_of(newer)) == (10, 3)


def test_nothing_is_taken_where_there_is_nothing(tmp_path: Path) -> None:
    assert newest(tmp_path / "no", "run") is None


def test_one_that_was_not_sealed_is_never_taken_and_is_removed(tmp_path: Path) -> None:
    older, unsealed = plant(tmp_path, 5), plant(tmp_path, 10, sealed=False)
    assert newest(tmp_path, "run") == older
    assert not unsealed.exists()


def test_one_of_another_run_is_never_taken(tmp_path: Path) -> None:
    plant(tmp_path, 5, of="other")
    assert newest(tmp_path, "run") is None


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "optimizer.pt", "deeper/state.json", MANIFEST])
@pytest.mark.parametrize("damage", ["cut", "bit", "gone"])
def test_a_damaged_one_is_passed_over(tmp_path: Path, name: str, damage: str) -> None:
    older, newer = plant(tmp_path, 5), plant(tmp_path, 10)
    content = bytearray((newer / name).read_bytes())
    content[len(content) // 2] ^= 1
    (newer / name).unlink()
    if damage != "gone":
        (newer / name).write_bytes(bytes(content) if damage == "bit" else bytes(content[:-1]))
    assert newest(tmp_path, "run") == older


def test_a_file_that_was_added_later_makes_it_another(tmp_path: Path) -> None:
    path = plant(tmp_path, 5)
    (path / "rng_state.pth").write_bytes(b"not of this run")
    assert not whole(path, "run")


def test_rotation_keeps_the_one_it_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    plant(folder, 5)
    kept = plant(folder, 10)
    (folder / "README.md").write_text("of the trainer")
    rotate(folder, kept)
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "checkpoint-10"]
