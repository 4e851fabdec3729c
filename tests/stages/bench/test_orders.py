"""The requests and the check of their answers."""

import json
from dataclasses import replace

import pytest

from ryot.stages.bench.orders import Orders, body, fault

ORDERS = Orders(
    url="http://127.0.0.1:1", model="m", scenario="s", users=1, requests=2, warmup=0, batch=3, prompt_tokens=5, output_tokens=2,
    timeout=1.0, vocab_size=100, seed=0, samples="", summary="",
)  # fmt: skip


def answer(choices=3, tokens=6):
    return json.dumps({"choices": [{}] * choices, "usage": {"completion_tokens": tokens}}).encode()


def test_orders_survive_the_way_through_a_file(tmp_path):
    ORDERS.save(tmp_path / "o.json")
    assert Orders.load(tmp_path / "o.json") == ORDERS


def test_every_request_has_prompts_of_its_own_and_is_the_same_on_every_run():
    assert body(ORDERS, 1) == body(ORDERS, 1)
    prompts = [tuple(prompt) for number in range(50) for prompt in json.loads(body(ORDERS, number))["prompt"]]
    assert len(set(prompts)) == 150
    assert all(len(prompt) == 5 and min(prompt) >= 0 and max(prompt) < 100 for prompt in prompts)


def test_a_right_answer_gives_its_tokens():
    assert fault(ORDERS, 200, answer()) == (6, "")


@pytest.mark.parametrize(
    ("status", "data", "why"),
    [
        (500, answer(), "HTTP 500"),
        (200, b"<html>", "the answer is not a completion"),
        (200, b"[]", "the answer is not a completion"),
        (200, answer(choices=2), "wrong number of choices"),
        (200, answer(tokens=5), "wrong number of tokens"),
    ],
)
def test_a_wrong_answer_is_an_error_with_a_cause(status, data, why):
    assert fault(ORDERS, status, data) == (0, why)


def test_a_stream_is_asked_for_with_its_usage():
    asked = json.loads(body(replace(ORDERS, stream=True, batch=1), 0))
    assert (asked["stream"], asked["stream_options"]) == (True, {"include_usage": True})
    assert "stream" not in json.loads(body(ORDERS, 0))
