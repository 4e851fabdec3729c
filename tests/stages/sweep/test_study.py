"""What a sweep tries next, and when it gives a trial up."""

import math
from typing import Any

import pytest

from ryot.stages.sweep.stage import Dimension, SweepConfig
from ryot.stages.train.stage import KernelChoice, Recipe, TrainConfig
from tests.stages.train.conftest import SHAPES

pytestmark = pytest.mark.heavy  # Optuna takes a second to import

LR = Dimension(field="train.lr", kind="real", low=1e-4, high=1e-1, log=True)
DROPOUT = Dimension(field="model.dropout", kind="real", values=(0.0, 0.1))


def settings(*over: Dimension, trials: int = 12, family: str = "llama", documents: int | None = 64) -> SweepConfig:
    base = TrainConfig(model=SHAPES[family], recipe=Recipe(batch_size=4, epochs=4, lr=3e-3), kernel=KernelChoice(level=1))
    return SweepConfig(train=base, over=over, trials=trials, documents=documents, looks=3, prune=True, seed=1)


def bowl(values: dict[str, Any]) -> float:
    """A loss that is least at a rate of 1e-2."""
    return 1 + (math.log10(values["train.lr"]) + 2) ** 2


def tried(config: SweepConfig) -> list[Any]:
    from ryot.stages.sweep.study import FINISHED, Trial, propose  # noqa: PLC0415

    over: list[Trial] = []
    while (values := propose(config, over)) is not None:
        over.append(Trial(len(over), values, FINISHED, bowl(values)))
    return over


def test_the_first_trial_has_the_specs_own_values_and_later_ones_close_in() -> None:
    over = tried(settings(LR, trials=24))
    assert over[0].values == {"train.lr": 3e-3}
    assert len(over) == 24
    assert all(1e-4 <= trial.values["train.lr"] <= 1e-1 for trial in over)
    early, late = over[1:9], over[-8:]
    assert sum(trial.loss for trial in late) < sum(trial.loss for trial in early)


def test_proposals_are_a_function_of_settings_and_trials() -> None:
    assert tried(settings(LR, DROPOUT)) == tried(settings(LR, DROPOUT))
    assert tried(settings(LR, DROPOUT)) != tried(settings(LR, DROPOUT).model_copy(update={"seed": 2}))


def test_lists_are_used_up_and_nothing_is_tried_twice() -> None:
    rates = Dimension(field="train.lr", kind="real", values=(3e-3, 1e-2, 3e-2))
    over = tried(settings(rates, DROPOUT, trials=100))
    assert sorted((trial.values["train.lr"], trial.values["model.dropout"]) for trial in over) == [
        (rate, dropout) for rate in rates.values for dropout in (0.0, 0.1)
    ]


def test_own_values_outside_the_range_are_tried_all_the_same() -> None:
    over = tried(settings(LR.model_copy(update={"low": 1e-2}), trials=6))
    assert over[0].values == {"train.lr": 3e-3}
    assert all(trial.values["train.lr"] >= 1e-2 for trial in over[1:])


def test_widths_that_do_not_fit_together_are_not_proposed() -> None:
    width = Dimension(field="model.hidden_size", kind="listed", values=(32, 48))
    heads = Dimension(field="model.heads", kind="listed", values=(4, 6))
    kv_heads = Dimension(field="model.kv_heads", kind="listed", values=(2, 3))
    lr = Dimension(field="train.lr", kind="real", values=(3e-3, 1e-2))
    found = [trial.values for trial in tried(settings(width, heads, kv_heads, lr, trials=100))]
    shapes = {(values["model.hidden_size"], values["model.heads"], values["model.kv_heads"]) for values in found}
    assert shapes == {(32, 4, 2), (48, 4, 2), (48, 6, 2), (48, 6, 3)}


def test_a_failed_trial_counts_as_bad() -> None:
    from ryot.stages.sweep.study import FAILED, FINISHED, Trial, propose  # noqa: PLC0415

    config = settings(LR, trials=40)
    over: list[Trial] = []
    while (values := propose(config, over)) is not None:
        bad = values["train.lr"] > 1e-2
        over.append(Trial(len(over), values, FAILED if bad else FINISHED, None if bad else bowl(values)))
    late = over[-15:]
    assert sum(trial.state == FAILED for trial in late) <= 4 < sum(trial.state == FAILED for trial in over) + 5


def test_a_trial_worse_than_the_median_is_pruned_and_a_good_one_not() -> None:
    from ryot.stages.sweep.study import FINISHED, Trial, prunes  # noqa: PLC0415

    config = settings(LR)
    over = [Trial(i, {"train.lr": 1e-3 * (i + 1)}, FINISHED, 1.0 + i, looks=(2.0 + i, 1.5 + i)) for i in range(5)]
    assert prunes(config, over, {"train.lr": 0.05}, [9.0])
    assert not prunes(config, over, {"train.lr": 0.05}, [2.5])
    assert not prunes(config, over[:3], {"train.lr": 0.05}, [9.0])  # too few to judge by


def test_a_trial_is_the_training_with_other_values_and_as_many_documents() -> None:
    from ryot.stages.sweep.study import varied  # noqa: PLC0415

    base = settings(LR).train
    found = varied(base, {"train.batch_size": 8, "model.dropout": 0.2}, 60, 3, there=24)
    assert (found.recipe.batch_size, found.recipe.steps, found.recipe.epochs, found.model.dropout) == (8, 8, None, 0.2)
    assert (found.evaluate_every, found.looks) == (0, 3)
    by_epochs = varied(base, {"train.batch_size": 8}, None, 3, there=24)
    assert (by_epochs.recipe.epochs, by_epochs.recipe.steps, by_epochs.looks) == (4, None, 3)
    assert varied(base, {"train.batch_size": 24}, 60, 3, there=24).looks == 0  # three updates: nothing to look at on the way
