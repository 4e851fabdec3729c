import pytest

from ryot.stages.train.schedule import lr_at
from ryot.stages.train.stage import Recipe


def recipe(**fields: object) -> Recipe:
    return Recipe.model_validate({"batch_size": 1, "steps": 20, "lr": 0.1, "warmup_steps": 5, **fields})


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
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
