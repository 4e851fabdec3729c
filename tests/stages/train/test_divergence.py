"""The rule that tells a run that has diverged from one that has a spike, or noise."""

import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from ryot.stages.train.divergence import LONGEST, MARGIN, SHORTEST, Divergence

VOCABULARY = 512


def first_alarm(losses: list[float], *, warmup: int = 0, updates: int | None = None) -> int | None:
    """The update, counted from 1, at which the rule first speaks."""
    rule = Divergence(updates or len(losses), warmup, VOCABULARY)
    return next((number for number, loss in enumerate(losses, 1) if rule.look(loss)), None)


def falling(updates: int, noise: float = 0.2, seed: int = 0) -> list[float]:
    """A healthy run: from chance towards 2 nats, with noise between batches."""
    dice = random.Random(seed)
    return [2 + 4.2 * math.exp(-update / 40) + dice.gauss(0, noise) for update in range(updates)]


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 600), st.floats(0, 0.4))
def test_a_loss_that_falls_with_noise_never_alarms(seed: int, updates: int, noise: float) -> None:
    assert first_alarm(falling(updates, noise, seed)) is None


@settings(deadline=None)
@given(st.integers(50, 280), st.integers(1, 9), st.floats(0.5, 50))
def test_a_spike_of_less_than_half_a_window_passes(start: int, length: int, height: float) -> None:
    """PaLM's spikes: the loss leaps and comes back."""
    losses = falling(300)
    losses[start : start + length] = [loss + height for loss in losses[start : start + length]]
    assert first_alarm(losses) is None


@settings(deadline=None)
@given(st.integers(60, 200))
def test_a_loss_that_rises_for_good_is_found_within_a_window(start: int) -> None:
    losses = falling(start) + [6.0] * 100
    alarm = first_alarm(losses, updates=300)
    assert alarm is not None
    assert start + SHORTEST // 2 <= alarm <= start + SHORTEST


def test_a_loss_that_is_worse_than_guessing_is_found_though_it_never_was_better() -> None:
    assert first_alarm([math.log(VOCABULARY) + MARGIN + 0.1] * 60) == SHORTEST


def test_the_warm_up_may_be_worse_than_guessing() -> None:
    losses = [math.log(VOCABULARY) + 2.0] * 40
    assert first_alarm(losses, warmup=30) is None
    assert first_alarm([*losses, *losses[:10]], warmup=30) == 50


def test_long_runs_are_given_longer_windows() -> None:
    assert [Divergence(updates, 0, VOCABULARY).window for updates in (10, 1000, 10**6)] == [SHORTEST, 50, LONGEST]


@settings(deadline=None)
@given(st.lists(st.floats(0, 20), max_size=80), st.integers(0, 80))
def test_a_resumed_run_is_judged_as_one_that_never_stopped(losses: list[float], place: int) -> None:
    whole, resumed = Divergence(80, 0, VOCABULARY), Divergence(80, 0, VOCABULARY)
    said = [whole.look(loss) for loss in losses]
    resumed.recall(losses[:place])
    assert [resumed.look(loss) for loss in losses[place:]] == said[place:]


def test_too_few_updates_for_a_window_are_never_judged() -> None:
    assert first_alarm([1.0, *([20.0] * (SHORTEST - 2))]) is None
