"""Real copies of real small models: on vLLM's engine in 8 bits, in transformers in 4."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ryot.plugins.testing import run_service, run_stage
from ryot.stages.compress.stage import CompressConfig, CompressStage
from ryot.stages.serve.stage import ServeConfig, ServeService
from ryot.stages.train.stage import ModelShape
from tests.stages.conftest import write_weights

pytestmark = pytest.mark.e2e
SHAPES = {
    "gpt": ModelShape(family="gpt", vocab_size=300, hidden_size=64, layers=2, heads=2, ffn_size=128, context=32),
    "llama": ModelShape(family="llama", vocab_size=300, hidden_size=64, layers=2, heads=2, kv_heads=1, ffn_size=128, context=32),
}


def export(folder: Path, shape: ModelShape, tokens: Path) -> Path:
    """A model folder with first weights."""
    from ryot.stages.export.stage import ExportConfig, ExportStage  # noqa: PLC0415

    folder.mkdir()
    weights = folder / "weights"
    weights.mkdir()
    write_weights(weights, shape, tokens)
    return run_stage(ExportStage(), ExportConfig(), folder / "export", inputs={"weights": weights, "tokens": tokens}).out


@pytest.mark.parametrize("family", ["gpt", "llama"])
def test_eight_bits_are_measured_on_the_engine_and_served(family: str, tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    tokens = make_tokens(heldout=12)
    model = export(tmp_path / "model", SHAPES[family], tokens)
    config = CompressConfig(scheme="int8", documents=10, context=32, rounds=4)
    found = run_stage(CompressStage(), config, tmp_path / "int8", inputs={"model": model, "tokens": tokens})
    assert 0.98 < (found.value("recovery") or 0) < 1.02
    assert len(found.evidence["recovery"].pairs) == 10
    assert (found.value("times_smaller") or 0) > 2
    assert len(found.evidence["speed_ratio"].pairs) == 4
    assert (found.value("memory") or 0) > 50 << 20 < (found.value("memory_before") or 0)
    assert json.loads((found.out / "compress.json").read_text())["by"] == "the server's engine"
    if family == "gpt":  # of the other one the measures above came from the same engine
        config = ServeConfig(context=32, kv_cache=64 << 20)
        with run_service(ServeService(), config, tmp_path / "serve", inputs={"model": found.out}) as served:
            assert served.url  # a token came out of it


@pytest.mark.parametrize(("family", "scheme"), [("gpt", "int4"), ("llama", "int4"), ("llama", "fp8")])
def test_what_the_engine_cannot_compute_is_measured_in_transformers(
    family: str, scheme: str, tmp_path: Path, make_tokens: Callable[..., Path]
) -> None:
    tokens = make_tokens(heldout=12)
    model = export(tmp_path / "model", SHAPES[family], tokens)
    config = CompressConfig(scheme=scheme, group_size=32 if scheme == "int4" else None, documents=10, context=32)  # type: ignore[arg-type]
    found = run_stage(CompressStage(), config, tmp_path / scheme, inputs={"model": model, "tokens": tokens})
    assert 0.95 < (found.value("recovery") or 0) < 1.05
    assert any(before != after for before, after in found.evidence["recovery"].pairs)
    assert "speed_ratio" not in found.evidence
    assert "transformers" in json.loads((found.out / "compress.json").read_text())["by"]
