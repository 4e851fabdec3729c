"""Profiles, overrides and places: what `load` makes of a spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ryot.errors import SpecError, SpecErrors
from ryot.spec.load import Loaded, load, load_text
from ryot.spec.presets import MODELS

TEXT = """\
version: 1
name: small
model: {preset: ryot-tiny}
data:
  sources:
    - generate: {examples: 600}
    - path: more.jsonl
train:
  epochs: 1
  samples: 320
  lr: 1e-3
  betas: [0.9, 0.95]
serve: {kv_cache: 256MiB}
export: {}
targets:
  - data/wrong_answers == 0
  - train/total_time < 300s
profiles:
  cpu:
    train: {epochs: 2}
    data:
      sources: [{path: small.jsonl}]
    targets:
      - train/total_time < 1h
      - train/bad_updates == 0
  gpu:
    train: {batch_size: 32}
"""


def loaded(**options: Any) -> Loaded:
    return load_text(TEXT, "spec.yaml", **options)


def test_without_a_profile_the_spec_is_as_written() -> None:
    spec = loaded().spec
    assert (spec.train.epochs, spec.train.batch_size, spec.train.lr, len(spec.data.sources)) == (1, 16, 1e-3, 2)


def test_profile_merges_maps_and_replaces_lists() -> None:
    spec = loaded(profile="cpu").spec
    assert (spec.train.epochs, spec.train.samples, spec.train.lr) == (2, 320, 1e-3)
    assert [source.path for source in spec.data.sources] == ["small.jsonl"]


def test_targets_merge_by_measure() -> None:
    assert [target.written for target in loaded(profile="cpu").spec.targets] == [
        "data/wrong_answers == 0",
        "train/total_time < 1h",
        "train/bad_updates == 0",
    ]


def test_target_map_replaces_the_target_text_of_its_measure() -> None:
    text = TEXT.replace("- train/total_time < 1h", "- {measure: train/total_time, at_most: 2h, priority: should}")
    targets = load_text(text, "spec.yaml", profile="cpu").spec.targets
    assert [(target.measure, target.bound, target.priority) for target in targets if target.name == "total_time"] == [
        ("train/total_time", 7200, "should")
    ]


@pytest.mark.parametrize(("options", "profile"), [
    ({"wanted": "gpu"}, "gpu"),
    ({"wanted": "tpu"}, None),
    ({"wanted": "gpu", "profile": "none"}, None),
    ({"wanted": "gpu", "profile": "cpu"}, "cpu"),
    ({}, None),
])  # fmt: skip
def test_profile_that_is_chosen(options: dict[str, str], profile: str | None) -> None:
    assert loaded(**options).profile == profile


def test_profile_asked_for_must_be_there() -> None:
    with pytest.raises(SpecError, match="there is no profile 'tpu'") as caught:
        loaded(profile="tpu")
    assert caught.value.hint == "its profiles: cpu, gpu; `--profile none` uses no profile"


@pytest.mark.parametrize(("override", "path", "value"), [
    ("train.lr=3e-4", "train.lr", 3e-4),
    ("train.epochs=3", "train.epochs", 3),
    ("serve.kv_cache=1GiB", "serve.kv_cache", 1 << 30),
    ("serve.eager=false", "serve.eager", False),
    ("train.betas=[0.8, 0.9]", "train.betas", (0.8, 0.9)),
    ("train.betas.1=0.99", "train.betas", (0.9, 0.99)),
    ("name='x'", "name", "x"),
    ("claims.params=1.1M", "claims.params", 1_100_000),
    ("export.dtype=bf16", "export.dtype", "bf16"),
    ("data.sources.1.text_field=a=b", "data.sources.1.text_field", "a=b"),
    (" train.lr = 3e-4 ", "train.lr", 3e-4),
])  # fmt: skip
def test_set_overrides_a_field(override: str, path: str, value: object) -> None:
    found: Any = loaded(sets=[override]).spec
    for name in path.split("."):
        found = found[int(name)] if name.isdigit() else getattr(found, name)
    assert found == value


def test_set_replaces_a_whole_list() -> None:
    spec = loaded(sets=["data.sources=[{path: a.txt}, {path: b.txt}]"]).spec
    assert [source.path for source in spec.data.sources] == ["a.txt", "b.txt"]


def test_set_wins_over_the_profile_and_the_last_one_wins() -> None:
    assert loaded(profile="cpu", sets=["train.epochs=7", "train.epochs=9"]).spec.train.epochs == 9


def test_set_to_nothing_removes_an_optional_section() -> None:
    assert loaded(sets=["serve="]).spec.serve is None


def test_set_does_not_reach_a_profile_that_is_not_chosen() -> None:
    assert loaded(profile="cpu", sets=["train.samples=64"]).spec.train.samples == 64


def test_profile_that_is_not_chosen_is_checked_too() -> None:
    with pytest.raises(SpecErrors) as caught:
        load_text(TEXT.replace("{batch_size: 32}", "{batch_size: 0}"), "spec.yaml", profile="cpu")
    assert [(str(error.at), error.message) for error in caught.value.errors] == [
        ("spec.yaml:27:25", "train.batch_size: should be greater than or equal to 1, not 0")
    ]


def test_an_error_shared_by_all_profiles_is_told_once() -> None:
    with pytest.raises(SpecErrors) as caught:
        load_text(TEXT.replace("lr: 1e-3", "lr: 11"), "spec.yaml")
    assert len(caught.value.errors) == 1


@pytest.mark.parametrize(("path", "place"), [
    (("train", "lr"), "spec.yaml:11:3"),
    (("data", "sources", 1), "spec.yaml:7:7"),
    (("train", "clip"), "spec.yaml:8:1"),
    (("bench",), "spec.yaml:1:1"),
    (("targets", 1), "spec.yaml:17:5"),
])  # fmt: skip
def test_place_is_the_key_or_the_nearest_thing_around_it(path: tuple[str | int, ...], place: str) -> None:
    assert str(loaded().place(*path)) == place


def test_place_of_what_a_profile_sets_is_in_the_profile() -> None:
    assert str(loaded(profile="cpu").place("train", "epochs")) == "spec.yaml:20:13"
    assert str(loaded(profile="cpu", sets=["train.epochs=4"]).place("train", "epochs")) == "--set:1:1"


@pytest.mark.parametrize(("override", "hint"), [
    ("trian.lr=1", "did you mean `train`?"),
    ("train.warmup=1", "did you mean `warmup_steps`? or `warmup` belongs at bench.scenarios.*.warmup"),
    ("lr=1", "`lr` belongs at train.lr"),
    ("serve.users=1", "`users` belongs at bench.scenarios.*.users"),
    ("train.seeds=1", "did you mean `seed`?"),
    ("model.vocabsize=1", "did you mean `vocab_size`?"),
    ("data.tokenizer.seed=1", "`seed` belongs at data.seed"),
])  # fmt: skip
def test_did_you_mean_looks_beside_then_up_and_down(override: str, hint: str) -> None:
    with pytest.raises(SpecErrors) as caught:
        loaded(sets=[override])
    assert hint in [error.hint for error in caught.value.errors]


def test_file_is_read_with_its_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert load(path).spec.name == "small"


def test_windows_line_ends_are_no_matter() -> None:
    assert load_text(TEXT.replace("\n", "\r\n"), "spec.yaml").spec == loaded().spec


@pytest.mark.parametrize("preset", MODELS)
def test_preset_fills_what_the_spec_leaves_out(preset: str) -> None:
    spec = loaded(sets=[f"model={{preset: {preset}, context: 64}}"]).spec
    assert spec.model.context == 64
    assert spec.model.hidden_size == MODELS[preset]["hidden_size"]


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        loaded().spec.train.lr = 1.0  # type: ignore[misc]


ITEMS = "    - generate: {examples: 600}\n    - path: more.jsonl\n"


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (" [{path: a.txt, weight: -1}]\n", "data.sources.0.weight: should be greater than or equal to 0, not -1"),
        (" []\n", "data.sources: there are 0, and at least 1 are needed"),
    ],
)
def test_a_list_is_called_too_short_only_where_that_is_the_fault(items: str, message: str) -> None:
    with pytest.raises(SpecErrors) as refused:
        load_text(TEXT.replace(f"\n{ITEMS}", items), "a.yaml", profile="none")
    assert message in [error.message for error in refused.value.errors]
    assert sum("data.sources" in error.message for error in refused.value.errors) == 1


@pytest.mark.parametrize("off", ["false", "null"])
def test_filter_is_switched_off_by_a_profile_or_an_override(off: str) -> None:
    text = TEXT.replace("data:\n  sources:", "data:\n  filters: {length: {}, normalise: {}}\n  sources:", 1)
    text = text.replace("    data:\n", f"    data:\n      filters: {{length: {off}}}\n")
    filters = load_text(text, "spec.yaml", profile="cpu", sets=[f"data.filters.normalise={off}", "data.filters.score={}"]).spec.data.filters
    assert filters is not None
    assert (filters.length, filters.normalise) == (None, None)
    assert filters.score is not None
