"""What DPO makes of likelihoods (Rafailov et al. 2023, arXiv 2305.18290, equation 7). Pure."""

import math
from collections.abc import Sequence


def margins(reference: Sequence[float], aligned: Sequence[float], beta: float) -> tuple[float, ...]:
    """The reward of each chosen completion minus that of the rejected one beside it: beta times the log-likelihood gained by the first
    minus that gained by the second. Both sides are nats (negative log-likelihoods) of chosen, rejected, chosen, rejected, ..."""
    rewards = [beta * (before - after) for before, after in zip(reference, aligned, strict=True)]
    return tuple(chosen - rejected for chosen, rejected in zip(rewards[::2], rewards[1::2], strict=True))


def loss(margin: float) -> float:
    """Minus the logarithm of the margin's sigmoid, in nats: ln 2 where nothing was learnt."""
    return max(-margin, 0.0) + math.log1p(math.exp(-abs(margin)))
