"""The whole checklist, on a real model, real engines and a real gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import Endpoint
from ryot.plugins.testing import run_service, run_stage
from ryot.stages.export.stage import ExportConfig, ExportStage
from ryot.stages.package.stage import Alert, PackageConfig, PackageStage
from ryot.stages.serve.stage import GatewayConfig, ServeConfig, ServeService
from ryot.stages.train.stage import ModelShape
from ryot.stages.validation.checklist import CHECKLIST
from ryot.stages.validation.stage import ValidationConfig, ValidationStage
from tests.stages.conftest import write_tokens, write_weights

pytestmark = pytest.mark.e2e
SHAPE = ModelShape(family="llama", vocab_size=300, hidden_size=64, layers=2, heads=2, kv_heads=1, ffn_size=128, context=64)
SERVE = ServeConfig(context=64, kv_cache=64 << 20, max_concurrency=8, gateway=GatewayConfig(waiting=16))
PROMISES = ("bench.single/latency_p95 < 50ms", "bench.single/errors == 0")
TIMED = ("batch_size_tuning", "load_balancing")
"""What the pace of this machine decides."""
NEEDS_GPU = {"gpu_detection", "cuda", "multi_gpu_communication", "single_gpu", "multi_gpu"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small model with first weights, its tokens and its package."""
    folder = tmp_path_factory.mktemp("model")
    tokens = write_tokens(folder / "tokens", heldout=40, context=64)
    (folder / "weights").mkdir()
    given = {"weights": write_weights(folder / "weights", SHAPE, tokens), "tokens": tokens}
    model = run_stage(ExportStage(), ExportConfig(), folder / "export", inputs=given).out
    config = PackageConfig(name="small", serve=SERVE, alerts=(Alert(quantile=0.95, seconds=0.05),))
    package = run_stage(PackageStage(), config, folder / "package", inputs={"model": model}).out
    return {"model": model, "reference": model, "tokens": tokens, "package": package}


@pytest.fixture(scope="module")
def endpoint(inputs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with run_service(ServeService(), SERVE, tmp_path_factory.mktemp("serve"), inputs={"model": inputs["model"]}) as served:
        yield served


def validate(inputs: dict[str, Path], endpoint: Endpoint, folder: Path, **fields: Any) -> tuple[dict[str, Any], Any]:
    """The report by the names of its items, and the stage's result."""
    config = ValidationConfig(
        **{"prompts": 40, "requests": 200, "clients": 4, "single": 2.0, "serve": SERVE, "vocab_size": 300, "promises": PROMISES} | fields
    )
    found = run_stage(ValidationStage(), config, folder, inputs=inputs, services={"serve": endpoint})
    report = json.loads((found.out / "deployment_validation_report.json").read_text())
    return report | {"items": {item["name"]: item for item in report["items"]}}, found


def test_a_sound_server_is_shown_to_be_sound_and_what_needs_a_gpu_is_not_passed(
    inputs: dict[str, Path], endpoint: Endpoint, tmp_path: Path
) -> None:
    report, found = validate(inputs, endpoint, tmp_path)
    items = report["items"]
    assert list(items) == [item.name for item in CHECKLIST]
    assert {name: item["reason"] for name, item in items.items() if item["status"] == "failed" and name not in TIMED} == {}
    unshown = {name for name, item in items.items() if item["status"] == "not_shown"}
    assert unshown - {"scaling", "queue", "load_balancing"} == NEEDS_GPU | {"failover"}  # a quick engine empties its queue
    assert "serve.replicas is 1" in items["failover"]["reason"]
    assert items["failover"]["evidence"]["back_after_s"] > 0
    assert all(items[name]["reason"] for name in unshown)
    assert report["counts"] == {name: found.value(name) for name in ("passed", "failed", "not_shown")}
    assert items["output_correct"]["evidence"]["tokens"] == 40 * 8
    assert found.evidence["lost_in_failover"].of == 200
    assert found.value("lost_in_failover") == found.value("lost_in_shutdown") == found.value("wrong_tokens") == 0


def test_another_model_than_the_one_that_was_trained_is_found_out(inputs: dict[str, Path], endpoint: Endpoint, tmp_path: Path) -> None:
    from ryot.plugins.testing import context_in  # noqa: PLC0415 - the stage's parts, which load torch
    from ryot.stages.validation.inference import output_correct  # noqa: PLC0415
    from ryot.stages.validation.reference import Reference  # noqa: PLC0415
    from ryot.stages.validation.site import Site  # noqa: PLC0415

    other = tmp_path / "other"
    other.mkdir()
    for file in inputs["model"].iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    change(other / "model.safetensors")
    config = ValidationConfig(prompts=20, requests=100, clients=2, single=1.0, serve=SERVE, vocab_size=300)
    context = context_in(tmp_path / "context", ValidationStage(), [], inputs=inputs)
    site = Site(config, context, endpoint, [[5, 6, 7 + number] for number in range(20)])
    assert output_correct(site, Reference(inputs["model"], 1)).status == "passed"
    found = output_correct(site, Reference(other, 1))
    assert found.status == "failed"
    assert context.evidence["probability_difference"].value > found.evidence["tolerance"]


def change(weights: Path) -> None:
    """One matrix of a stored model, by half of itself."""
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    tensors = load_file(weights)
    name = next(name for name in tensors if "down_proj" in name or "embed_tokens" in name)
    tensors[name] *= 1.5
    save_file(tensors, weights, metadata={"format": "pt"})
