"""Whole runs through torchrun and DeepSpeed: what they leave, and that kill -9 changes none of it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import StageResult, run_stage
from ryot.stages.export.stage import ExportConfig, ExportStage
from ryot.stages.train.stage import CompressorChoice, KernelChoice, Recipe, TrainConfig, TrainStage
from tests.stages.train.conftest import SHAPES

pytestmark = pytest.mark.e2e

DRIVER = """
import sys
from pathlib import Path
from ryot.plugins.testing import run_stage
from ryot.stages.train.stage import TrainConfig, TrainStage
config = TrainConfig.model_validate_json(sys.argv[1])
run_stage(TrainStage(), config, Path(sys.argv[2]), inputs={"tokens": Path(sys.argv[3])})
"""


def config(ranks: int = 1, zero: int = 0, *, packed: bool = True, family: str = "gpt", epochs: int = 16) -> TrainConfig:
    shape = SHAPES[family].model_copy(update={"dropout": 0.1, "tied": True})
    return TrainConfig(
        model=shape,
        recipe=Recipe(batch_size=4, epochs=epochs, lr=3e-3, warmup_steps=3, ranks=ranks, zero_stage=zero),  # type: ignore[arg-type]
        kernel=KernelChoice(level=1),
        compressor=CompressorChoice(ratio=0.3) if packed else None,
        checkpoint_every=10,
    )


def start(settings: TrainConfig, folder: Path, tokens: Path) -> subprocess.Popen[bytes]:
    """A run in a process of its own."""
    return subprocess.Popen([sys.executable, "-c", DRIVER, settings.model_dump_json(), str(folder), str(tokens)])


def wait_for(what: Callable[[], bool], limit_s: float = 120.0) -> None:
    deadline = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def ranks_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The training processes below a run."""
    below = psutil.Process(process.pid).children(recursive=True)
    return [child for child in below if "ryot.stages.train.rank" in child.cmdline() and "torch.distributed.run" not in child.cmdline()]


def results(folder: Path) -> dict[str, bytes]:
    """What a run leaves that must not depend on crashes."""
    return {name: (folder / "out" / name).read_bytes() for name in ("model.safetensors", "history.json", "config.json")}


def history(folder: Path) -> Any:
    """The history of a run."""
    return json.loads((folder / "out" / "history.json").read_text())


@pytest.fixture
def tokens(make_tokens: Callable[..., Path]) -> Path:
    return make_tokens()


@pytest.fixture
def running(tmp_path: Path, tokens: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run of two ranks that has reached its first checkpoint."""
    process = start(config(2, 1, epochs=4000), tmp_path / "node", tokens)
    wait_for(lambda: any((tmp_path / "node" / "scratch" / "checkpoints").glob("update-*")))
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(("ranks", "zero"), [(1, 0), (2, 1), (2, 2), (2, 3)])
def test_a_run_that_was_killed_ends_with_the_same_bits(tmp_path: Path, tokens: Path, ranks: int, zero: int) -> None:
    settings = config(ranks, zero)
    run_stage(TrainStage(), settings, tmp_path / "whole", inputs={"tokens": tokens})
    process = start(settings, tmp_path / "killed", tokens)
    wait_for(lambda: any((tmp_path / "killed" / "scratch" / "checkpoints").glob("update-*")))
    process.kill()
    process.wait()
    again = run_stage(TrainStage(), settings, tmp_path / "killed", inputs={"tokens": tokens})
    assert json.loads((again.out / "timings.json").read_text())["resumed"] >= 1
    assert results(tmp_path / "killed") == results(tmp_path / "whole")


def test_a_damaged_checkpoint_is_passed_over_and_the_bits_stay(tmp_path: Path, tokens: Path) -> None:
    settings = config(epochs=10)
    run_stage(TrainStage(), settings, tmp_path / "node", inputs={"tokens": tokens})
    first = results(tmp_path / "node")
    newest = max((tmp_path / "node" / "scratch" / "checkpoints").glob("update-*"))
    (newest / "rank-0.safetensors").write_bytes(b"")
    run_stage(TrainStage(), settings, tmp_path / "node", inputs={"tokens": tokens})
    assert results(tmp_path / "node") == first


def test_no_process_outlives_a_killed_run(running: subprocess.Popen[bytes]) -> None:
    below = psutil.Process(running.pid).children(recursive=True)
    assert len(below) >= 3
    running.kill()
    running.wait()
    _, alive = psutil.wait_procs(below, timeout=3)
    assert not alive


def test_no_port_is_open_to_the_network(running: subprocess.Popen[bytes]) -> None:
    listening = [
        connection
        for process in psutil.Process(running.pid).children(recursive=True)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert [connection.laddr for connection in listening if connection.laddr.ip not in ("127.0.0.1", "::1")] == []


def test_two_runs_at_once_meet_only_themselves(tmp_path: Path, tokens: Path) -> None:
    """torchtune#392, DeepSpeed#3878: both listened on port 29500."""
    settings = config(2, 1, epochs=2)
    runs = [start(settings, tmp_path / name, tokens) for name in ("one", "two")]
    assert [run.wait() for run in runs] == [0, 0]
    assert results(tmp_path / "one") == results(tmp_path / "two")


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGSEGV])
def test_a_rank_that_dies_fails_the_run_within_seconds_and_is_named(tmp_path: Path, tokens: Path, sig: signal.Signals) -> None:
    settings = config(2, 1, epochs=4000)
    script = (
        DRIVER.replace("run_stage(Tr", "from ryot.plugins import NodeError\ntry:\n  run_stage(Tr") + "except NodeError as e: print(e)\n"
    )
    arguments = [sys.executable, "-c", script, settings.model_dump_json(), str(tmp_path / "node"), str(tokens)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE)
    wait_for(lambda: any((tmp_path / "node" / "scratch" / "checkpoints").glob("update-*")))
    os.kill(next(child.pid for child in ranks_of(process) if child.environ()["RANK"] == "1"), sig)
    text, _ = process.communicate(timeout=15)
    assert f"rank 1 was killed by signal {int(sig)}" in text.decode()


def test_a_hybrid_trains_alike_whatever_is_sharded_or_recomputed_and_exports(tmp_path: Path, tokens: Path) -> None:
    """ZeRO 3 takes the mixers' convolutions apart, whose weights are read past their modules."""
    plain = config(packed=False, family="hybrid", epochs=4)
    sharded = plain.recipe.model_copy(update={"ranks": 2, "batch_size": 2, "zero_stage": 3})
    recipes = {"plain": plain.recipe.model_copy(update={"recompute": True}), "sharded": sharded}
    recipes["recomputed"] = sharded.model_copy(update={"recompute": True})
    undropped = plain.model.model_copy(update={"dropout": 0.0})
    for name, recipe in recipes.items():
        settings = plain.model_copy(update={"recipe": recipe, "model": undropped})
        run_stage(TrainStage(), settings, tmp_path / name, inputs={"tokens": tokens})
    losses = {name: [update["loss"] for update in history(tmp_path / name)["updates"]] for name in recipes}
    assert losses["sharded"] == pytest.approx(losses["plain"], abs=1e-4)
    assert losses["plain"][-1] < losses["plain"][0] - 0.3
    assert results(tmp_path / "recomputed") == results(tmp_path / "sharded")
    inputs = {"weights": tmp_path / "plain" / "out", "tokens": tokens}
    exported = run_stage(ExportStage(), ExportConfig(probes=4), tmp_path / "export", inputs=inputs)
    assert exported.value("logit_difference") == 0


def test_offloading_on_a_cpu_is_refused(tmp_path: Path, tokens: Path) -> None:
    settings = config(zero=1)
    offloading = settings.model_copy(update={"recipe": settings.recipe.model_copy(update={"offload": "optimizer"})})
    with pytest.raises(NodeError, match="offload: optimizer needs an accelerator"):
        run_stage(TrainStage(), offloading, tmp_path, inputs={"tokens": tokens})


def test_what_a_run_leaves(tmp_path: Path, tokens: Path) -> None:
    result: StageResult = run_stage(TrainStage(), config(family="llama", epochs=3), tmp_path, inputs={"tokens": tokens})
    left = history(tmp_path)
    assert len(left["updates"]) == 18 == result.value("updates")
    assert [epoch["updates"] for epoch in left["epochs"]] == [6, 6, 6]
    assert len(left["heldout"]) == 6
    assert result.value("final_loss") == pytest.approx(sum(left["heldout"]) / 6)
    assert result.value("bad_updates") == 0
    assert 0 < (result.value("padding_removed") or 0) < 0.6
    assert (result.value("memory_rss") or 0) > (result.value("memory_tensors") or 0) > 4 * 4 * (result.value("parameters") or 0)
    assert result.events[-1]["done"] == result.events[-1]["total"] == 18
    assert set(result.events[-1]["numbers"]) == {"loss", "tokens_per_s", "lr"}  # type: ignore[call-overload]


def test_a_warm_up_that_never_ends_is_told_by_the_rank(tmp_path: Path, tokens: Path) -> None:
    settings = config(epochs=1)
    endless = settings.model_copy(update={"recipe": settings.recipe.model_copy(update={"warmup_steps": 6})})
    with pytest.raises(NodeError, match="warmup_steps is 6 of 6 updates"):
        run_stage(TrainStage(), endless, tmp_path, inputs={"tokens": tokens})
