"""The requests and the check of their answers."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from scipy import stats

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
    ramp = replace(ORDERS, steps=((10.0, 2.0, 20), (20.0, 1.0, 20)))
    ramp.save(tmp_path / "o.json")
    assert Orders.load(tmp_path / "o.json") == ramp


def test_every_request_has_prompts_of_its_own_and_is_the_same_on_every_run():
    assert body(ORDERS, 1) == body(ORDERS, 1)
    prompts = [tuple(prompt) for number in range(50) for prompt in json.loads(body(ORDERS, number))["prompt"]]
    assert len(set(prompts)) == 150
    assert all(len(prompt) == 5 and min(prompt) >= 0 and max(prompt) < 100 for prompt in prompts)


def test_a_right_answer_gives_its_tokens():
    assert fault(ORDERS, 2, 200, answer()) == (6, "")


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
    assert fault(ORDERS, 2, status, data) == (0, why)


def test_a_stream_is_asked_for_with_its_usage():
    asked = json.loads(body(replace(ORDERS, stream=True, batch=1), 0))
    assert (asked["stream"], asked["stream_options"]) == (True, {"include_usage": True})
    assert "stream" not in json.loads(body(ORDERS, 0))


def test_lengths_are_drawn_for_each_request_alike_between_both_ends():
    orders = replace(ORDERS, prompt_tokens=3, prompt_most=6, output_tokens=1, output_most=2, batch=1)
    found = [orders.lengths(number) for number in range(4000)]
    counts = Counter(found)
    assert set(counts) == {(prompt, output) for prompt in (3, 4, 5, 6) for output in (1, 2)}
    assert stats.chisquare(list(counts.values())).pvalue > 0.001
    assert found == [orders.lengths(number) for number in range(4000)]
    assert found != [replace(orders, seed=1).lengths(number) for number in range(4000)]
    asked = [json.loads(body(orders, number)) for number in range(50)]
    assert [(len(each["prompt"][0]), each["max_tokens"]) for each in asked] == found[:50]


def test_lengths_of_a_trace_are_taken_in_turn_and_again_from_its_beginning(tmp_path):
    (tmp_path / "t.json").write_text("[[3, 1, 0.0], [4, 2, 0.5], [5, 3, 2.0]]")
    orders = replace(ORDERS, trace=str(tmp_path / "t.json"), warmup=1, requests=3, replay=True)
    assert [orders.lengths(number) for number in range(1, 6)] == [(3, 1), (4, 2), (5, 3), (3, 1), (4, 2)]
    assert orders.lengths(0) in {(3, 1), (4, 2), (5, 3)}
    assert orders.mean_rate == 1.5


def test_pauses_are_constant_or_exponential_and_the_same_on_every_run():
    assert {replace(ORDERS, think=0.3).pause_s(number) for number in range(9)} == {0.3}
    orders = replace(ORDERS, think=0.3, pauses="exponential")
    found = [orders.pause_s(number) for number in range(2000)]
    assert stats.kstest(found, stats.expon(scale=0.3).cdf).pvalue > 0.001
    assert found == [orders.pause_s(number) for number in range(2000)]


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_workers_make_every_request_once_between_them(workers):
    parts = [replace(ORDERS, warmup=5, requests=17, workers=workers, worker=number) for number in range(workers)]
    made = [[part.number(turn) for turn in range(sum(part.shares))] for part in parts]
    assert sorted(number for each in made for number in each) == list(range(22))
    assert all(
        each == sorted(each) and sum(number < 5 for number in each) == part.shares[0] for each, part in zip(made, parts, strict=True)
    )
    assert max(map(len, made)) - min(map(len, made)) <= 2
