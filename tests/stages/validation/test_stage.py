"""The node of a validation, and its list."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ryot.plugins import Facts, Spec
from ryot.stages.validation.checklist import CHECKLIST, Finding, counts, document, judged, not_shown
from ryot.stages.validation.stage import ValidationStage

CPU = Facts("cpu:test x2")


def spec(**sections: Any) -> Spec:
    written = {
        "version": 1,
        "name": "small",
        "model": {"preset": "ryot-simple"},
        "data": {"sources": [{"generate": {}}]},
        "train": {"steps": 10},
        "export": {},
        "serve": {},
        "validation": {},
    }
    return Spec.model_validate({name: section for name, section in {**written, **sections}.items() if section is not None})


def test_it_looks_at_what_is_served_and_holds_it_against_the_export() -> None:
    assert list(ValidationStage().expand(spec(validation=None), CPU)) == []
    (node,) = ValidationStage().expand(spec(), CPU)
    assert node.inputs == {"model": "export", "reference": "export", "tokens": "tokenizer"}
    assert node.services == {"serve": "serve"}
    assert node.samples == {"single_latency_p95": 200, "wrong_tokens": 1600}
    (node,) = ValidationStage().expand(spec(compress={"int8": {}}, serve={"weights": "int8"}, package={}), CPU)
    assert node.inputs == {"model": "compress.int8", "reference": "export", "tokens": "tokenizer", "package": "package"}
    assert node.config.compressed == "int8"  # type: ignore[attr-defined]


def test_promises_are_the_must_targets_on_the_server() -> None:
    targets = [
        "bench.one/latency_p95 < 50ms", {"measure": "bench.one/errors", "equals": 0, "priority": "should"}, "validation/failed == 0",
        "data/wrong_answers == 0",
    ]  # fmt: skip
    (node,) = ValidationStage().expand(spec(targets=targets), CPU)
    assert node.config.promises == ("bench.one/latency_p95 < 50ms", "validation/failed == 0")  # type: ignore[attr-defined]


@pytest.mark.parametrize("validation", [{"prompts": 3}, {"requests": 0}, {"clients": 0}, {"single": 0}, {"prompt": 200}])
def test_settings_that_would_show_nothing_are_refused(validation: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        spec(validation=validation)


def test_it_needs_a_server() -> None:
    with pytest.raises(ValidationError, match="validation needs a section serve"):
        spec(serve=None)


def test_a_report_tells_every_item_and_forgets_none() -> None:
    findings = {item.name: Finding("passed", "so") for item in CHECKLIST}
    findings |= {"cuda": not_shown("no GPU"), "queue": judged(False, "so", "why")}
    told = document(findings, {"device": "d"})
    assert told["counts"] == counts(findings) == {"passed": len(CHECKLIST) - 2, "failed": 1, "not_shown": 1}
    assert [item["name"] for item in told["items"]] == [item.name for item in CHECKLIST]
    del findings["queue"]
    with pytest.raises(KeyError, match="queue"):
        document(findings, {})
