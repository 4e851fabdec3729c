"""Rewards, margins and losses as in the paper, recomputed by hand and by torch."""

import math

import pytest

from ryot.stages.align.rewards import loss, margins


def test_a_margin_is_what_the_chosen_gained_more_than_the_rejected() -> None:
    # chosen: 10 -> 8 nats, gained 2; rejected: 6 -> 7, lost 1; so 3 in all, times beta
    assert margins([10, 6], [8, 7], 0.5) == (1.5,)
    assert margins([10, 6, 4, 4], [10, 6, 5, 4], 0.1) == pytest.approx((0.0, -0.1))


def test_the_loss_of_what_learnt_nothing_is_ln_2_and_never_overflows() -> None:
    assert loss(0.0) == pytest.approx(math.log(2))
    assert loss(1000.0) == 0.0
    assert loss(-1000.0) == 1000.0


@pytest.mark.heavy
@pytest.mark.parametrize("margin", [-30.0, -2.5, -1e-3, 0.7, 12.0])
def test_the_loss_is_torch_s(margin: float) -> None:
    import torch  # noqa: PLC0415 - only the heavy tests pay for it

    assert loss(margin) == pytest.approx(float(-torch.nn.functional.logsigmoid(torch.tensor(margin, dtype=torch.float64))))
