"""`sweep`: trials of other values for some fields of `train` and `model`, each a training of its own, judged by held-out loss."""

import difflib
import math
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from ryot.spec.model import NAMES, Model
from ryot.spec.section import Section
from ryot.spec.train import Train
from ryot.units import Count

Value = int | float | str
WHOLE = ("train.batch_size", "train.accumulation", "train.warmup_steps", "model.layers")
"""Fields of whole numbers, of which any between two may be tried."""
REAL = ("train.lr", "train.weight_decay", "train.clip", "train.decay_share", "model.dropout", "model.rope_theta")
"""Fields of real numbers."""
LISTED = ("train.schedule", "train.optimizer", "model.hidden_size", "model.ffn_size", "model.heads", "model.kv_heads")
"""Fields of which only listed values are tried: words, and widths that have to divide one another."""
FIELDS = (*REAL, *WHOLE, *LISTED)
_LUCK = "a seed that is chosen by its loss is luck, which no other run has"
_LENGTH = "every trial reads as many documents as the others, which sweep.documents says"
_REFUSED = {
    "train.seed": _LUCK,
    "train.epochs": _LENGTH,
    "train.steps": _LENGTH,
    "train.samples": _LENGTH,
    "model.vocab_size": "the tokens are made before the trials, and losses a token are of one vocabulary only",
    "model.context": "the tokens are made before the trials",
}


def _from_list(written: object) -> object:
    return {"values": written} if isinstance(written, list) else written


def _instead(name: str) -> str:
    """What may stand in the place of an unknown field."""
    last = {field.partition(".")[2]: field for field in FIELDS}
    near = difflib.get_close_matches(name.rpartition(".")[2], last, 1)
    return f"did you mean {last[near[0]]}?" if near else f"only these fields of train and model may vary: {', '.join(sorted(FIELDS))}"


def _kind(name: str) -> tuple[Any, ...]:
    """What a field's values are, in words and as types."""
    if name in REAL:
        return "a number", int, float
    return ("a whole number", int) if name in WHOLE or name.startswith("model.") else ("a word", str)


class Dimension(Section):
    """The values of one field that may be tried: a list, or all from `min` to `max`."""

    min: int | float | None = None
    """The least value."""
    max: int | float | None = None
    """The largest value."""
    log: bool = False
    """Whether values are drawn by their logarithm, so that 1e-4 to 1e-3 gets as many trials as 1e-3 to 1e-2."""
    values: tuple[Value, ...] = ()
    """The values to try, instead of `min` and `max`. A bare list is one of these."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.values) == (self.min is not None or self.max is not None):
            raise ValueError("give a list of values, or min and max: `[0.0, 0.1]`, `{min: 1e-4, max: 1e-2, log: true}`")
        if self.values:
            if len(set(self.values)) < max(len(self.values), 2):
                raise ValueError("a list has at least two values, each once")
            if self.log:
                raise ValueError("`log` is for min and max; a list says its values")
            return self
        if self.min is None or self.max is None:
            raise ValueError(f"{'min' if self.min is None else 'max'} is missing")
        if self.min >= self.max:
            raise ValueError(f"min {self.min} is not below max {self.max}")
        if self.log and self.min <= 0:
            raise ValueError("with `log: true` min is above 0")
        return self

    @property
    def ends(self) -> tuple[Value, ...]:
        """The values that bound what may be tried: all that are listed, or both ends."""
        return self.values or tuple(end for end in (self.min, self.max) if end is not None)


class Sweep(Section):
    """Other values tried for some fields, by trainings of their own. The first trial has the spec's own values; the others are proposed
    by Optuna's TPE from what came before. It changes nothing in the spec: it says which values to write there."""

    over: dict[
        Annotated[str, StringConstraints(max_length=40)],
        Annotated[Dimension, BeforeValidator(_from_list, json_schema_input_type=Dimension | list[Value])],
    ] = Field(min_length=1, max_length=10)
    """The fields and what to try of each: `train.lr: {min: 1e-4, max: 1e-2, log: true}`, `model.dropout: [0, 0.1]`. Of train: lr,
    weight_decay, clip, decay_share, batch_size, accumulation, warmup_steps, schedule, optimizer; of model: dropout, rope_theta, layers,
    hidden_size, ffn_size, heads, kv_heads."""
    trials: int = Field(16, ge=2, le=10_000)
    """Trials in all, the spec's own values among them."""
    documents: Count | None = Field(None, ge=1)
    """Documents that every trial reads, repeats counted; by default as many as training does."""
    looks: int = Field(4, ge=1, le=100)
    """Looks at the held-out documents while a trial runs, evenly spaced."""
    prune: bool = True
    """Whether a trial ends early that at a look is worse than the median of the earlier ones there."""
    seed: int = Field(42, ge=0)
    """Seed of the proposals."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name, dimension in self.over.items():
            if name not in FIELDS:
                raise ValueError(f"over.{name}: {_REFUSED.get(name) or _instead(name)}")
            words, *types = _kind(name)
            wrong = [value for value in dimension.ends if type(value) not in types]
            if wrong:
                raise ValueError(f"over.{name}: {wrong[0]!r} is not {words}")
            if name in LISTED and not dimension.values:
                raise ValueError(f"over.{name}: list its values; not all between two are possible")
        return self

    def unsound(self, train: Train, model: Model) -> str | None:
        """What is wrong with the first value that the spec could not have in its place, the other fields being as they are."""
        documents = self.documents_of(train)
        try:
            _trial(train, {}, documents, "documents")
            for name, dimension in self.over.items():
                section, field = name.split(".")
                for value in dimension.ends:
                    if section == "train":
                        _trial(train, {field: value}, documents, f"over.{name}: {value}")
                    else:
                        _checked(Model, model.model_dump(exclude=NAMES) | {field: value}, f"over.{name}: {value}")
        except ValueError as error:
            return f"sweep.{error}"
        return None

    def documents_of(self, train: Train) -> int | None:
        """Documents that a trial reads; None for as many epochs as training, where the spec alone does not tell how many those are."""
        if self.documents is not None:
            return self.documents
        if train.steps is not None:
            return train.steps * train.global_batch
        return None if train.samples is None or train.epochs is None else train.samples * train.epochs

    def dimensions(self) -> dict[str, dict[str, Any]]:
        """By field: its `kind` (real, whole, listed), `low`, `high`, `log` and `values`."""
        kinds = {**dict.fromkeys(REAL, "real"), **dict.fromkeys(WHOLE, "whole"), **dict.fromkeys(LISTED, "listed")}
        return {
            name: {"kind": kinds[name], "low": each.min, "high": each.max, "log": each.log, "values": each.values}
            for name, each in self.over.items()
        }


def _trial(train: Train, over: dict[str, Any], documents: int | None, place: str) -> None:
    fields = train.model_dump() | over
    if documents is not None:
        fields |= {"epochs": None, "steps": math.ceil(documents / (fields["batch_size"] * fields["accumulation"] * fields["ranks"]))}
    _checked(Train, fields, place)


def _checked(section: type[Section], fields: dict[str, Any], place: str) -> None:
    try:
        section.model_validate(fields)
    except ValidationError as error:
        raise ValueError(f"{place}: {error.errors(include_url=False)[0]['msg'].removeprefix('Value error, ')}") from None
