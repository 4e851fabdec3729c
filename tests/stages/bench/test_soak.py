"""Loads for a time, by Locust for real, on a server whose memory grows or stays."""

from dataclasses import replace

import pytest

from ryot.check.statistics import interval
from ryot.plugins.testing import run_stage
from ryot.stages.bench import audit
from ryot.stages.bench.stage import BenchConfig, BenchStage, measures_of
from tests.stages.bench.fakes import requests_of, running

pytestmark = pytest.mark.e2e
LEAK = 200_000


@pytest.fixture(autouse=True)
def busy_machine(monkeypatch):
    """Bounds on the generator's own lateness are tested in test_audit."""
    monkeypatch.setattr(audit, "LEAST_LAG_S", 1.0)


def soak(folder, *switches, **fields):
    """Two users who ask for twelve seconds: what was found, and what was kept."""
    config = BenchConfig(**({"scenario": "s", "vocab_size": 512, "users": 2, "warmup": 4, "duration": 12.0, "requests": 0} | fields))
    with running("timed_openai.py", {"all": 1}, folder, "--ms", "20", *switches) as told:
        endpoint = replace(told, info=told.info | {"pids": [told.info["pid"]]})
        found = run_stage(BenchStage(), config, folder / "node", services={"serve": endpoint}, measures=measures_of(config))
    return found, requests_of(found.out)


@pytest.mark.heavy
def test_users_ask_until_the_time_is_over_and_a_leak_is_seen(tmp_path):
    found, kept = soak(tmp_path, "--leak", str(LEAK))
    assert max(row["end_s"] for row in kept) >= 11.9
    assert max(row["sent_s"] for row in kept) <= 12.0
    assert found.value("errors") == 0
    assert len(found.evidence["latency_p50"].samples) == len(kept) == len({row["number"] for row in kept})
    drift, declared = found.evidence["memory_drift"], {measure.name: measure for measure in measures_of_soak()}
    assert len(drift.samples) == len(found.evidence["latency_drift"].samples) == 10
    grows = LEAK * len(kept) / max(row["end_s"] for row in kept) * 3600
    assert found.value("memory_drift") == pytest.approx(grows, rel=0.4)
    assert interval(declared["memory_drift"], drift, 0.95)[0] > 0


def measures_of_soak():
    return measures_of(BenchConfig(scenario="s", vocab_size=512, duration=1.0))


def test_requests_beside_a_time_are_the_fewest(tmp_path):
    found, kept = soak(tmp_path, duration=0.5, requests=100)
    assert len(kept) in (100, 101)
    assert max(row["end_s"] for row in kept) > 0.5
    assert "memory_drift" not in found.evidence  # too few looks: no measure, and no pass
