"""A trace of real requests."""

import json

import pytest

from ryot.stages.bench.trace import Traced, parse


def lines(*rows):
    return [json.dumps(row) for row in rows]


def test_a_trace_tells_lengths_and_times_from_the_first():
    told = lines({"prompt_tokens": 5, "output_tokens": 2, "at": 100}, {"prompt_tokens": 7, "output_tokens": 1, "at": 100.25, "user": "x"})
    assert parse(told, 64, timed=True) == [Traced(5, 2, 0.0), Traced(7, 1, 0.25)]
    assert parse(["", *told], 64, timed=False) == [Traced(5, 2), Traced(7, 1)]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 2 is no JSON"),
        ("[1, 2]", "line 2 is no object"),
        ('{"prompt_tokens": 3, "at": 1}', "line 2 has output_tokens: None"),
        ('{"prompt_tokens": 0, "output_tokens": 1, "at": 1}', "line 2 has prompt_tokens: 0"),
        ('{"prompt_tokens": true, "output_tokens": 1, "at": 1}', "line 2 has prompt_tokens: True"),
        ('{"prompt_tokens": 60, "output_tokens": 5, "at": 1}', "line 2 asks for 60 . 5 tokens, and the context has 64"),
        ('{"prompt_tokens": 3, "output_tokens": 1}', "line 2 has no time `at` in seconds, but None"),
        ('{"prompt_tokens": 3, "output_tokens": 1, "at": NaN}', "line 2 has no time"),
        ('{"prompt_tokens": 3, "output_tokens": 1, "at": 0.5}', "line 2 came at 0.5 s, before the line above it"),
    ],
)
def test_a_line_that_is_wrong_is_named_by_its_number(line, why):
    with pytest.raises(ValueError, match=why):
        parse([*lines({"prompt_tokens": 3, "output_tokens": 1, "at": 1.0}), line], 64, timed=True)


def test_of_many_wrong_lines_the_first_are_named_and_the_rest_counted():
    with pytest.raises(ValueError, match=r"line 1 is no JSON; .*line 5 is no JSON; and 1,995 more$"):
        parse(["nothing"] * 2000, 64, timed=False)


def test_a_trace_without_a_request_is_none():
    with pytest.raises(ValueError, match="no request"):
        parse(["", "  "], 64, timed=False)
