"""The learning rate of every update. Pure."""

import math

from ryot.stages.train.stage import Recipe


def lr_at(recipe: Recipe, update: int, updates: int) -> float:
    """The rate of an update, counted from 0: a linear rise over the warm-up, then constant, or down to 0 after the last update."""
    if update < recipe.warmup_steps:
        return recipe.lr * (update + 1) / recipe.warmup_steps
    progress = (update - recipe.warmup_steps) / max(updates - recipe.warmup_steps, 1)
    match recipe.schedule:
        case "cosine":
            return recipe.lr * 0.5 * (1 + math.cos(math.pi * progress))
        case "linear":
            return recipe.lr * (1 - progress)
    return recipe.lr
