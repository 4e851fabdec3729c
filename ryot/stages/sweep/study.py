"""What is tried next, and what is given up: Optuna's TPE and median rule, asked anew each time from the trials so far.

Both are functions of the settings and of the trials before, so a sweep that was killed proposes what it would have proposed.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from ryot.stages.sweep.stage import Dimension, SweepConfig
from ryot.stages.train.stage import ModelShape, TrainConfig

Values = dict[str, Any]
"""A value for each field."""

FINISHED, PRUNED, FAILED = "finished", "pruned", "failed"
_DIGITS = 4
"""Digits of a drawn real number: as many as one would write in a spec."""
_ATTEMPTS = 32
"""Draws before a field's values are taken to be used up."""
_BEFORE_PRUNING = 4
"""Finished trials before any is pruned."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial that is over. `loss` is that of the documents that choices are made by (the last look's, where it was pruned), None where
    it failed; `looks` are the losses on the way."""

    number: int
    values: Values
    state: str
    loss: float | None = None
    looks: tuple[float, ...] = ()
    reason: str = ""


def own(config: SweepConfig) -> Values:
    """The values that the spec itself has for the fields."""
    return {name.field: _held(config.train, name.field) for name in config.over}


def varied(config: TrainConfig, values: Values, documents: int | None, looks: int, there: int) -> TrainConfig:
    """The training of a trial. `there` are documents in an epoch."""
    parts: dict[str, Values] = {"model": {}, "train": {}}
    for name, value in values.items():
        section, inner = name.split(".")
        parts[section][inner] = value
    recipe = config.recipe.model_copy(update=parts["train"])
    if documents is not None:
        recipe = recipe.model_copy(update={"epochs": None, "steps": math.ceil(documents / recipe.global_batch)})
    within = looks if recipe.updates(there) > looks else 0  # a run too short for them is not pruned, and prunes no other
    return config.model_copy(
        update={
            "model": config.model.model_copy(update=parts["model"]),
            "recipe": recipe,
            "evaluate_every": 0,
            "looks": within,
            "track": (),
        }
    )


def propose(config: SweepConfig, trials: Sequence[Trial]) -> Values | None:
    """The values of the next trial: the spec's own first; None when there are enough trials, or no values that were not tried."""
    if len(trials) >= config.trials:
        return None
    if not trials:
        return own(config)
    tried = [trial.values for trial in trials]
    for attempt in range(_ATTEMPTS):
        drawn = _study(config, trials, attempt).ask(_distributions(config)).params
        values = {name: _rounded(value) for name, value in drawn.items()}
        if values not in tried and _sound(config.train.model, values):
            return values
    return next((values for values in _listed(config.over) if values not in tried and _sound(config.train.model, values)), None)


def prunes(config: SweepConfig, trials: Sequence[Trial], values: Values, looks: Sequence[float]) -> bool:
    """Whether a trial that has had such losses at its looks is worse than the median of the earlier ones (Golovin et al. 2017)."""
    study = _study(config, trials, 0)
    study.enqueue_trial(values)
    trial = study.ask(_distributions(config))
    for number, loss in enumerate(looks, 1):
        trial.report(loss, number)
    return bool(trial.should_prune())


def _study(config: SweepConfig, trials: Sequence[Trial], attempt: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    at_random = min(10, max(config.trials // 3, 2))
    seed = (config.seed * 1_000_003 + len(trials) * _ATTEMPTS + attempt) % 2**32
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=at_random)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=_BEFORE_PRUNING)
    study = optuna.create_study(direction="minimize", sampler=sampler, pruner=pruner)
    space = _distributions(config)
    for trial in trials:
        if all(_within(space[name], value) for name, value in trial.values.items()):
            study.add_trial(_known(trial, space))
    return study


def _known(trial: Trial, space: Mapping[str, BaseDistribution]) -> optuna.trial.FrozenTrial:
    """A trial in Optuna's terms. One that failed counts as infinitely bad, so that its like is not proposed again."""
    state = optuna.trial.TrialState.PRUNED if trial.state == PRUNED else optuna.trial.TrialState.COMPLETE
    looks = {number: loss for number, loss in enumerate(trial.looks, 1) if trial.state != FAILED}
    value = None if trial.state == PRUNED else math.inf if trial.loss is None else trial.loss
    return optuna.trial.create_trial(state=state, value=value, params=trial.values, distributions=dict(space), intermediate_values=looks)


def _distributions(config: SweepConfig) -> dict[str, BaseDistribution]:
    return {dimension.field: _distribution(dimension) for dimension in config.over}


def _distribution(dimension: Dimension) -> BaseDistribution:
    if dimension.values:
        return CategoricalDistribution(dimension.values)
    assert dimension.low is not None
    assert dimension.high is not None
    if dimension.kind == "whole":
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _within(distribution: BaseDistribution, value: Any) -> bool:
    try:
        return bool(distribution._contains(distribution.to_internal_repr(value)))
    except ValueError:
        return False


def _rounded(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _listed(over: Sequence[Dimension]) -> list[Values]:
    """Every combination, where all fields have lists; nothing else can be used up."""
    if not all(dimension.values for dimension in over):
        return []
    names = [dimension.field for dimension in over]
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(dimension.values for dimension in over))]


def _sound(model: ModelShape, values: Values) -> bool:
    """Whether the widths of a shape divide one another, as `model` in a spec demands."""
    shape = model.model_copy(update={name.removeprefix("model."): value for name, value in values.items() if name.startswith("model.")})
    kv_heads = shape.kv_heads or shape.heads
    even = shape.family == "gpt" or shape.hidden_size // shape.heads % 2 == 0
    fits = kv_heads == shape.heads if shape.family == "gpt" else shape.heads % kv_heads == 0
    return shape.hidden_size % shape.heads == 0 and fits and even


def _held(config: TrainConfig, name: str) -> Any:
    section, inner = name.split(".")
    return getattr(config.model if section == "model" else config.recipe, inner)
