"""What the spec's filters become: a chain of nodes whose keys depend on their own settings and on what stands before them."""

from typing import Any

import pytest

from ryot.plan.compile import plan_nodes
from ryot.plugins import Facts, SpecError
from ryot.plugins.discover import Plugin, load_stage
from ryot.spec.spec import Spec
from ryot.stages.data.stage import DataStage
from ryot.stages.filter.stage import CLASSES, FilterStage, last_documents
from tests.stages.filter.conftest import spec_of

ALL: dict[str, Any] = {name: {} for name in reversed(CLASSES)}
NAMES = [f"filter.{name}" for name in CLASSES]


def keys(facts: Facts | None = None, spec: Spec | None = None, **filters: Any) -> dict[str, str]:
    """The keys of `data` and of the filters."""
    stages = {"data": DataStage(), "filter": load_stage(Plugin("filter", "ryot.stages.filter.stage:FilterStage", "ryot", ""))}
    nodes = [node for stage in stages.values() for node in stage.expand(spec or spec_of(**filters), facts or Facts("cpu"))]
    return {node.name: node.key for node in plan_nodes({node.name: node for node in nodes}, stages, Facts("cpu"))}


def test_filters_are_a_chain_in_their_own_order() -> None:
    nodes = list(FilterStage().expand(spec_of(**ALL), Facts("cpu")))
    assert [node.name for node in nodes] == NAMES
    assert [node.inputs["documents"] for node in nodes] == ["data", *NAMES[:-1]]
    assert {measure.name for measure in nodes[0].measures} == {"kept", "dropped", "changed"}
    assert {measure.name for measure in nodes[1].measures} == {"kept", "dropped"}


def test_the_last_filter_gives_the_final_documents() -> None:
    assert last_documents(spec_of(length={}, score={})) == "filter.score"
    assert last_documents(spec_of()) == "data"
    assert last_documents(spec_of({"data": {"sources": [{"generate": {}}]}})) == "data"
    assert list(FilterStage().expand(spec_of(), Facts("cpu"))) == []


def test_a_filter_that_is_written_null_is_off() -> None:
    assert last_documents(spec_of(length=None, quality={})) == "filter.quality"


@pytest.mark.parametrize(("name", "settings"), [
    ("normalise", {"nfc": False}), ("length", {"min": 5}), ("language", {"confidence": 0.8}), ("quality", {"without": ["gopher_words"]}),
    ("score", {"drop_lowest": "20%"}), ("profanity", {"max_words": 3}), ("personal", {"action": "drop"}),
    ("near_duplicates", {"threshold": 0.9}), ("contamination", {"words": 8}),
])  # fmt: skip
def test_other_settings_change_the_key_of_the_filter_and_of_those_behind_it(name: str, settings: dict[str, Any]) -> None:
    before, after = keys(**ALL), keys(**ALL | {name: settings})
    changed = {node for node in before if before[node] != after[node]}
    assert changed == set(NAMES[NAMES.index(f"filter.{name}") :])


def test_workers_and_ray_change_no_key() -> None:
    spec = spec_of(**ALL)
    elsewhere = spec.model_copy(update={"data": spec.data.model_copy(update={"workers": 7, "ray": "auto"})})
    assert keys(spec=spec) == keys(spec=elsewhere)


def test_a_file_counts_by_its_digest_and_not_by_its_place() -> None:
    filters = {"contamination": {"against": ["eval.jsonl"]}}
    there, moved, other = (
        keys(Facts("cpu", digests={"eval.jsonl": digest}, paths={"eval.jsonl": path}), **filters)
        for digest, path in (("1", "/a"), ("1", "/b"), ("2", "/a"))
    )
    assert there == moved
    assert there["data"] == other["data"]
    assert there["filter.contamination"] != other["filter.contamination"]


def test_the_text_of_evaluate_is_looked_for_too() -> None:
    more = {"export": {}, "serve": {}, "evaluate": {"tasks": ["perplexity"], "text": "b.txt"}}
    spec = spec_of(more, contamination={"against": ["a.txt"]})
    (node,) = FilterStage().expand(spec, Facts("cpu", digests={"a.txt": "1", "b.txt": "2"}))
    assert [file.written for file in node.config.settings.against] == ["a.txt", "b.txt"]  # type: ignore[attr-defined]


def test_the_items_of_evaluate_are_looked_for_too_and_not_the_examples() -> None:
    data = {"gsm8k": "g.jsonl", "gsm8k_examples": "e.jsonl"}
    more = {"export": {}, "serve": {}, "evaluate": {"tasks": ["gsm8k"], "data": data}}
    (node,) = FilterStage().expand(spec_of(more, contamination={}), Facts("cpu", digests={"g.jsonl": "1", "e.jsonl": "2"}))
    assert [file.written for file in node.config.settings.against] == ["g.jsonl"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "filters", [{"contamination": {"against": ["no.txt"]}}, {"language": {"model": "no.bin"}}, {"profanity": {"words": "no.txt"}}]
)
def test_a_file_that_is_not_there_is_named(filters: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=r"data\.filters\.\w+\.\w+ names no\.\w+, which is not there"):
        keys(**filters)
