"""The learning rate of every update. Pure."""

import math

from ryot.stages.train.diagnosis import Unfit
from ryot.stages.train.stage import Recipe


def lr_at(recipe: Recipe, update: int, updates: int) -> float:
    """The rate of an update, counted from 0."""
    if recipe.schedule == "wsd" and update >= recipe.warmup_steps:
        return recipe.lr * _decay(update, updates, math.ceil(recipe.decay_share * updates))
    return recipe.lr * share_of_peak(recipe.schedule, recipe.warmup_steps, update, updates)


def share_of_peak(schedule: str, warmup: int, update: int, updates: int) -> float:
    """The rate over its peak: a linear rise over the warm-up, then by the schedule; where it falls, to 0 after the last update. The first
    update has a rate already: one of 0 would be no update."""
    if update < warmup:
        return (update + 1) / warmup
    progress = (update - warmup) / max(updates - warmup, 1)
    match schedule:
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * progress))
        case "linear":
            return 1 - progress
    return 1.0


def refuse_endless_warmup(recipe: Recipe, updates: int) -> None:
    """Raise Unfit when the warm-up leaves no update at the peak, or reaches into the decay of schedule: wsd."""
    if recipe.warmup_steps >= updates:
        raise Unfit(f"train.warmup_steps is {recipe.warmup_steps} of {updates} updates", hint="about 5 % is usual")
    decaying = math.ceil(recipe.decay_share * updates)
    if recipe.schedule == "wsd" and recipe.warmup_steps + decaying > updates:
        raise Unfit(
            f"train.warmup_steps is {recipe.warmup_steps}, and the last {decaying} of {updates} updates decay: the two overlap",
            hint="lower train.warmup_steps or train.decay_share",
        )


def _decay(update: int, updates: int, decaying: int) -> float:
    """Warm-up, stable, decay (Hu et al. 2024, MiniCPM, arXiv:2404.06395): 1 until the last `decaying` updates, then 1 - sqrt(their share
    that has passed), which consistently ended lower than a line (Haegele et al. 2024, arXiv:2405.18392, who also decay over 20 %)."""
    passed = (update - (updates - decaying)) / decaying
    return 1.0 - math.sqrt(passed) if passed > 0 else 1.0
