"""Answers of two engines, token by token."""

import pytest

from ryot.plugins import NodeError
from ryot.stages.bench.alike import Alike, alike


def said(*tokens):
    """The logprobs of an answer, by its (token, nats) and what else was as likely there."""
    return {"tokens": [name for name, _, _ in tokens], "top_logprobs": [{name: nats} | more for name, nats, more in tokens]}


def test_answers_that_part_where_two_tokens_are_as_likely_are_alike():
    one = said(("a", -1.0, {}), ("b", -0.7, {"c": -0.7001}), ("d", -1.0, {}))
    other = said(("a", -1.001, {}), ("c", -0.7, {"b": -0.7}), ("x", -9.0, {}))
    assert alike([one, one], [one, other], 0.01) == Alike(5, pytest.approx(0.001), 1)


@pytest.mark.parametrize(
    "other",
    [
        said(("a", -1.2, {})),  # the same, less likely
        said(("b", -1.0, {"a": -5.0})),  # another, though as likely in itself
        said(("b", -1.0, {})),
        said(("a", float("nan"), {})),
    ],
)
def test_other_answers_are_no_gain(other):
    with pytest.raises(NodeError, match="the two sides answer otherwise: token 1 of answer 1 is a"):
        alike([said(("a", -1.0, {"b": -2.0}))], [other], 0.01)
