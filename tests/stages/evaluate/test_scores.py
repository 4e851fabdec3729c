"""From log-likelihoods to scores."""

import math

import pytest

from ryot.plugins import NodeError
from ryot.stages.evaluate.scores import score_choices, score_likelihood


def choice(label, *loglikelihoods):
    return {"label": label, "loglikelihoods": list(loglikelihoods)}


def test_a_hit_is_the_likeliest_choice():
    found = score_choices([choice(1, -3.0, -1.0), choice(0, -3.0, -1.0), choice(0, -1.0, -1.0)])
    assert (found.hits, found.of, found.chance) == (2, 3, 0.5)


def test_perplexity_weighs_every_token_alike():
    samples = [{"loglikelihood": -2.0, "tokens": 1, "bytes": 4}, {"loglikelihood": -4.0, "tokens": 3, "bytes": 2}]
    found = score_likelihood(samples)
    assert found.perplexity == pytest.approx(math.exp(6 / 4))
    assert found.nats_per_token == (2.0, 4.0 / 3)
    assert found.bits_per_byte == pytest.approx((2 / math.log(2) / 4, 4 / math.log(2) / 2))


@pytest.mark.parametrize("value", [math.nan, -math.inf, math.inf, 0.5])
def test_what_is_no_log_likelihood_is_refused(value):
    with pytest.raises(NodeError, match="log-likelihoods"):
        score_choices([choice(0, -1.0, value)])
    with pytest.raises(NodeError, match="log-likelihoods"):
        score_likelihood([{"loglikelihood": value, "tokens": 1, "bytes": 1}])
