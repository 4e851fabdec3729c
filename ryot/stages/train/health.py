"""The health of a run, looked at in every update: loss, gradient and weights are numbers, and the weights move.

What is wrong is told with the update, the rank and the parameter. All ranks find the same, and raise together.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from ryot.stages.train.diagnosis import Unfit
from ryot.stages.train.engine import Engine
from ryot.stages.train.optimizer import local
from ryot.stages.train.stage import Recipe
from ryot.stages.train.world import World

SKIPS_IN_A_ROW = 3
"""Updates that may be dropped one after the other before the run stops, where a recipe allows any to be dropped."""
SAMPLE = 64
"""Weights of each master that are compared one by one, evenly spread."""
EPSILON = float(torch.finfo(torch.float32).eps)
"""A change smaller than this share of a weight is lost in its rounding."""
LOWER = "lower train.lr or train.clip, or lengthen train.warmup_steps; the last good checkpoint is kept"


def skips_allowed(recipe: Recipe) -> int:
    """Updates in a row that may be dropped without harm. Only a loss scaler drops updates rightly, and fp32 and bf16 have none."""
    return 0 if recipe.precision in ("fp32", "bf16") else SKIPS_IN_A_ROW - 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is: an update in words ("update 3 of 90"), its loss so far ("-" before it is known), and its learning rate."""

    update: str
    loss: str
    lr: float

    def __str__(self) -> str:
        return f"(loss {self.loss}, lr {self.lr:.3g})"


def refuse_loss(total: float, mine: float, place: Place, world: World) -> None:
    """Raise Unfit when an update's loss, summed over the ranks from each one's `mine`, is no number."""
    if not math.isfinite(total):
        raise Unfit(f"{place.update} has the loss {total} {place} on {_ranks(world, not math.isfinite(mine))}", hint=LOWER)


def refuse_gradient(norm: float, place: Place, engine: Engine, world: World) -> None:
    """Raise Unfit when the global gradient norm is no number although the loss is one, or when the engine dropped the update.

    Where a recipe lets updates drop, the weights tell: `Health.look` counts what was dropped, and finds what was not.
    """
    if skips_allowed(engine.recipe) and engine.skipped():
        return
    if math.isfinite(norm):
        if engine.skipped():
            raise _dropped(1, place)
        return
    where = _first(world, ((name, local(part.grad)) for name, part in engine.model.named_parameters() if part.grad is not None))
    raise Unfit(f"{place.update} has the gradient norm {norm} although its loss is a number {place}{where}", hint=LOWER)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is remembered of this rank's masters between two updates: each one's norm, and some of its weights."""

    norms_M: torch.Tensor
    sample_N: torch.Tensor

    @classmethod
    def of(cls, engine: Engine) -> "Vitals":
        """One pass over the weights, and a copy of a few."""
        flat = [master.detach().reshape(-1) for master in engine.masters]
        spread = [part[:: max(part.numel() // SAMPLE, 1)] for part in flat if part.numel()]
        return cls(torch.stack(torch._foreach_norm(flat)), torch.cat(spread).clone())

    @property
    def squares(self) -> float:
        """The sum of all squared weights; not finite when a weight is no number."""
        return float(self.norms_M.double().square().sum())

    def same(self, other: "Vitals") -> bool:
        """Whether no weight is seen to differ. All of them would have to stand still, in their norms and one by one."""
        return bool(torch.equal(self.sample_N, other.sample_N) and torch.equal(self.norms_M, other.norms_M))


class Health:
    """The weights of a run from update to update. It costs one pass over them and one small collective."""

    def __init__(self, engine: Engine, world: World) -> None:
        self._engine, self._world = engine, world
        self._weights = sum(master.numel() for master in engine.masters)
        self._before, self._skipped, self._row = Vitals.of(engine), engine.skipped(), 0

    def look(self, place: Place, norm: float) -> None:
        """Raise Unfit when the update just carried out, with a gradient of that norm, left a weight that is no number, left every
        weight as it was although its learning rate would have shown, or was one dropped update too many."""
        now = Vitals.of(self._engine)
        finite, moved = math.isfinite(now.squares), not now.same(self._before)
        bad, moving, squares, weights = self._world.total(not finite, moved, now.squares if finite else 0.0, self._weights)
        if bad:
            raise Unfit(f"a weight is no number after {place.update} {place} on {self._bad_weights(finite=finite)}", hint=LOWER)
        if not self._allowed_drop(place):
            self._refuse_still(place, moving=moving > 0 and norm > 0, visible=place.lr > EPSILON * math.sqrt(squares / weights))
        self._before = now

    def _bad_weights(self, *, finite: bool) -> str:
        shards = ((name, local(getattr(part, "ds_tensor", part)).detach()) for name, part in self._engine.model.named_parameters())
        return _ranks(self._world, not finite) + _first(self._world, shards)

    def _allowed_drop(self, place: Place) -> bool:
        """Whether the engine dropped the update, as it may."""
        before, self._skipped = self._skipped, self._engine.skipped()
        self._row = self._row + 1 if self._skipped > before else 0
        if self._row > skips_allowed(self._engine.recipe):
            raise _dropped(self._row, place)
        return self._row > 0

    def _refuse_still(self, place: Place, *, moving: bool, visible: bool) -> None:
        """Weight decay alone moves weights too, so a gradient of nothing counts as standing still."""
        if visible and not moving:
            raise Unfit(
                f"{place.update} left every weight as it was, or had no gradient {place}: nothing is learnt",
                hint="use train.precision: fp32, or a higher train.lr; see that the documents have more than one token",
            )


def _dropped(row: int, place: Place) -> Unfit:
    what = place.update if row == 1 else f"{row} updates in a row, {place.update} the last of them,"
    return Unfit(
        f"the engine dropped {what} without a word: the gradients overflow {place}",
        hint="use train.precision: fp32, or a lower train.lr; the last good checkpoint is kept",
    )


def _ranks(world: World, here: bool) -> str:
    """The ranks on which something is so, in words. All ranks call it together."""
    flags = world.gather(torch.tensor([float(here)], dtype=torch.float64, device=world.device)).tolist()
    found = [str(rank) for rank, flag in enumerate(flags) if flag]
    return f"rank {found[0]}" if len(found) == 1 else f"ranks {', '.join(found)}"


def _first(world: World, tensors: Iterable[tuple[str, torch.Tensor]]) -> str:
    """The first tensor that is no number on any rank, in words; nothing when none is. Every rank gives as many."""
    named = list(tensors)
    here = next((place for place, (_, tensor) in enumerate(named) if not bool(torch.isfinite(tensor).all())), -1)
    places = [int(place) for place in world.gather(torch.tensor([here], dtype=torch.float64, device=world.device)).tolist()]
    seen = [place for place in places if place >= 0]
    return f", in {named[min(seen)][0]}" if seen else ""
