"""Reading vLLM's metrics."""

from ryot.stages.bench.metrics import Metrics, Reading, parse

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
