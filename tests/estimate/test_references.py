"""Published models, and what a target is held against."""

import math

import pytest

from ryot.estimate.references import REFERENCES, best_published, nearest


def test_every_reference_has_a_source_and_shares():
    assert len({reference.model for reference in REFERENCES}) == len(REFERENCES)
    for reference in REFERENCES:
        assert reference.source
        assert reference.tokens > 1e11
        assert all(0 < score < 1 for score in reference.scores.values())


def test_a_model_of_1_3b_at_100b_tokens_is_far_from_its_targets():
    """MMLU 45 %, HellaSwag 80 %, GSM8K 20 %: published models of that size reach about 26 and 59 to 60; GSM8K not even at 7B."""
    mmlu, hellaswag = (best_published(task, 1.19e9, 100e9) for task in ("mmlu", "hellaswag"))
    assert (mmlu.score, mmlu.comparable) == (0.2645, True)
    assert (hellaswag.model, hellaswag.score) == ("Mamba-2-1.3B", 0.599)
    gsm8k = best_published("gsm8k", 1.19e9, 100e9)
    assert (gsm8k.model, gsm8k.score, gsm8k.comparable) == ("Llama-2-7B", 0.146, False)


def test_more_tokens_admit_better_models():
    assert best_published("mmlu", 1.5e9, 18e12).model == "Qwen2.5-1.5B"
    assert best_published("mmlu", 1.5e9).model == "Qwen2.5-1.5B"


def test_below_the_smallest_reference_the_smallest_stands_in():
    tiny = best_published("hellaswag", 9.5e6, 2e6)
    assert (tiny.model, tiny.comparable) == ("Mamba-130M", False)


def test_a_task_nobody_published_has_no_reference():
    assert best_published("reasoning", 1e9) is None


@pytest.mark.parametrize(("parameters", "tokens", "model"), [(1.1e9, 100e9, "TinyLlama-1.1B 103B"), (13e9, 2e12, "Llama-2-13B")])
def test_nearest_is_near_in_both(parameters, tokens, model):
    assert nearest(parameters, tokens).model == model
    assert math.isclose(nearest(parameters, tokens).parameters, parameters, rel_tol=0.1)
