"""Estimates in words."""

from ryot.report.estimate_lines import estimate_lines
from tests.estimate.test_refusals import read


def test_an_open_loop_tells_what_it_offers_and_for_how_long() -> None:
    scenarios = {"open": {"arrivals": {"rate": 20}, "requests": 1000, "warmup": 20}, "closed": {"users": 4}}
    _, estimates = read(export={}, serve={"kv_cache": "256MiB"}, bench={"scenarios": scenarios})
    assert [text for label, text in estimate_lines(estimates) if label == "load"] == ["bench.open offers 20 requests/s for 51.0 s"]


def test_engines_and_tuning_are_told() -> None:
    _, estimates = read(export={}, serve={"kv_cache": "256MiB", "replicas": 2, "autotune": {"budget": "5min"}})
    told = dict(estimate_lines(estimates))
    assert told["serving"].startswith("2 engines, each ")
    assert told["tuning"] == "settings of the engine are tried first, for 5 min 00 s at most, on two engines at once"
