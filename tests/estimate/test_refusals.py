"""What a plan refuses: each with the number at which it begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ryot.estimate.estimates import Estimates, estimate
from ryot.estimate.processor import Here
from ryot.estimate.refusals import Refusal, refusals
from ryot.spec import Spec

AVX2 = Here("cpu:test x2", 2, 16 << 30, frozenset({"avx2", "fma"}), 2500.0)
AMX = Here("cpu:test x2", 2, 16 << 30, frozenset({"avx512f", "avx512_bf16", "amx_bf16"}), 2500.0)
A100 = {"device": "a100-80g", "devices": 8, "price": "p4de.24xlarge"}


def read(here: Here = AVX2, **sections: Any) -> tuple[Spec, Estimates]:
    spec = {"version": 1, "name": "refused", "model": {"preset": "ryot-scaled"}, "data": {"sources": [{"generate": {}}]}}
    found = Spec.model_validate({**spec, "train": {"epochs": 1}, **sections})
    return found, estimate(found, here)


def refused(here: Here = AVX2, **sections: Any) -> dict[str, Refusal]:
    return {refusal.name: refusal for refusal in refusals(*read(here, **sections))}


def test_a_sound_spec_is_not_refused() -> None:
    assert refused(export={}, serve={"kv_cache": "256MiB"}, targets=["train/final_loss <= 2"]) == {}


def test_training_that_does_not_fit_is_refused_with_both_sizes() -> None:
    found = refused(model={"preset": "hybrid-13b"}, hardware=A100, train={"steps": 10, "ranks": 8, "precision": "bf16", "batch_size": 1})
    assert "on each device; a100-80g has 80.0 GiB" in found["memory"].message
    assert "--fit" in found["memory"].hint


def test_ranks_on_a_cpu_share_its_memory() -> None:
    model = {"preset": "alen-medium", "context": 512}
    assert "memory" not in refused(model=model, train={"epochs": 1, "batch_size": 8})
    assert "4 ranks" in refused(model=model, train={"epochs": 1, "batch_size": 8, "ranks": 4})["memory"].message


def test_ranks_on_several_machines_share_the_memory_of_each() -> None:
    model = {"preset": "alen-medium", "context": 512}
    one, two = ({"epochs": 1, "batch_size": 8, "ranks": ranks, "machines": machines} for ranks, machines in ((4, 1), (8, 2)))
    alone, spread = (refused(model=model, train=train)["memory"].message for train in (one, two))
    assert spread.replace(" on each of 2 machines", "") == alone


def test_a_comparison_holds_all_its_sides_at_once() -> None:
    """alen-medium's weights, gradients and moments are 1.4 GB a side: a device may hold a run, and not three sides."""
    common: dict[str, Any] = {"model": {"preset": "alen-medium", "context": 512}, "train": {"epochs": 1, "batch_size": 8}}
    stack = {"stack": [{"kernel": {"level": 1}}, {"compressor": {"ratio": 0.3}}]}
    _, estimates = read(**common, optimize=stack)
    alone = max(training.memory.needed for training in estimates.training)
    narrow = replace(AVX2, memory=int(alone * 1.2))
    assert "memory" not in refused(narrow, **common)
    assert "compare takes" in refused(narrow, **common, optimize=stack)["memory"].message


def test_a_cache_too_large_for_the_device_is_refused() -> None:
    found = refused(export={}, serve={"kv_cache": "40GiB", "dtype": "bf16"}, hardware={"serve": {"device": "a10g"}})
    assert "do not fit" in found["serving_memory"].message


@pytest.mark.parametrize(("more", "hint"), [({"replicas": 4}, "fewer serve.replicas"), ({"autotune": {}}, "no serve.autotune")])
def test_engines_that_are_up_together_share_the_memory(more: dict[str, Any], hint: str) -> None:
    one = {"kv_cache": f"{AVX2.memory * 6 // 10}B"}
    assert "serving_memory" not in refused(export={}, serve=one)
    found = refused(export={}, serve=one | more)["serving_memory"]
    assert "engines with weights" in found.message
    assert found.hint.startswith(hint)


def test_a_cache_that_holds_no_sequence_is_refused() -> None:
    found = refused(model={"preset": "alen-xlarge"}, export={}, serve={"kv_cache": "32MiB"})
    assert "not one sequence of 2,048 tokens" in found["serving_memory"].message


def latency(bound: str) -> dict[str, Refusal]:
    bench = {"scenarios": {"single": {"prompt_tokens": 32, "output_tokens": 100}}}
    return refused(
        model={"preset": "hybrid-13b"},
        train={"steps": 10, "ranks": 8, "precision": "bf16", "batch_size": 1, "zero_stage": 3, "offload": "all", "recompute": True},
        hardware={**A100, "serve": {"device": "a100-80g"}},
        export={"dtype": "bf16"},
        serve={"dtype": "bf16", "kv_cache": "4GiB"},
        bench=bench,
        targets=[f"bench.single/latency_p50 < {bound}"],
    )


def test_a_latency_below_the_floor_is_refused_and_one_above_is_not() -> None:
    """36.5 GB of weights at 2.04 TB/s are read in 17.9 ms, a hundred times over for a hundred tokens: 1.8 s."""
    assert "no request can take less than 1.8 s" in latency("1.7s")["latency"].message
    assert latency("1.9s") == {}


def test_a_first_token_before_the_prompt_can_be_computed_is_refused() -> None:
    bench = {"scenarios": {"one": {"prompt_tokens": 96, "output_tokens": 4, "stream": True}}}
    common: dict[str, Any] = {"export": {}, "serve": {"kv_cache": "256MiB"}, "bench": bench}
    _, estimates = read(**common)
    assert estimates.serving is not None
    floor = estimates.serving.floors["one"]
    assert 0 < floor.first_token_s < floor.latency_s
    refusal = refused(**common, targets=[f"bench.one/ttft_p50 < {floor.first_token_s * 0.9 * 1e6}us"])["latency"]
    assert "no first token can come in less" in refusal.message
    assert refused(**common, targets=[f"bench.one/ttft_p50 < {floor.first_token_s * 1.1 * 1e6}us"]) == {}


@pytest.mark.parametrize(("distribution", "most"), [("constant", 20.0), ("poisson", 30.0)])
def test_more_than_an_open_loop_offers_is_refused(distribution: str, most: float) -> None:
    """A hundred Poisson arrivals come out at a rate within half of the one that was meant."""
    scenario = {"arrivals": {"rate": 20, "distribution": distribution}, "requests": 100, "warmup": 0, "output_tokens": 4}
    common: dict[str, Any] = {"export": {}, "serve": {"kv_cache": "256MiB"}, "bench": {"scenarios": {"steady": scenario}}}
    _, estimates = read(**common)
    assert estimates.serving is not None
    offered = estimates.serving.floors["steady"].offered
    assert offered is not None
    assert (offered.per_s, offered.most_per_s, offered.lasts_s) == (20, most, 5)
    for name, factor in (("requests_per_s", 1), ("goodput", 1), ("tokens_per_s", 4)):
        unit = "tokens/s" if name == "tokens_per_s" else "requests/s"
        refusal = refused(**common, targets=[f"bench.steady/{name} >= {most * factor + 1} {unit}"])["throughput"]
        assert "the scenario offers at most" in refusal.message
        assert refused(**common, targets=[f"bench.steady/{name} >= {most * factor} {unit}"]) == {}


def test_a_throughput_above_the_peak_is_refused() -> None:
    bench = {"scenarios": {"many": {"users": 8, "output_tokens": 16}}}
    common: dict[str, Any] = {"export": {}, "serve": {"kv_cache": "256MiB"}, "bench": bench}
    assert "throughput" in refused(**common, targets=["bench.many/tokens_per_s > 100M tokens/s".replace("100M", "100000000")])
    assert refused(**common, targets=["bench.many/tokens_per_s > 400 tokens/s"]) == {}


@pytest.mark.parametrize(("budget", "stops"), [("1000usd", True), ("100Kusd".replace("K", "000"), False)])
def test_a_training_over_its_budget_is_refused(budget: str, stops: bool) -> None:
    train = {"batch_size": 1, "accumulation": 16, "ranks": 8, "sequence": 2048, "steps": "50K", "precision": "bf16", "zero_stage": 2}
    found = refused(model={"preset": "hybrid-1.3b"}, train=train, hardware={**A100, "budget": {"training": budget}})
    assert ("budget" in found) is stops


def test_random_tokens_cannot_fall_below_the_logarithm_of_the_vocabulary() -> None:
    data = {"sources": [{"path": "random.txt", "entropy": "uniform"}]}
    assert "below 7.62 on average" in refused(data=data, targets=["train/final_loss < 7.6"])["entropy"].message
    assert refused(data=data, targets=["train/final_loss < 7.7"]) == {}


def test_wikipedia_is_repeated_1_43_times_for_100b_tokens() -> None:
    def mixture(most: float) -> dict[str, object]:
        sources = [{"hub": "a/wikipedia", "weight": "5%", "tokens": "3.5B"}, {"hub": "a/c4", "weight": "95%", "tokens": "156B"}]
        return {"sources": sources, "tokens": "100B", "max_epochs": most}

    assert "a/wikipedia would be repeated 1.43 times" in refused(data=mixture(1.4))["repeats"].message
    assert refused(data=mixture(1.5)) == {}


def test_bf16_is_refused_where_it_is_only_emulated() -> None:
    assert "only emulates" in refused(AVX2, train={"epochs": 1, "precision": "bf16"})["precision"].message
    assert "precision" not in refused(AMX, train={"epochs": 1, "precision": "bf16"})
    assert "serve.dtype is bf16" in refused(AVX2, export={}, serve={"dtype": "bf16", "kv_cache": "1GiB"})["precision"].message


def test_an_allowed_refusal_keeps_its_reason() -> None:
    found = refused(AVX2, train={"epochs": 1, "precision": "bf16"}, allow={"precision": "a test of the emulation"})
    assert found["precision"].allowed == "a test of the emulation"
