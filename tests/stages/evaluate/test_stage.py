"""What the plan sees of `evaluate`."""

import pytest

from ryot.plugins import Facts, Spec, SpecError
from ryot.plugins.stage import identity
from ryot.stages.evaluate.stage import EvaluateStage

GENERATED = {"sources": [{"generate": {"examples": 100}}]}
MODEL = {"preset": "ryot-tiny"}
LOCAL = {"sources": [{"path": "texts"}]}


def nodes(evaluate, data=GENERATED, context=2048, **facts):
    fields = {"version": 1, "name": "small", "model": MODEL | {"context": context}, "train": {"epochs": 1}, "export": {}, "serve": {}}
    spec = Spec.model_validate(fields | {"data": data, "evaluate": evaluate})
    return list(EvaluateStage().expand(spec, Facts(device="cpu:test x2", **facts)))


def test_it_reads_documents_and_model_and_needs_the_server():
    (node,) = nodes({})
    assert (node.inputs, node.services) == ({"documents": "data", "model": "export"}, {"serve": "serve"})
    assert {measure.name for measure in node.measures} == {
        *("reasoning_accuracy", "reasoning_ece", "reasoning_auroc"),
        *("perplexity", "nats_per_token", "bits_per_byte"),
    }


def test_only_what_is_asked_for_is_measured():
    (node,) = nodes({"tasks": ["perplexity"]})
    assert "reasoning_accuracy" not in {measure.name for measure in node.measures}


def test_reasoning_without_generated_documents_is_refused():
    with pytest.raises(SpecError, match="generated documents"):
        nodes({"tasks": ["reasoning"]}, LOCAL)


def test_where_nothing_is_said_only_what_the_documents_allow_is_asked():
    (node,) = nodes({}, LOCAL)
    assert node.config.tasks == ("perplexity",)


def test_the_text_is_known_by_its_digest_and_not_by_where_it_lies():
    (here,) = nodes({"text": "t.txt"}, digests={"t.txt": "d"}, paths={"t.txt": "/here/t.txt"})
    (there,) = nodes({"text": "t.txt"}, digests={"t.txt": "d"}, paths={"t.txt": "/there/t.txt"})
    assert here.config.text.path == "/here/t.txt"
    assert identity(here.config) == identity(there.config)


def test_a_text_that_is_not_there_is_refused():
    with pytest.raises(SpecError, match=r"t\.txt"):
        nodes({"text": "t.txt"})


def test_lm_evals_benchmarks_are_measured_and_counted():
    (node,) = nodes({"tasks": ["gsm8k", "truthfulqa", "wikitext", "mmlu"], "limit": None})
    names = {"gsm8k.exact_match", "truthfulqa.mc2", "mmlu.acc"} | {
        f"wikitext.{of}" for of in ("word_perplexity", "byte_perplexity", "bits_per_byte")
    }
    assert {measure.name for measure in node.measures} == names
    assert node.samples == {"gsm8k.exact_match": 1319, "truthfulqa.mc2": 817, "mmlu.acc": 14042}
    (node,) = nodes({"tasks": ["gsm8k", "mmlu"], "limit": 50})
    assert node.samples == {"gsm8k.exact_match": 50}


def test_a_file_of_items_is_known_by_its_digest_and_not_by_where_it_lies():
    def found(digest, folder):
        evaluate = {"tasks": ["wikitext"], "data": {"wikitext": "w.jsonl"}}
        (node,) = nodes(evaluate, digests={"w.jsonl": digest}, paths={"w.jsonl": f"/{folder}/w.jsonl"})
        return node.config

    assert found("d", "here").data["wikitext"].path == "/here/w.jsonl"
    assert identity(found("d", "here")) == identity(found("d", "there")) != identity(found("e", "here"))


def test_a_file_that_is_not_read_as_items_is_refused():
    with pytest.raises(SpecError, match="JSON lines"):
        nodes({"tasks": ["boolq"], "data": {"boolq": "b.parquet"}}, digests={"b.parquet": "d"})


@pytest.mark.parametrize(("task", "context"), [("humaneval", 1025), ("gsm8k", 257)])
def test_answers_that_fill_the_context_are_refused(task, context):
    evaluate = {"tasks": [task], "run_code": True}
    with pytest.raises(SpecError, match=f"{task}, whose answers take up to"):
        nodes(evaluate, context=context)
    assert nodes(evaluate, context=context + 1)


def test_allowing_code_changes_nothing_where_none_is_run():
    (with_it,), (without) = nodes({"tasks": ["gsm8k"], "run_code": True}), nodes({"tasks": ["gsm8k"]})
    assert identity(with_it.config) == identity(without[0].config)
