"""The nodes of compression, and which copy is served."""

from typing import Any

import pytest

from ryot.plugins import Facts, Spec, SpecError
from ryot.stages.compress.stage import CompressStage
from ryot.stages.serve.stage import ServeService

CPU, GPU = Facts("cpu:test x2"), Facts("cuda:NVIDIA H100 x1")


def spec(**sections: Any) -> Spec:
    return Spec.model_validate(
        {
            "version": 1,
            "name": "small",
            "model": {"preset": "ryot-simple"},
            "data": {"sources": [{"generate": {"examples": 1000}}], "held_out": 0.1},
            "train": {"steps": 10},
            "export": {},
            **sections,
        }
    )


def test_every_scheme_that_is_written_is_a_node() -> None:
    assert list(CompressStage().expand(spec(), CPU)) == []
    int8, int4 = CompressStage().expand(spec(compress={"int4": {"group_size": 64}, "int8": {"documents": 20}}), CPU)
    assert (int8.name, int8.config.group_size, int8.samples["recovery"]) == ("compress.int8", None, 20)  # type: ignore[attr-defined]
    assert (int4.name, int4.config.group_size, int4.samples["recovery"]) == ("compress.int4", 64, 100)  # type: ignore[attr-defined]
    assert int8.inputs == {"model": "export", "tokens": "tokenizer"}


def test_the_copy_that_is_asked_for_is_served() -> None:
    both = {"int8": {}, "int4": {}}
    (plain,) = ServeService().expand(spec(compress=both, serve={}), CPU)
    (copy,) = ServeService().expand(spec(compress=both, serve={"weights": "int8"}), CPU)
    (small,) = ServeService().expand(spec(compress=both, serve={"weights": "int4"}), GPU)
    assert [node.inputs["model"] for node in (plain, copy, small)] == ["export", "compress.int8", "compress.int4"]


@pytest.mark.parametrize("scheme", ["int4", "fp8"])
def test_what_this_machines_engine_cannot_compute_with_is_refused(scheme: str) -> None:
    with pytest.raises(SpecError, match=f"serve.weights: {scheme} has no kernel in vLLM's build for CPUs"):
        list(ServeService().expand(spec(compress={scheme: {}}, serve={"weights": scheme}), CPU))


def test_a_copy_that_is_not_made_cannot_be_served() -> None:
    with pytest.raises(SpecError, match=r"serve\.weights: int8 is no copy that `compress` makes") as caught:
        list(ServeService().expand(spec(serve={"weights": "int8"}), CPU))
    assert caught.value.hint == "write `compress: {int8: {}}`"


def test_a_hybrid_is_refused() -> None:
    with pytest.raises(SpecError, match="hybrid"):
        list(CompressStage().expand(spec(model={"preset": "hybrid-tiny"}, compress={"int8": {}}), CPU))


def test_a_rehearsal_serves_the_export() -> None:
    small = spec(compress={"int8": {}}, serve={"weights": "int8"}, rehearse={}).rehearsal()
    assert small.compress is None
    assert small.serve is not None
    assert small.serve.weights is None
