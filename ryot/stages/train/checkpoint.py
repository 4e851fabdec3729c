"""Checkpoints that are whole or not there: written aside by all ranks, fsynced, sealed by a manifest of digests, renamed.

safetensors and JSON only. A folder without a manifest that matches every byte is passed over.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from ryot.plugins import NodeError, digest_file, make_folder, rename_durable, sync_path, write_durable
from ryot.stages.train.sharding import Place, Sharding, State, reshard
from ryot.stages.train.space import refuse_too_little, room_for
from ryot.stages.train.trainer import Trainer
from ryot.stages.train.world import World

_NAME = re.compile(r"update-(\d{8})")


def save(folder: Path, update: int, trainer: Trainer, state: dict[str, Any]) -> None:
    """Write the checkpoint after `update` updates. All ranks call it together; a crash at any point leaves the older ones.

    Raises NodeError when the disk is full, or when a rank's file is not what that rank wrote.
    """
    world = trainer.world
    aside = folder / f".writing-{update:08d}"
    if world.first:
        _clear(folder)
        make_folder(aside)
    world.meet()
    tensors = trainer.engine.state() | _random(world)
    with room_for(world.size * _bytes(tensors), f"the checkpoint after update {update}", aside):
        _write(aside / f"rank-{world.rank}.safetensors", tensors)
        world.meet()
        if world.first:
            kept = {"update": update, "ranks": world.size, "tuner": trainer.tuner.state(), "sharding": asdict(trainer.engine.sharding)}
            kept["global_batch"] = trainer.config.recipe.global_batch
            write_durable(aside / "state.json", json.dumps({**state, **kept}))
            _seal(aside, world.size)
            final = folder / f"update-{update:08d}"
            shutil.rmtree(final, ignore_errors=True)
            rename_durable(aside, final)
    world.meet()


def bytes_of(trainer: Trainer) -> int:
    """Bytes of the tensors in a checkpoint, of all ranks: the weights and AdamW's two moments of each. All ranks call it together."""
    (mine,) = trainer.world.total(float(sum(3 * master.numel() * master.element_size() for master in trainer.engine.masters)))
    return int(mine)


def refuse_too_little_room(folder: Path, trainer: Trainer) -> None:
    """Raise NodeError unless the checkpoints that lie there at once have room: those kept, the best, and the one being written."""
    size, config = bytes_of(trainer), trainer.config
    written = max(trainer.updates // config.checkpoint_every, 1)
    if trainer.world.first:
        refuse_too_little(folder, size, min(config.keep_checkpoints + 2, written))


def newest(folder: Path) -> Path | None:
    """The newest whole checkpoint; damaged and half-written ones are passed over."""
    return next((path for path in sorted(_all(folder), reverse=True) if whole(path)), None)


def whole(path: Path) -> bool:
    """Whether every byte of a checkpoint is as it was written."""
    try:
        digests: dict[str, str] = json.loads((path / "manifest.json").read_text())
        return bool(digests) and all(digest_file(path / name) == digest for name, digest in digests.items())
    except (OSError, ValueError, AttributeError):
        return False


def restore(path: Path, trainer: Trainer) -> dict[str, Any]:
    """Bring a trainer to where a whole checkpoint was written. Returns the state that was saved with it.

    Another engine, sharding or number of ranks may have written it; then each rank reads what all wrote and takes its share. Raises
    NodeError when their updates were over another number of documents.
    """
    state: dict[str, Any] = json.loads((path / "state.json").read_text())
    before, now = state["global_batch"], trainer.config.recipe.global_batch
    if before != now:
        raise NodeError(
            f"the checkpoint {path.name} has updates of {before} documents, this run of {now}",
            hint="set train.batch_size and train.accumulation so that batch_size x accumulation x ranks stays the same",
        )
    tensors = _tensors(path, state, trainer)
    random = tensors.pop("random.cpu", None)
    if random is not None:  # a rank that was not there before draws from its own seed
        torch.set_rng_state(random)
    if trainer.world.device.type == "cuda" and (random := tensors.pop("random.cuda", None)) is not None:
        torch.cuda.set_rng_state(random, trainer.world.device)
    trainer.engine.restore(tensors)
    trainer.tuner.restore(state["tuner"])
    return state


def _tensors(path: Path, state: dict[str, Any], trainer: Trainer) -> State:
    """What this rank reads."""
    world, old, new = trainer.world, Sharding.read(state["sharding"]), trainer.engine.sharding
    files = [path / f"rank-{rank}.safetensors" for rank in range(state["ranks"])]
    if (old, state["ranks"]) == (new, world.size):
        found: State = load_file(files[world.rank])
        return found
    states = [load_file(file) for file in files]
    mine = states[world.rank] if world.rank < len(states) else {}
    random = {name: tensor for name, tensor in mine.items() if name.startswith("random.")}
    for one in states:
        for name in [name for name in one if name.startswith("random.")]:
            del one[name]
    place = Place(world.rank, world.size, tuple(master.numel() for master in trainer.engine.masters))
    return reshard(states, old, new, place) | random


def rotate(folder: Path, keep: int) -> None:
    """Remove all but the newest `keep` checkpoints and the best one (lowest `score`). At least one whole one always stays."""
    paths = sorted(_all(folder), reverse=True)
    scores = {path: score for path in paths if (score := _score(path)) is not None}
    kept = {*paths[: max(keep, 1)], *([min(scores, key=lambda path: scores[path])] if scores else [])}
    if not any(whole(path) for path in kept):
        return
    for path in paths:
        if path not in kept:
            shutil.rmtree(path)


def _all(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_dir())


def _score(path: Path) -> float | None:
    try:
        return float(json.loads((path / "state.json").read_text())["score"])
    except (OSError, ValueError, KeyError):
        return None


def best(folder: Path) -> Path | None:
    """The whole checkpoint with the lowest loss before it. Rotation never removes it."""
    scores = {path: score for path in _all(folder) if (score := _score(path)) is not None and whole(path)}
    return min(scores, key=lambda path: scores[path]) if scores else None


def _clear(folder: Path) -> None:
    """Remove what crashes left half-written: nothing of it is ever read, and it takes the room of the next."""
    for path in folder.glob(".writing-*"):
        shutil.rmtree(path, ignore_errors=True)


def _write(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, path)
    sync_path(path)
    if path.stat().st_size <= _bytes(tensors):  # a header comes on top
        raise NodeError(f"{path.name} was written, but has {path.stat().st_size} bytes", hint="look at the disk: it lost what was written")


def _seal(aside: Path, ranks: int) -> None:
    """The manifest, once every rank's file is there and not empty: it vouches for what lies there, whatever that is."""
    missing = [rank for rank in range(ranks) if not _size(aside / f"rank-{rank}.safetensors")]
    if missing:
        raise NodeError(f"rank {missing[0]} left no file in its checkpoint", hint="all ranks of a run need one file system")
    digests = {path.name: digest_file(path) for path in sorted(aside.iterdir())}
    write_durable(aside / "manifest.json", json.dumps(digests, sort_keys=True))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _bytes(tensors: dict[str, torch.Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def _random(world: World) -> dict[str, torch.Tensor]:
    states = {"random.cpu": torch.get_rng_state()}
    return states | ({"random.cuda": torch.cuda.get_rng_state(world.device)} if world.device.type == "cuda" else {})
