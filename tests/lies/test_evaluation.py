"""Lies told by the benchmark's program: a stand-in for lm-eval, a program of its own, leaves items out and counts as it likes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import Document, Endpoint, NodeError, digest_file
from ryot.plugins.testing import StageResult, run_stage, write_documents
from ryot.stages.data.stage import FileSource
from ryot.stages.evaluate.benchmarks import measures_of
from ryot.stages.evaluate.stage import MEASURES, EvaluateConfig, EvaluateStage
from tests.lies.judged import statuses

FAKES = Path(__file__).parent.parent / "fakes"
LETTERS = {"text": ["one", "two"], "label": ["A", "B"]}


@pytest.fixture
def evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it with a lie to evaluate a model that always takes the first of four choices, and is right in half of 60 items."""
    asked = [
        Document.of(f"Q: {n}?\nA: it.", {"question": f"{n}?", "choices": ["a", "b", "c", "d"], "answer": "ab"[n % 2]}) for n in range(60)
    ]
    inputs = {"documents": write_documents(tmp_path / "documents", heldout=asked), "model": tmp_path}
    arc = tmp_path / "arc.jsonl"
    arc.write_text("".join(json.dumps({"question": f"{n}?", "choices": LETTERS, "answerKey": "AB"[n % 2]}) + "\n" for n in range(60)))
    source = FileSource(digest=digest_file(arc), form=".jsonl", written=arc.name, path=str(arc))

    def run(lie: str, *, benchmark: bool = False) -> StageResult:
        monkeypatch.setenv("FAKE_LM_EVAL", lie)
        monkeypatch.setenv("PYTHONPATH", str(FAKES))
        config = EvaluateConfig(tasks=("reasoning",), limit=None, context=64)
        measures = MEASURES["reasoning"]
        if benchmark:
            config = EvaluateConfig(tasks=(), benchmarks=("arc_easy",), limit=None, context=64, data={"arc_easy": source})
            measures = measures_of("arc_easy")
        services = {"serve": Endpoint("http://127.0.0.1:9", "model")}
        return run_stage(EvaluateStage(), config, tmp_path / "node", inputs=inputs, services=services, measures=measures)

    return run


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        pytest.param("skip", "lm-eval answered 30 items of reasoning, other than the 60 asked", id="the wrong ones are left out"),
        pytest.param("twice", "lm-eval answered 60 items of reasoning, other than the 60 asked", id="one is answered twice"),
        pytest.param("inflate", "lm-eval counts 1.0, ryot 0.5", id="its score is not that of its answers"),
        pytest.param("certain", "log-likelihoods that are none", id="a probability above one"),
        pytest.param("nan", "log-likelihoods that are none", id="a probability that is no number"),
    ],
)
def test_a_benchmark_that_lies(evaluate: Any, lie: str, words: str) -> None:
    with pytest.raises(NodeError, match=words):
        evaluate(lie)


@pytest.mark.parametrize("lie", ["skip", "twice"])
def test_items_of_a_known_benchmark_that_are_left_out_or_answered_twice(evaluate: Any, lie: str) -> None:
    """An easy one in the place of a hard one leaves the number of items as it is."""
    with pytest.raises(NodeError, match=r"lm-eval left out items of arc_easy, the first of them arc_easy/1"):
        evaluate(lie, benchmark=True)


def test_a_benchmark_that_does_not_lie(evaluate: Any) -> None:
    found = evaluate("")
    assert found.value("reasoning_accuracy") == 0.5
    assert statuses(found, ["reasoning_accuracy >= 35%", "reasoning_accuracy >= 80%"]) == ["PASS", "FAIL"]
    assert evaluate("", benchmark=True).value("arc_easy.acc") == 0.5
