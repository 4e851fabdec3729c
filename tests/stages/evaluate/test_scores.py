"""From log-likelihoods to scores."""

import math

import pytest

from ryot.plugins import NodeError
from ryot.stages.evaluate.scores import by_group, score_choices, score_items, score_likelihood, score_words, score_written


def choice(label, *loglikelihoods):
    return {"label": label, "loglikelihoods": list(loglikelihoods)}


def test_a_hit_is_the_likeliest_choice():
    found = score_choices([choice(1, -3.0, -1.0), choice(0, -3.0, -1.0), choice(0, -1.0, -1.0)])
    assert (found.hits, found.of, found.chance) == (2, 3, 0.5)


def test_the_confidence_is_the_probability_of_the_choice_taken():
    found = score_choices([choice(1, math.log(0.1), math.log(0.3)), choice(1, -2000.0, -2001.0)])
    assert found.pairs == ((pytest.approx(0.75), 1.0), (pytest.approx(1 / (1 + math.exp(-1))), 0.0))


def test_groups_are_counted_apart():
    found = score_choices([choice(0, -1.0, -2.0), choice(1, -1.0, -2.0), choice(0, -1.0, -2.0)])
    assert by_group(["expert", "expert", None], [right for _, right in found.pairs]) == {"expert": {"hits": 1, "items": 2, "accuracy": 0.5}}


def items(*values, **more):
    return [{"scores": {"acc": value}, "chance": 0.5} | more for value in values]


def test_items_have_lm_evals_standard_error():
    found = score_items(items(1.0, 0.0, 0.0, 1.0), "acc")
    assert (found.mean, found.chance) == (0.5, 0.5)
    assert found.standard_error == pytest.approx(math.sqrt(1 / 3) / 2)
    assert score_items(items(1.0), "acc").standard_error is None


@pytest.mark.parametrize("value", [math.nan, 1.5, -0.1])
def test_a_score_that_is_no_share_is_refused(value):
    with pytest.raises(NodeError, match="no share"):
        score_items(items(value), "acc")
    with pytest.raises(NodeError, match="log-likelihoods"):
        score_items(items(1.0, loglikelihoods=[value + 1.0, math.nan]), "acc")


def test_words_and_bytes_are_weighed_over_all_articles():
    samples = [{"scores": {"word_perplexity": [-6.0, 3], "byte_perplexity": [-6.0, 12]}}] * 2
    samples += [{"scores": {"word_perplexity": [-2.0, 1], "byte_perplexity": [-2.0, 4]}}]
    found = score_words(samples)
    assert found["word_perplexity"] == pytest.approx(math.exp(2))
    assert found["byte_perplexity"] == pytest.approx(math.exp(0.5))
    assert found["bits_per_byte"] == pytest.approx(0.5 / math.log(2))


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


@pytest.mark.parametrize(("text", "right", "verified"), [
    ("Step 1: a\nA: 7 kg\nConfidence: 0.90\nVerification: 7 kg is 7.\n", True, True),
    ("Step 1: a\nA:  7 kg \nVerification:  \n", True, False),
    ("Step 1: a\nA: 8 kg\nVerification: it is.\nA: 7 kg", False, True),  # the first answer counts
    ("Step 1: A: 7 kg\nVerification of it", False, False),
    ("A: 7 kg and more", False, False),
    ("", False, False),
])  # fmt: skip
def test_a_written_answer_is_right_to_the_letter_and_verified_where_a_line_says_so(text, right, verified):
    found = score_written([{"text": text, "answer": "7 kg"}])
    assert (found.right, found.verified) == ((right,), (verified,))
