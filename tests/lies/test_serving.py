"""Lies told about what is served: another model behind the same name, and settings that nobody measured."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import run_service, run_stage
from ryot.stages.export.stage import ExportConfig, ExportStage
from ryot.stages.serve.answers import ANSWERS, agreement
from ryot.stages.serve.settings import SETTINGS
from ryot.stages.serve.stage import ServeConfig, ServeService
from tests.stages.conftest import make_tokens, write_weights
from tests.stages.train.conftest import SHAPES

__all__ = ["make_tokens"]


@pytest.mark.heavy
def test_another_model_behind_the_same_name(tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    """The same shape, the same tokenizer, other weights: every request is answered in time, and every number would be another model's."""
    tokens = make_tokens()
    weights = write_weights(tmp_path / "weights", SHAPES["gpt"], tokens, seed=3)
    model = run_stage(ExportStage(), ExportConfig(), tmp_path / "export", inputs={"weights": weights, "tokens": tokens}).out
    config = ServeConfig(engine="transformers", context=32, kv_cache=1 << 20)
    with run_service(ServeService(), config, tmp_path / "right", inputs={"model": model}) as endpoint:
        (engine,) = endpoint.info["engines"]  # type: ignore[misc]
        found = agreement(engine, "model", model, 1e-4)
        assert found
        assert found.same == found.of == len(json.loads((model / ANSWERS).read_text())["prompts"]) == 6
    other = write_weights(tmp_path / "other", SHAPES["gpt"], tokens, seed=4)
    shutil.copyfile(other / "model.safetensors", model / "model.safetensors")
    with (
        pytest.raises(NodeError, match=r"is not the model that was exported: of 6 next tokens [01] are"),
        run_service(ServeService(), config, tmp_path / "wrong", inputs={"model": model}),
    ):
        pass


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"settings": {"threads": 64}, "tried": []}, id="settings that were never tried"),
        pytest.param(
            {"settings": {"threads": 64}, "tried": [{"change": {"threads": 64}, "outcome": "answers otherwise: 0.2"}]},
            id="settings that were tried and not taken",
        ),
        pytest.param(
            {"settings": {"context": 8}, "tried": [{"change": {"context": 8}, "outcome": "taken"}]}, id="a setting that is none of speed"
        ),
    ],
)
def test_tuned_settings_that_were_written_by_hand(tmp_path: Path, told: dict[str, Any]) -> None:
    """After an edit the digests do not fit either; this is a file that somebody puts in the place of the whole result."""
    (tmp_path / SETTINGS).write_text(json.dumps(told))
    with (
        pytest.raises(NodeError, match=r"settings.json was not written by autotune"),
        run_service(ServeService(), ServeConfig(context=32), tmp_path / "node", inputs={"model": tmp_path, "settings": tmp_path}),
    ):
        pass
