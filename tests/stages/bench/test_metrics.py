"""Reading vLLM's metrics."""

from ryot.stages.bench import metrics
from ryot.stages.bench.metrics import Metrics, Probes, Reading, answered, parse, parse_probes

TEXT = """# HELP vllm:num_requests_waiting Number of requests waiting
vllm:num_requests_waiting{engine="0",model_name="m"} 3.0
vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 3.0
vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} 2.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} 1.5e+01
vllm:request_success_total{engine="0",finished_reason="abort",model_name="m"} 9.0
vllm:request_success_created{engine="0",finished_reason="stop",model_name="m"} 1.79e+09
"""


def test_finished_prompts_are_those_that_stopped_or_reached_their_length():
    assert parse(TEXT) == Reading(finished=17, waiting=3)


def test_text_without_the_numbers_is_no_reading():
    assert parse("up 1\n") is None


def test_a_server_that_is_not_there_gives_no_reading():
    assert Metrics("http://127.0.0.1:9").read() is None


FRONT = """ryot_requests_waiting 2.0
ryot_replica_probes{{replica="0"}} {begun}
ryot_replica_probes{{replica="1"}} 3.0
ryot_replica_probes_ended{{replica="0"}} {ended}
ryot_replica_probes_ended{{replica="1"}} 3.0
"""


def page(begun: float = 4.0, ended: float = 4.0) -> str:
    return FRONT.format(begun=begun, ended=ended)


def test_what_a_gateway_asked_itself_is_known():
    assert parse_probes(page(5.0)) == Probes(begun=8, ended=7, waiting=2)
    assert parse_probes(TEXT) == Probes(0, 0, 0)


def test_a_gateways_probes_are_no_ones_prompts_and_its_queue_counts(monkeypatch):
    answers = {"front": [page()], "one": [TEXT], "two": [TEXT]}
    assert _reading(monkeypatch, answers) == Reading(finished=2 * 17 - 7, waiting=2 * 3 + 2)


def test_a_probe_on_its_way_is_waited_for(monkeypatch):
    looks = [page(5.0, 4.0), page(5.0, 4.0), page(5.0, 5.0), page(5.0, 5.0)]  # begun; over only at the second reading
    answers = {"front": looks, "one": [TEXT], "two": [TEXT]}
    assert _reading(monkeypatch, answers) == Reading(finished=2 * 17 - 8, waiting=8)
    assert answers["front"] == [page(5.0, 5.0)]  # the last is given again


def test_an_engine_that_is_gone_is_no_reading(monkeypatch):
    assert _reading(monkeypatch, {"front": [page()], "one": [TEXT], "two": [None]}) is None


def _reading(monkeypatch, answers):
    """What is read from pages by the name of who gives them; the last one is given again and again."""
    monkeypatch.setattr(metrics, "_connection", lambda url: url)
    monkeypatch.setattr(metrics, "_get", lambda name: answers[name].pop(0) if len(answers[name]) > 1 else answers[name][0])
    return Metrics("front", ["one", "two"]).read()


def test_what_each_replica_answered_is_read_in_their_order():
    lines = [
        'ryot_replica_answered{replica="127.0.0.1:9"} 12.0',
        'ryot_replica_answered{replica="127.0.0.1:1"} 1e+01',
        "ryot_replica_answered 3.0",
    ]
    assert answered("\n".join(["# HELP ryot_replica_answered Answers", *lines, 'ryot_replica_failed{replica="x"} 5.0'])) == [12, 10]
    assert answered("") == []
