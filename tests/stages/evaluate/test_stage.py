"""What the plan sees of `evaluate`."""

import pytest

from ryot.plugins import Facts, Spec, SpecError
from ryot.plugins.stage import identity
from ryot.stages.evaluate.stage import EvaluateStage

GENERATED = {"sources": [{"generate": {"examples": 100}}]}
LOCAL = {"sources": [{"path": "texts"}]}


def nodes(evaluate, data=GENERATED, **facts):
    fields = {"version": 1, "name": "small", "model": {"preset": "ryot-tiny"}, "train": {"epochs": 1}, "export": {}, "serve": {}}
    spec = Spec.model_validate(fields | {"data": data, "evaluate": evaluate})
    return list(EvaluateStage().expand(spec, Facts(device="cpu:test x2", **facts)))


def test_it_reads_documents_and_model_and_needs_the_server():
    (node,) = nodes({})
    assert (node.inputs, node.services) == ({"documents": "data", "model": "export"}, {"serve": "serve"})
    assert {measure.name for measure in node.measures} == {"reasoning_accuracy", "perplexity", "nats_per_token", "bits_per_byte"}


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
    assert here.config.text == "/here/t.txt"
    assert identity(here.config) == identity(there.config)


def test_a_text_that_is_not_there_is_refused():
    with pytest.raises(SpecError, match=r"t\.txt"):
        nodes({"text": "t.txt"})
