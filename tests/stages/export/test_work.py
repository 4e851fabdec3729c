"""Real checkpoints, stored and loaded back."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import Facts, NodeError, Spec
from ryot.plugins.testing import StageResult, run_stage
from ryot.stages.export.stage import ExportConfig, ExportStage
from ryot.stages.train.stage import MambaShape, ModelShape, RopeShape
from tests.stages.conftest import write_weights

SHAPES = [
    ModelShape(family="gpt", vocab_size=300, hidden_size=32, layers=2, heads=4, ffn_size=64, context=32),
    ModelShape(family="gpt", vocab_size=300, hidden_size=32, layers=2, heads=4, ffn_size=64, context=32, tied=False),
    ModelShape(family="llama", vocab_size=300, hidden_size=32, layers=2, heads=4, kv_heads=2, ffn_size=48, context=32),
    ModelShape(
        family="hybrid", vocab_size=300, hidden_size=32, layers=3, heads=4, kv_heads=2, ffn_size=48, context=32, attention_layers=(1,),
        mamba=MambaShape(state_size=8, head_size=16, expand=2, conv_size=4, groups=2),
    ),
    ModelShape(
        family="llama", vocab_size=300, hidden_size=32, layers=2, heads=4, ffn_size=48, context=32,
        rope_scaling=RopeShape(type="yarn", factor=4, original_context=8),
    ),
]  # fmt: skip


@pytest.fixture
def export(tmp_path: Path, make_tokens: Callable[..., Path]) -> Any:
    """Call it with a shape to export its first weights."""
    tokens = make_tokens()

    def run(shape: ModelShape, name: str = "node", **config: Any) -> StageResult:
        folder = write_weights(tmp_path / f"weights-{name}", shape, tokens)
        return run_stage(ExportStage(), ExportConfig(**config), tmp_path / name, inputs={"weights": folder, "tokens": tokens})

    return run


@pytest.mark.heavy
def test_stretched_positions_are_kept(export: Any) -> None:
    plain, stretched = SHAPES[-1].model_copy(update={"rope_scaling": None}), SHAPES[-1]
    kept = [json.loads((export(shape, name).out / "config.json").read_text())["rope_parameters"] for shape, name in
            ((plain, "plain"), (stretched, "stretched"))]  # fmt: skip
    assert kept[0] == {"rope_type": "default", "rope_theta": 10000.0}
    assert kept[1] == {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 8}


@pytest.mark.heavy
@pytest.mark.parametrize("shape", SHAPES, ids=["gpt", "gpt-untied", "llama", "hybrid", "llama-yarn"])
def test_the_loaded_model_gives_the_trained_model_s_logits(export: Any, shape: ModelShape) -> None:
    result = export(shape)
    assert result.value("logit_difference") == 0
    assert {"config.json", "model.safetensors", "generation_config.json", "tokenizer.json"} <= {path.name for path in result.out.iterdir()}
    assert result.value("size") == pytest.approx(4 * (result.value("parameters") or 0), rel=0.05)
    assert "auto_map" not in json.loads((result.out / "config.json").read_text())


@pytest.mark.heavy
def test_a_smaller_type_halves_the_size_and_its_price_is_measured(export: Any) -> None:
    full, half = export(SHAPES[0]), export(SHAPES[0], name="half", dtype="bf16")
    assert half.value("size") == pytest.approx(full.value("size") / 2, rel=0.05)
    assert 0 < half.value("logit_difference") < 0.1


@pytest.mark.heavy
def test_the_same_weights_give_the_same_bytes(export: Any) -> None:
    first, second = export(SHAPES[0], name="a").out, export(SHAPES[0], name="b").out
    digests = [{path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()} for folder in (first, second)]
    assert digests[0] == digests[1]


@pytest.mark.heavy
def test_weights_that_are_missing_are_an_error(tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    tokens = make_tokens()
    folder = write_weights(tmp_path / "weights", SHAPES[0], tokens)
    tensors = load_file(folder / "model.safetensors")
    del tensors["transformer.ln_f.bias"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(NodeError, match=r"does not fit its config.json.*ln_f.bias"):
        run_stage(ExportStage(), ExportConfig(), tmp_path / "node", inputs={"weights": folder, "tokens": tokens})


GATE = {"criteria": {"time_reduction": False, "loss_convergence": True}, "advice": ["pack more"]}


def test_a_missed_gate_stops_the_export_and_says_what_to_change(tmp_path: Path) -> None:
    (tmp_path / "comparison.json").write_text(json.dumps({"comparison": {**GATE, "outcome": "investigate"}}))
    with pytest.raises(NodeError, match=r"missed its gate \(time reduction\): investigate") as failure:
        run_stage(ExportStage(), ExportConfig(), tmp_path / "node", inputs={"comparison": tmp_path})
    assert failure.value.hint == "pack more; optimize.gate: continue goes past it"


@pytest.mark.parametrize(("gate", "waits"), [("stop", True), ("continue", False)])
def test_only_a_gate_that_stops_is_waited_for(gate: str, waits: bool) -> None:
    fields = {"version": 1, "name": "t", "model": {"preset": "ryot-tiny"}, "train": {"steps": 10}, "export": {}, "optimize": {"gate": gate}}
    spec = Spec.model_validate({**fields, "data": {"sources": [{"generate": {"examples": 100}}]}})
    (node,) = ExportStage().expand(spec, Facts(device="cpu:test x2"))
    assert ("comparison" in node.inputs) is waits


@pytest.mark.parametrize(("optimize", "trained"), [(None, "train"), ({"stack": []}, "train.optimized")])
def test_the_optimized_run_is_exported_where_there_is_one(optimize: object, trained: str) -> None:
    fields = {"version": 1, "name": "t", "model": {"preset": "ryot-tiny"}, "train": {"steps": 10}, "export": {}, "optimize": optimize}
    spec = Spec.model_validate({**fields, "data": {"sources": [{"generate": {"examples": 100}}]}})
    (node,) = ExportStage().expand(spec, Facts(device="cpu:test x2"))
    assert dict(node.inputs) == {"weights": trained, "tokens": "tokenizer"}
