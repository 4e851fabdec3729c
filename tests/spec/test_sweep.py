"""Which sweeps a spec may ask for."""

import re
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from ryot.spec import Spec
from ryot.spec.sweep import FIELDS, Sweep

TRAIN = {"batch_size": 4, "steps": 40, "warmup_steps": 4}


def spec(sweep: dict[str, Any], train: dict[str, Any] | None = None, family: str = "llama") -> Spec:
    return Spec.model_validate(
        {
            "version": 1,
            "name": "small",
            "model": {"family": family, "vocab_size": 300, "hidden_size": 32, "layers": 2, "heads": 4, "ffn_size": 64, "context": 32},
            "data": {"sources": [{"generate": {}}]},
            "train": TRAIN if train is None else train,
            "sweep": sweep,
        }
    )


def test_a_list_and_a_range_are_dimensions() -> None:
    found = spec({"over": {"train.lr": {"min": 1e-4, "max": 1e-2, "log": True}, "model.dropout": [0, 0.1]}})
    assert found.sweep is not None
    assert found.sweep.dimensions() == {
        "train.lr": {"kind": "real", "low": 1e-4, "high": 1e-2, "log": True, "values": ()},
        "model.dropout": {"kind": "real", "low": None, "high": None, "log": False, "values": (0, 0.1)},
    }


@pytest.mark.parametrize(
    ("sweep", "train", "documents"),
    [
        ({}, TRAIN, 160),
        ({"documents": 90}, TRAIN, 90),
        ({}, {"batch_size": 4, "epochs": 3, "samples": 50}, 150),
        ({}, {"batch_size": 4, "epochs": 3}, None),
    ],
)
def test_every_trial_reads_as_many_documents_as_training(sweep: dict[str, Any], train: dict[str, Any], documents: int | None) -> None:
    found = spec({"over": {"train.lr": [1e-3, 1e-2]}, **sweep}, train)
    assert found.sweep is not None
    assert found.sweep.documents_of(found.train) == documents


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"train.seed": [1, 2]}, "train.seed: a seed that is chosen by its loss is luck"),
        ({"train.steps": [1, 2]}, "every trial reads as many documents"),
        ({"model.vocab_size": [300, 400]}, "losses a token are of one vocabulary only"),
        ({"train.l": [0.1, 0.2]}, r"over.train.l: did you mean train.lr\?"),
        ({"lr": [0.1, 0.2]}, r"over.lr: did you mean train.lr\?"),
        ({"data.held_out": [0.1, 0.2]}, "only these fields of train and model may vary: model.dropout"),
        ({"train.lr": {"min": 1e-2, "max": 1e-3}}, "min 0.01 is not below max 0.001"),
        ({"train.lr": {"min": 1e-3}}, "max is missing"),
        ({"train.lr": {}}, "give a list of values, or min and max"),
        ({"train.lr": {"min": 1e-3, "max": 1e-2, "values": [1, 2]}}, "give a list of values, or min and max"),
        ({"train.lr": [1e-3]}, "at least two values"),
        ({"train.lr": [1e-3, 1e-3, 1e-2]}, "each once"),
        ({"train.weight_decay": {"min": 0, "max": 0.1, "log": True}}, "with `log: true` min is above 0"),
        ({"train.batch_size": [2, 4.5]}, "train.batch_size: 4.5 is not a whole number"),
        ({"train.schedule": ["cosine", 3]}, "train.schedule: 3 is not a word"),
        ({"train.schedule": {"min": 1, "max": 2}}, "is not a word"),
        ({"model.hidden_size": {"min": 32, "max": 64}}, "list its values"),
        ({}, "at least 1 item"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(over: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        spec({"over": over})


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"train.lr": [1e-3, 20.0]}, r"sweep.over.train.lr: 20.0: Input should be less than 10"),
        ({"train.schedule": ["cosine", "sine"]}, "train.schedule: sine: Input should be"),
        ({"train.warmup_steps": [0, 40]}, "train.warmup_steps: 40: warmup_steps 40 of 40 updates"),
        ({"train.batch_size": [4, 64]}, "train.batch_size: 64: warmup_steps 4 of 3 updates"),
        ({"model.heads": [4, 5]}, "model.heads: 5: 5 heads do not divide hidden_size 32"),
    ],
)
def test_a_value_that_the_spec_could_not_have_is_told(over: dict[str, Any], words: str) -> None:
    found = spec({"over": over})
    assert found.sweep is not None
    assert re.search(words, found.sweep.unsound(found.train, found.model) or "")


def test_trials_too_short_for_the_warm_up_are_told() -> None:
    found = spec({"over": {"train.lr": [1e-3, 1e-2]}, "documents": 12})
    assert found.sweep is not None
    assert "sweep.documents: warmup_steps 4 of 3 updates" in (found.sweep.unsound(found.train, found.model) or "")
    sound = spec({"over": {"train.lr": [1e-3, 1e-2], "model.heads": [2, 4]}})
    assert sound.sweep is not None
    assert sound.sweep.unsound(sound.train, sound.model) is None


def test_the_schema_takes_a_list_and_a_map() -> None:
    validator = jsonschema.Draft202012Validator(Spec.model_json_schema())
    written = spec({"over": {"train.lr": [1e-3, 1e-2]}}).model_dump(mode="json", exclude_none=True)
    for over in ({"train.lr": [1e-3, 1e-2]}, {"train.lr": {"min": 1e-3, "max": 1e-2}}):
        errors = [error for error in validator.iter_errors({**written, "sweep": {"over": over}}) if "sweep" in error.absolute_path]
        assert errors == []
    assert [error for error in validator.iter_errors({**written, "sweep": {"over": {"train.lr": 3}}}) if "sweep" in error.absolute_path]


def test_every_field_that_may_vary_is_named_where_it_is_explained() -> None:
    told = Sweep.model_fields["over"].description or ""
    assert all(field.partition(".")[2] in told for field in FIELDS)
