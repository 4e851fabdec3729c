"""The fields of a spec in words: complete, described, and suggested where one is misspelt."""

from __future__ import annotations

import pytest

from ryot.spec.explain import Entry, fields, suggest

BY_PATH = {entry.path: entry for entry in fields()}


def test_every_field_says_what_it_means() -> None:
    assert [entry.path for entry in fields() if len(entry.about) < 8] == []


@pytest.mark.parametrize("path", [
    "version", "claims.params", "model.preset", "data.sources[].generate.examples", "data.tokenizer.min_frequency", "train.lr",
    "optimize.stack[].kernel.level", "optimize.baseline.kernel.level", "serve.kv_cache", "bench.scenarios.*.users",
    "targets[].waiver.expires", "stages[].with", "finetune.lora.modules", "finetune.generate.examples", "align.lora.rank", "align.beta",
    "hardware.python", "profiles",
])  # fmt: skip
def test_field_is_listed(path: str) -> None:
    assert path in BY_PATH


@pytest.mark.parametrize(("path", "kind", "default", "unit"), [
    ("train.lr", "number", "0.0001", ""),
    ("train.epochs", "whole number", "none", ""),
    ("train.schedule", "cosine | linear | constant | wsd", "cosine", ""),
    ("finetune.lora.rank", "whole number", "64", ""),
    ("finetune.lora.dropout", "number", "0.05", "proportion"),
    ("align.generate", "section", "none", ""),
    ("serve.kv_cache", "whole number", "1073741824", "bytes"),
    ("serve.start_timeout", "number", "600", "seconds"),
    ("serve.eager", "true | false", "true", ""),
    ("data.held_out", "number", "0.05", "proportion"),
    ("model", "section", "required", ""),
    ("data.sources", "list of section", "required", ""),
    ("bench.scenarios", "map to section", "required", ""),
    ("evaluate.text", "text", "none", ""),
])  # fmt: skip
def test_type_default_and_unit_in_words(path: str, kind: str, default: str, unit: str) -> None:
    entry = BY_PATH[path]
    assert (entry.kind, entry.default, entry.unit) == (kind, default, unit)


def test_optional_quantity_keeps_its_unit() -> None:
    assert BY_PATH["claims.params"].unit == "count"


def test_sections_stand_before_what_is_in_them() -> None:
    order = list(BY_PATH)
    assert order.index("train") < order.index("train.lr")
    assert len(order) == len(set(order))


@pytest.mark.parametrize(("path", "hint"), [
    ("train.epoch", "did you mean `epochs`?"),
    ("epochs", "`epochs` belongs at train.epochs"),
    ("train.level", "`level` belongs at optimize.stack[].kernel.level"),
    ("serve.targets", "`targets` belongs at the top of the spec"),
    ("bench.scenarios.*.usr", "did you mean `users`?"),
    ("export.zzzz", "here may stand: dtype, onnx, probes"),
    ("export.probs", "did you mean `probes`?"),
])  # fmt: skip
def test_suggestion(path: str, hint: str) -> None:
    assert suggest(path) == hint


def test_nothing_is_suggested_where_nothing_is() -> None:
    assert suggest("train.lr.zzzz") is None


def test_entries_are_values() -> None:
    assert isinstance(BY_PATH["train"], Entry)
