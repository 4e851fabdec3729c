"""The next token, by hand: penalties, biases, what is told of its probability, and the same draw for the same seed."""

import math

import pytest

torch = pytest.importorskip("torch")
from ryot.generator.choose import best_of, choose  # noqa: E402 - after what it needs
from ryot.generator.sequence import Sequence, Wanted  # noqa: E402

pytestmark = pytest.mark.heavy
LOGITS = torch.tensor([1.0, 2.0, 3.0, 2.9])


def one(prompt=(0,), made=(), **fields):
    wanted = Wanted(most=9, **({"temperature": 0.0} | fields))
    random = torch.Generator().manual_seed(wanted.seed) if wanted.seed is not None else None
    sequence = Sequence(0, list(prompt), wanted, None, lambda _: None, random, list(made))
    return choose(LOGITS, int(LOGITS.argmax()), sequence)


def test_the_likeliest_at_temperature_zero():
    assert one().id == 2


def test_log_probabilities_are_the_models_own_whatever_is_chosen():
    found = one(bias=((0, 100.0),), logprobs=2)
    assert found.id == 0
    total = math.log(sum(math.exp(value) for value in LOGITS.tolist()))
    assert found.logprob == pytest.approx(1.0 - total, abs=1e-6)
    assert [token for token, _ in found.top] == [2, 3]


def test_repetition_counts_the_prompt_presence_and_frequency_only_what_was_made():
    assert one(prompt=(2,), repetition=1.5).id == 3
    assert one(prompt=(2,), presence=1.0).id == 2
    assert one(made=(2,), presence=0.2).id == 3
    assert one(made=(2, 2), frequency=0.04).id == 2
    assert one(made=(2, 2, 2), frequency=0.04).id == 3


def test_what_ends_a_text_does_not_come_too_early():
    assert one(least=1, silent=frozenset({2})).id == 3
    assert one(made=(0,), least=1, silent=frozenset({2})).id == 2


def test_a_seed_draws_the_same_and_the_draws_follow_the_probabilities():
    assert one(temperature=1.0, seed=5).id == one(temperature=1.0, seed=5).id
    drawn = [one(temperature=1.0, seed=seed).id for seed in range(2000)]
    shares = torch.softmax(LOGITS, -1).tolist()
    for token, share in enumerate(shares):
        assert abs(drawn.count(token) / 2000 - share) < 4 * math.sqrt(share * (1 - share) / 2000)


def test_top_k_top_p_and_min_p_leave_out_the_unlikely():
    assert {one(temperature=2.0, seed=seed, top_k=1).id for seed in range(50)} == {2}
    assert {one(temperature=1.0, seed=seed, top_p=0.6).id for seed in range(100)} == {2, 3}
    assert {one(temperature=1.0, seed=seed, min_p=0.9).id for seed in range(100)} == {2, 3}


def test_rows_without_numbers_are_told_apart():
    rows = torch.stack([LOGITS, torch.full((4,), torch.nan), torch.tensor([0.0, torch.inf, 0.0, 0.0])])
    assert best_of(rows)[1] == [True, False, False]


def test_a_temperature_next_to_nothing_takes_the_likeliest():
    assert {one(temperature=1e-38, seed=seed).id for seed in range(20)} == {2}


def test_biases_come_before_penalties_as_in_vllm():
    assert one(made=(0,), bias=((0, 9.0),), repetition=2.0, logprobs=0).id == 0  # 10 / 2 is above 3
    assert one(made=(0,), bias=((0, 3.0),), repetition=2.0, logprobs=0).id == 2  # 4 / 2 is not
