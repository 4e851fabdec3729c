"""What the gateway is told, and the load that `ryot serve` shows."""

from pathlib import Path

import pytest

from ryot.gateway.settings import Settings
from ryot.plugins import digest_path
from ryot.stages.serve.checkpoint import Checkpoint
from ryot.stages.serve.front import settings
from ryot.stages.serve.stage import GatewayConfig, ServeConfig
from ryot.stages.serve.stay import Seen, load, seen

PAGE = """# TYPE ryot_requests_total counter
ryot_requests_total{route="/infer",status="200"} 7.0
ryot_request_seconds_bucket{le="0.5",route="/infer"} 7.0
ryot_request_seconds_count{route="/infer"} 7.0
ryot_request_seconds_sum{route="/infer"} 0.35
ryot_request_seconds_count{route="/metrics"} 3.0
ryot_request_seconds_sum{route="/metrics"} 0.05
ryot_generated_tokens_total 28.0
ryot_sequences_running 2.0
ryot_requests_waiting 1.0
ryot_replica_up{replica="0"} 1.0
ryot_replica_up{replica="1"} 0.0
"""


def test_the_gateway_understands_what_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    config = ServeConfig(context=128, max_concurrency=8, gateway=GatewayConfig(waiting=3, retries=0.2, cache=0, deadline=1.5))
    told = Settings.model_validate(
        settings(config, Checkpoint(tmp_path, 10, 128, vocab_size=300), ["http://127.0.0.1:1", "http://127.0.0.1:2"])
    )
    assert told.replicas == ("http://127.0.0.1:1", "http://127.0.0.1:2")
    assert (told.sequences, told.waiting, told.retry_share, told.cache, told.deadline) == (8, 3, 0.2, 0, 1.5)
    assert (told.context, told.vocab_size, told.digest) == (128, 300, digest_path(tmp_path))
    unknown = Settings.model_validate(settings(config, Checkpoint(tmp_path, 10, 128), ["http://127.0.0.1:1"]))
    assert unknown.vocab_size == (1 << 31) - 1


def test_every_setting_of_a_spec_reaches_it() -> None:
    assert {*GatewayConfig.model_fields} - {"retries"} <= {*Settings.model_fields}


def test_the_load_is_what_came_between_two_looks() -> None:
    before, now = seen(PAGE, 10.0), Seen(at_s=12.0, requests=31.0, seconds=2.4, tokens=128.0, events=50.0, living=2, running=0, waiting=0)
    assert before == Seen(at_s=10.0, requests=10.0, seconds=pytest.approx(0.4), tokens=28.0, events=0.0, living=1, running=2, waiting=1)
    assert load(before, now) == {
        "requests_per_s": 10.0, "tokens_per_s": 50.0, "events_per_s": 25.0, "mean_ms": pytest.approx(100.0), "running": 0, "waiting": 0,
    }  # fmt: skip
    idle = Seen(at_s=11.0, requests=11.0, seconds=0.4, tokens=28.0, events=0.0, living=1, running=0, waiting=0)
    assert not {"mean_ms", "events_per_s"} & load(before, idle).keys()
