"""The documents of a "tokens" folder, read in place, and the order in which training takes them: a seeded permutation for each epoch."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ryot.plugins import NodeError, digest_file
from ryot.stages.tokenizer.tokens import Tokens
from ryot.stages.train.stage import Recipe

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Specials:
    """The ids of the special tokens."""

    bos: int | None
    eos: int
    pad: int


class Documents:
    """One split of a "tokens" folder, piece by piece. One longer than `context` is cut to it."""

    def __init__(self, folder: Path, split: str, context: int, limit: int | None = None) -> None:
        self._tokens, self._context = Tokens(folder, split), context
        available = len(self._tokens)
        if limit is not None and limit > available:
            raise NodeError(
                f"train.samples is {limit}, but the {split} split has {available} documents", hint="lower it, or make more data"
            )
        self.count = available if limit is None else limit
        if self.count < 1:
            raise NodeError(f"the {split} split has no documents", hint="add data, or change data.held_out")
        self.lengths: Ids = np.minimum(self._tokens.lengths, context)[: self.count]

    def __getitem__(self, index: int) -> Ids:
        return self._tokens[index][: self._context]

    def targets(self, indices: npt.NDArray[np.int64]) -> int:
        """Tokens to be predicted in these documents: every one but the first of each."""
        return int(np.maximum(self.lengths[indices] - 1, 0).sum())


def specials(folder: Path) -> Specials:
    """The special tokens of a "tokens" folder."""
    found: dict[str, Any] = json.loads((folder / "tokens.json").read_text())
    return Specials(bos=found.get("bos_id"), eos=found["eos_id"], pad=found["pad_id"])


def identity(folder: Path) -> str:
    """What the training data of a "tokens" folder is: the digests of its shards' list, which names theirs, and of the order."""
    return " ".join(digest_file(folder / name) for name in ("tokens.json", "train.order"))


@lru_cache(maxsize=2)
def epoch_order(seed: int, epoch: int, count: int) -> npt.NDArray[np.int64]:
    """The order of `count` documents in an epoch; the same on every machine. It is read several times an update, and read-only."""
    order = np.random.Generator(np.random.PCG64([seed, epoch])).permutation(count)
    order.flags.writeable = False
    return order


def of_update(recipe: Recipe, update: int, count: int) -> npt.NDArray[np.int64]:
    """The documents of an update, counted from 0: the next global batch in the epoch's order."""
    epoch, place = divmod(update, recipe.updates_per_epoch(count))
    start = place * recipe.global_batch
    return epoch_order(recipe.seed, epoch, count)[start : start + recipe.global_batch]


def share(indices: npt.NDArray[np.int64], rank: int, ranks: int) -> npt.NDArray[np.int64]:
    """The documents of an update that one rank takes."""
    return indices[rank::ranks]
