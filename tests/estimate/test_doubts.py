"""What a plan doubts: each with the number at which it begins."""

from __future__ import annotations

from typing import Any

from ryot.estimate.calibration import Prediction
from ryot.estimate.doubts import doubts
from tests.estimate.test_refusals import A100, read


def doubted(text_bytes: int | None = None, predictions: dict[str, Prediction] | None = None, **sections: Any) -> list[str]:
    return [doubt.message for doubt in doubts(*read(**sections), predictions or {}, text_bytes)]


HUB = {"sources": [{"hub": "a/b", "revision": "abc"}]}


def test_too_few_and_too_many_tokens_to_a_parameter_are_doubted() -> None:
    def with_steps(steps: int) -> list[str]:
        return doubted(train={"steps": steps}, data=HUB, rehearse={})  # 2,048 tokens each, for 9.46M parameters

    assert "that is few" in with_steps(1000)[0]
    assert with_steps(90_000) == []
    assert "that is many" in with_steps(900_000)[0]


def test_an_accuracy_that_no_published_model_of_the_size_has_is_doubted() -> None:
    train = {"batch_size": 1, "accumulation": 16, "ranks": 8, "sequence": 2048, "steps": "400K", "precision": "bf16", "zero_stage": 2}
    common: dict[str, Any] = {
        "model": {"preset": "hybrid-1.3b"},
        "train": train,
        "hardware": A100,
        "export": {},
        "serve": {"dtype": "bf16"},
    }
    common["evaluate"] = {"tasks": ["mmlu", "hellaswag"]}
    messages = doubted(**common, data=HUB, targets=["evaluate/mmlu.acc >= 45%", "evaluate/hellaswag.acc >= 80%"])
    assert sum("published model" in message for message in messages) == 2
    assert not any("published" in line for line in doubted(**common, data=HUB, targets=["evaluate/hellaswag.acc >= 50%"]))


def test_a_target_that_the_plan_itself_predicts_to_be_missed_is_doubted() -> None:
    prediction = Prediction("train/total_time", 31_000.0, 31_778.0, "s", "deepspeed", "shape")
    found = doubted(predictions={"train/total_time": prediction}, data=HUB, targets=["train/total_time < 1h", "train/updates == 5"])
    assert found == ["train/total_time < 1h: predicted is 8 h 49 min"]
    assert doubted(predictions={"train/total_time": prediction}, data=HUB, targets=["train/total_time < 9h"]) == []


def test_text_that_is_gone_through_thousands_of_times_is_doubted() -> None:
    """2.3 MB are about 0.48M tokens; 1,200,000 updates of 2,048 tokens are 2.46B."""
    (found,) = (
        line for line in doubted(2_300_000, data={"sources": [{"path": "mine.txt"}]}, train={"steps": 1_200_000}) if "same data" in line
    )
    assert "2.3 MB of text" in found
    assert "5,129 times" in found


def test_an_update_larger_than_an_epoch_and_more_samples_than_are_left_are_doubted() -> None:
    data = {"sources": [{"generate": {"examples": 400}}], "held_out": 0.5, "tokenizer": {"long": "cut"}}
    found = doubted(data=data, train={"batch_size": 512, "epochs": 3, "samples": 380})
    assert any("asks for 512 documents and an epoch has 380" in line for line in found)
    assert any("train.samples is 380, and about 200 documents are left" in line for line in found)
    assert not any("same data" in line for line in found)  # three epochs are three passes, whatever the batch
    assert not any("samples" in line for line in doubted(data=data, train={"batch_size": 8, "epochs": 1, "samples": 150}))


def test_devices_that_are_paid_for_and_idle_are_told() -> None:
    train = {"steps": "9K", "ranks": 4, "precision": "bf16", "zero_stage": 2, "batch_size": 8}
    found = doubted(data=HUB, train=train, hardware={"device": "a100-80g", "price": "p4de.24xlarge"})
    assert "training uses 4 of the 8 devices that are paid for" in found


def test_a_hub_source_without_a_revision_is_doubted() -> None:
    assert any(line.startswith("a/b: no revision") for line in doubted(data={"sources": [{"hub": "a/b"}]}))
    assert not any("revision" in line for line in doubted(data=HUB))


def test_a_training_of_more_than_an_hour_is_to_be_rehearsed() -> None:
    def with_steps(steps: int, **sections: Any) -> list[str]:
        return [line for line in doubted(train={"steps": steps}, data=HUB, **sections) if "`rehearse: {}`" in line]

    (line,) = with_steps(90_000)
    assert line.startswith("training takes 31 h 52 min")
    assert "a twin of 206K parameters" in line
    assert with_steps(90_000, rehearse={}) == with_steps(1000) == []


def test_an_open_loop_above_the_peak_is_doubted() -> None:
    def offering(rate: float) -> list[str]:
        bench = {"scenarios": {"steady": {"arrivals": {"rate": rate}}, "closed": {}}}
        return [line for line in doubted(export={}, serve={"kv_cache": "256MiB"}, bench=bench) if "offers" in line]

    (line,) = offering(90_000)
    assert "bench.steady offers 90,000 requests/s, and the device's peak allows" in line
    assert offering(5) == []
