import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ryot.plugins import NodeError
from ryot.stages.train.schedule import lr_at, refuse_endless_warmup
from ryot.stages.train.stage import Recipe


def recipe(**fields: object) -> Recipe:
    return Recipe.model_validate({"batch_size": 1, "steps": 20, "lr": 0.1, "warmup_steps": 5, **fields})


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant", "wsd"])
def test_warm_up_rises_to_the_peak_and_no_higher(schedule: str) -> None:
    rates = [lr_at(recipe(schedule=schedule), update, 20) for update in range(20)]
    assert rates[:5] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1])
    assert rates[5] == pytest.approx(0.1)
    assert max(rates) <= 0.1 + 1e-12


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_every_update_moves_and_the_rate_falls_towards_zero(schedule: str) -> None:
    rates = [lr_at(recipe(schedule=schedule), update, 20) for update in range(5, 20)]
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.01


def test_constant_stays() -> None:
    assert {lr_at(recipe(schedule="constant"), update, 20) for update in range(5, 20)} == {0.1}


@st.composite
def runs(draw: st.DrawFn) -> tuple[Recipe, int]:
    """A recipe of schedule: wsd whose warm-up and decay do not meet, and its updates."""
    updates = draw(st.integers(2, 400))
    share = draw(st.floats(0.01, 1.0))
    warmup = draw(st.integers(0, updates - math.ceil(share * updates)))
    return recipe(schedule="wsd", warmup_steps=warmup, decay_share=share, steps=updates), updates


@settings(deadline=None)
@given(runs())
def test_wsd_rises_then_stays_then_falls_to_zero(run: tuple[Recipe, int]) -> None:
    plan, updates = run
    decaying = math.ceil(plan.decay_share * updates)
    rates = [lr_at(plan, update, updates) for update in range(updates)]
    rising, stable, falling = rates[: plan.warmup_steps], rates[plan.warmup_steps : updates - decaying], rates[updates - decaying :]
    assert rising == sorted(rising)
    assert set(stable) <= {plan.lr}
    assert falling[0] == plan.lr
    assert all(later < earlier for earlier, later in itertools.pairwise(falling))
    assert all(0 < rate <= plan.lr * (1 + 1e-12) for rate in rates)
    assert lr_at(plan, updates, updates) == 0


@settings(deadline=None)
@given(runs())
def test_wsd_falls_by_one_minus_the_root_of_what_has_passed(run: tuple[Recipe, int]) -> None:
    """The faster at first: below the line from the first update of the decay to the last."""
    plan, updates = run
    decaying = math.ceil(plan.decay_share * updates)
    for place in range(1, decaying):
        rate = lr_at(plan, updates - decaying + place, updates)
        assert rate < plan.lr * (1 - place / decaying)
        assert (1 - rate / plan.lr) ** 2 == pytest.approx(place / decaying)


@settings(deadline=None)
@given(runs(), st.integers(1, 400))
def test_a_wsd_run_that_is_longer_is_the_same_until_the_shorter_ones_decay(run: tuple[Recipe, int], more: int) -> None:
    """What wsd is for: one stable run, from which decays branch off."""
    plan, updates = run
    stable = updates - math.ceil(plan.decay_share * updates)
    for update in range(stable):
        if update < updates + more - math.ceil(plan.decay_share * (updates + more)):
            assert lr_at(plan, update, updates) == lr_at(plan, update, updates + more)


@pytest.mark.parametrize(("fields", "words"), [
    ({"warmup_steps": 20}, "warmup_steps is 20 of 20 updates"),
    ({"warmup_steps": 17, "schedule": "wsd"}, "the last 4 of 20 updates decay"),
])  # fmt: skip
def test_a_warm_up_without_end_is_refused_once_the_updates_are_known(fields: dict[str, object], words: str) -> None:
    with pytest.raises(NodeError, match=words):
        refuse_endless_warmup(recipe(**fields), 20)


def test_a_warm_up_that_ends_where_the_decay_begins_is_taken() -> None:
    refuse_endless_warmup(recipe(warmup_steps=16, schedule="wsd"), 20)
