"""The export as an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import Facts, Spec, SpecError
from ryot.plugins.testing import run_stage
from ryot.stages.onnx.stage import OnnxConfig, OnnxStage
from tests.stages.compress.test_work import SHAPES, export

CPU = Facts("cpu:test x2")


def spec(**sections: Any) -> Spec:
    return Spec.model_validate(
        {
            "version": 1,
            "name": "small",
            "model": {"preset": "ryot-simple"},
            "data": {"sources": [{"generate": {}}]},
            "train": {"steps": 10},
            **sections,
        }
    )


def test_it_is_there_only_where_it_is_asked_for() -> None:
    assert list(OnnxStage().expand(spec(export={}), CPU)) == []
    (node,) = OnnxStage().expand(spec(export={"onnx": True}), CPU)
    assert (node.name, node.inputs) == ("onnx", {"model": "export", "tokens": "tokenizer"})
    with pytest.raises(SpecError, match="hybrid"):
        list(OnnxStage().expand(spec(model={"preset": "hybrid-tiny"}, export={"onnx": True}), CPU))


@pytest.mark.e2e
@pytest.mark.parametrize("family", ["gpt", "llama"])
def test_onnxruntime_finds_the_same_logits_at_any_size(family: str, tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415

    from ryot.stages.export.work import load  # noqa: PLC0415
    from ryot.stages.onnx.work import GRAPH, read  # noqa: PLC0415

    tokens = make_tokens(heldout=6)
    model = export(tmp_path / "model", SHAPES[family], tokens)
    found = run_stage(OnnxStage(), OnnxConfig(context=32, rounds=4), tmp_path / "onnx", inputs={"model": model, "tokens": tokens})
    assert 0 <= (found.value("logit_difference") or 0) < 1e-4
    assert (found.value("size") or 0) > (model / "model.safetensors").stat().st_size * 0.9
    assert len(found.evidence["speed_ratio"].pairs) == 4
    session, network = read(found.out / GRAPH, 1), load(model)
    for rows, length in ((1, 2), (3, 32), (7, 5)):
        ids_RL = np.random.default_rng(rows).integers(0, 300, (rows, length))
        with torch.no_grad():
            wanted = network(input_ids=torch.from_numpy(ids_RL)).logits.numpy()
        np.testing.assert_allclose(session.run(None, {"input_ids": ids_RL})[0], wanted, atol=1e-4)
