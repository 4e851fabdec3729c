"""Numbers kept elsewhere, and looks at the held-out documents on the way: neither changes what is learnt."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import context_in, run_stage
from ryot.stages.train.stage import TrainStage
from tests.stages.train.test_work import config, history, results

pytestmark = pytest.mark.heavy


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What a folder of event files says, as TensorBoard reads it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: PLC0415

    found = EventAccumulator(str(folder))
    found.Reload()
    return {name: [(event.step, event.value) for event in found.Scalars(name)] for name in found.Tags()["scalars"]}


def test_tensorboard_reads_what_was_noted_and_forgets_what_a_crash_took_back(tmp_path: Path) -> None:
    from ryot.stages.train.tracking import Trackers  # noqa: PLC0415 - it may import torch

    first = Trackers(["tensorboard"], tmp_path, 0)
    for update in (1, 2, 3):
        first.note(update, {"loss": 4.0 - update, "lr": 0.5})
    first.close()
    second = Trackers(["tensorboard"], tmp_path, 2)
    second.note(3, {"loss": 0.25})
    second.close()
    assert scalars(tmp_path / "tensorboard")["loss"] == [(1, 3.0), (2, 2.0), (3, 0.25)]


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_tracker_that_is_not_installed_is_named_with_its_extra(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ryot.stages.train.tracking import Trackers  # noqa: PLC0415

    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(NodeError, match=f"train.track names {name}, which is not installed") as caught:
        Trackers([name], tmp_path, 0)
    assert f"ryot[{name}]" in (caught.value.hint or "")


def test_what_trackers_wrote_is_kept_without_their_logs_and_the_machine_s_name(tmp_path: Path) -> None:
    from ryot.stages.train.work import keep_tracking  # noqa: PLC0415 - the heavy half

    context = context_in(tmp_path, TrainStage(), [])
    for name in (
        "tensorboard/events.out.tfevents.17.machine.9",
        "wandb/wandb/run-1/run-1.wandb",
        "wandb/wandb/debug.log",
        "mlflow/mlflow.db",
    ):
        path = context.scratch / "tracking" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    keep_tracking(context)
    kept = {str(path.relative_to(context.out)) for path in context.out.rglob("*") if path.is_file()}
    assert kept == {"tensorboard/events.out.tfevents.0", "wandb/run-1/run-1.wandb", "mlflow/mlflow.db"}


@pytest.mark.e2e
def test_looking_at_held_out_documents_on_the_way_changes_no_weight(tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    tokens, plain = make_tokens(), config(epochs=2)
    looking = plain.model_copy(update={"evaluate_every": 4, "track": ("tensorboard",)})
    found: dict[str, Any] = {}
    for name, settings in (("plain", plain), ("looking", looking)):
        found[name] = run_stage(TrainStage(), settings, tmp_path / name, inputs={"tokens": tokens})
    assert results(tmp_path / "looking")["model.safetensors"] == results(tmp_path / "plain")["model.safetensors"]
    looks = history(tmp_path / "looking")["evaluations"]
    assert [look["update"] for look in looks] == [4, 8, 12]
    assert looks[-1]["loss"] == pytest.approx(found["plain"].value("final_loss"))
    assert looks[-1]["loss"] < looks[0]["loss"]
    assert [look["update"] for look in history(tmp_path / "plain")["evaluations"]] == [12]
    told = scalars(tmp_path / "looking" / "out" / "tensorboard")
    assert [update for update, _ in told["loss"]] == list(range(1, 13))
    assert told["heldout_loss"] == [(look["update"], pytest.approx(look["loss"], rel=1e-6)) for look in looks]
    assert not (tmp_path / "plain" / "out" / "tensorboard").exists()
