"""Streamed completions, and when their tokens came."""

import json

import pytest

from ryot.stages.bench.streams import Streamed, read_stream


def event(text="x", reason=None, **more):
    return b"data: " + json.dumps({"choices": [{"index": 0, "text": text, "finish_reason": reason}]} | more).encode() + b"\n\n"


USAGE = b'data: {"choices": [], "usage": {"completion_tokens": 3}}\n\n'
DONE = b"data: [DONE]\n\n"


def test_each_token_has_the_time_of_its_chunk():
    found = read_stream([(10, event()), (20, event()), (35, event(reason="length") + USAGE), (36, DONE)], 3)
    assert found == Streamed((10, 20, 35), 3)


def test_an_event_in_two_parts_is_there_with_the_second():
    data = event()
    parts = [(10, data[:9]), (15, data[9:-1]), (17, data[-1:]), (20, event()), (30, event(reason="length")), (31, USAGE + DONE)]
    assert read_stream(parts, 3).marks_ns == (17, 20, 30)


def test_chunks_that_bring_no_token_are_not_counted():
    parts = [(5, b": a comment\n\n"), (10, event()), (20, event("")), (30, event()), (40, event("", "length")), (41, USAGE + DONE)]
    assert read_stream(parts, 3).marks_ns == (10, 20, 30)  # a token may have no text yet; an end without text is no token


def test_a_last_token_may_have_no_text():
    parts = [(10, event()), (20, event("")), (30, event("", "length")), (41, USAGE + DONE)]
    assert read_stream(parts, 3).marks_ns == (10, 20, 30)


def test_a_chunk_may_bring_several_tokens():
    assert read_stream([(10, event("a b")), (20, event("c", "length") + USAGE + DONE)], 3) == Streamed((10, 20), 3)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (event() * 3 + USAGE, "the stream broke off"),
        (event() * 2, "the stream broke off"),
        (event() * 3 + DONE, "wrong number of tokens"),
        (event() * 4 + USAGE + DONE, "wrong number of tokens"),
        (USAGE + DONE, "wrong number of tokens"),
        (event() + b'data: {"error": {"message": "gone"}}\n\n' + DONE, "an error in the stream"),
        (b"data: <html>\n\n" + DONE, "the answer is not a stream of completions"),
        (b"data: [1]\n\n" + DONE, "the answer is not a stream of completions"),
        (b'{"choices": [], "usage": {"completion_tokens": 3}}', "the stream broke off"),
    ],
)
def test_what_is_no_whole_stream_is_an_error_with_a_cause(data, why):
    assert read_stream([(1, data)], 3) == Streamed(error=why)
