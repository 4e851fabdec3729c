"""Whole fine-tunings through TRL and PEFT: what they leave, that kill -9 changes none of it, and what they refuse."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import StageResult, run_stage
from ryot.stages.export.stage import ExportConfig, ExportStage
from ryot.stages.finetune.checkpoints import MANIFEST
from ryot.stages.finetune.modules import present
from ryot.stages.finetune.stage import FinetuneConfig, FinetuneStage
from tests.stages.conftest import write_weights
from tests.stages.finetune.made import pairs_of, results, settings, start, wait_for, write_pairs
from tests.stages.train.conftest import SHAPES

pytestmark = pytest.mark.e2e


@pytest.fixture
def inputs(tmp_path: Path, make_tokens: Callable[..., Path]) -> Callable[[str], dict[str, Path]]:
    """Call it with a family to get first weights and tokens. The gpt has a dropout of its own."""
    tokens = make_tokens()

    def make(family: str) -> dict[str, Path]:
        shape = SHAPES[family].model_copy(update={"dropout": 0.1} if family == "gpt" else {})
        return {"weights": write_weights(tmp_path / family, shape, tokens), "tokens": tokens}

    return make


def config(tmp_path: Path, family: str = "gpt", **changed: Any) -> FinetuneConfig:
    recipe = {name: changed.pop(name) for name in list(changed) if name in ("lr", "epochs", "steps", "warmup_steps", "accumulation")}
    source = write_pairs(tmp_path / "pairs.jsonl", pairs_of(60))
    return FinetuneConfig.model_validate(settings(source, family, **recipe) | changed)


def tuned(settings: FinetuneConfig, folder: Path, inputs: dict[str, Path]) -> StageResult:
    return run_stage(FinetuneStage(), settings, folder, inputs=inputs)


@pytest.mark.parametrize("family", ["gpt", "llama", "hybrid"])
def test_what_is_learnt_is_merged_and_exports_as_ever(tmp_path: Path, inputs: Any, family: str) -> None:
    """With an adapter on every matrix that may have one."""
    given = inputs(family)
    asked = config(tmp_path, family, lr=1e-2, epochs=2, warmup_steps=2)
    assert asked.lora is not None
    asked = asked.model_copy(update={"lora": asked.lora.model_copy(update={"modules": present(SHAPES[family])})})
    result = tuned(asked, tmp_path / "node", given)
    assert (result.value("loss_after") or 9) < (result.value("loss_before") or 0) - 0.01
    assert result.value("loss_drop") == pytest.approx((result.value("loss_before") or 0) - (result.value("loss_after") or 0))
    assert 0 < (result.value("merge_difference") or 0) < 1e-4
    assert (result.value("pairs"), result.value("updates"), len(result.evidence["loss_drop"].samples)) == (48, 24, 12)
    assert 0 < (result.value("trainable") or 0) < (result.value("parameters") or 0)
    assert result.events[-1]["done"] == result.events[-1]["total"] == 24
    rates = [update["lr"] for update in json.loads((result.out / "history.json").read_text())["updates"]]
    assert rates[:3] == pytest.approx([0.5e-2, 1e-2, 1e-2])  # the first update has a rate already
    assert set(result.events[-1]["numbers"]) == {"loss", "tokens_per_s", "lr"}  # type: ignore[call-overload]
    handed = {"weights": result.out, "tokens": given["tokens"]}
    exported = run_stage(ExportStage(), ExportConfig(probes=4), tmp_path / "export", inputs=handed)
    assert exported.value("logit_difference") == 0
    assert exported.value("parameters") == result.value("parameters")


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_run_that_was_killed_ends_with_the_same_bits(tmp_path: Path, inputs: Any, method: str) -> None:
    """Two micro-batches an update, and epochs of 6 updates, so that checkpoints fall within epochs and between them."""
    asked = config(tmp_path, accumulation=2, epochs=5, **({"lora": None} if method == "full" else {}))
    given = inputs("gpt")
    tuned(asked, tmp_path / "whole", given)
    scratch = tmp_path / "killed" / "scratch"
    kills = 2 if method == "lora" else 1  # killed anew after it went on from where it was
    for number in range(kills):
        process = start(FinetuneStage, asked, tmp_path / "killed", given)
        wait_for(lambda after=3 * (number + 1): any(updates >= after for updates in sealed(scratch / "checkpoints")), process)
        process.kill()
        process.wait()
    tuned(asked, tmp_path / "killed", given)
    assert json.loads((tmp_path / "killed" / "out" / "timings.json").read_text())["resumed"] >= kills
    assert results(tmp_path / "killed") == results(tmp_path / "whole")


def sealed(folder: Path) -> list[int]:
    """After how many updates the whole checkpoints are."""
    return [int(path.parent.name.rpartition("-")[2]) for path in folder.glob(f"checkpoint-*/{MANIFEST}")]


def test_a_finished_run_only_measures_again_and_a_damaged_checkpoint_is_passed_over(tmp_path: Path, inputs: Any) -> None:
    """As after a kill between the last update and the end; then as after a disk has lost the one checkpoint."""
    asked, given = config(tmp_path, epochs=1), inputs("gpt")
    tuned(asked, tmp_path / "node", given)
    first = results(tmp_path / "node")
    (newest,) = (tmp_path / "node" / "scratch" / "checkpoints").glob("checkpoint-*")
    for resumed in (1, 0):
        (tmp_path / "node" / "out" / "model.safetensors").unlink()
        tuned(asked, tmp_path / "node", given)
        assert results(tmp_path / "node") == first
        assert json.loads((tmp_path / "node" / "out" / "timings.json").read_text())["resumed"] == resumed
        (newest / "adapter_model.safetensors").write_bytes(b"")


def test_a_loss_that_is_no_number_stops_the_run_and_is_named(tmp_path: Path, inputs: Any) -> None:
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    given = inputs("llama")
    tensors = load_file(given["weights"] / "model.safetensors")
    tensors["model.norm.weight"] *= 1e38  # so that logits overflow
    save_file(tensors, given["weights"] / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(NodeError, match=r"update 1 of 48 has the loss (nan|inf)") as failure:
        tuned(config(tmp_path, "llama"), tmp_path / "node", given)
    assert "lower lr" in (failure.value.hint or "")
    assert not any((tmp_path / "node" / "scratch" / "checkpoints").glob("checkpoint-*"))


def test_all_weights_but_the_fixed_positions_are_trained_in_full(tmp_path: Path, inputs: Any) -> None:
    given = inputs("gpt")
    result = tuned(config(tmp_path, epochs=1, lora=None), tmp_path / "node", given)
    assert (result.value("parameters") or 0) - (result.value("trainable") or 0) == 32 * 32
    assert result.value("merge_difference") == 0


def test_a_warm_up_that_never_ends_is_told_before_anything_is_trained(tmp_path: Path, inputs: Any) -> None:
    with pytest.raises(NodeError, match="warmup_steps is 48 of 48 updates"):
        tuned(config(tmp_path, warmup_steps=48), tmp_path / "node", inputs("gpt"))


def test_the_mean_of_the_losses_is_that_of_the_completions_alone(tmp_path: Path, inputs: Any) -> None:
    """Of first weights every word is about equally likely, whatever the prompt."""
    result = tuned(config(tmp_path, "llama", steps=1, epochs=None, warmup_steps=0), tmp_path / "node", inputs("llama"))
    assert result.value("loss_before") == pytest.approx(math.log(300), abs=0.1)
    assert result.value("updates") == 1
