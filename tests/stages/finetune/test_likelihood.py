"""Likelihoods of completions: the same alone as beside others, and the prompt is no part of them."""

from typing import Any

import pytest

from ryot.stages.train.stage import ModelShape

pytestmark = pytest.mark.heavy

SEQUENCES = [([5, 6, 7], [8, 9, 1]), ([5], [10, 1]), ([11, 12, 13, 14, 15, 16], [17, 18, 19, 20, 21, 1]), ([3, 4], [5])]


@pytest.fixture
def model(shape: ModelShape) -> Any:
    from ryot.stages.train import model as models  # noqa: PLC0415 - only the heavy tests pay for it
    from ryot.stages.train.documents import Specials  # noqa: PLC0415

    return models.build(shape, Specials(None, 1, 2), seed=3).train()


def test_padding_and_company_change_nothing(model: Any) -> None:
    from ryot.stages.finetune.likelihood import completion_nats  # noqa: PLC0415

    together = completion_nats(model, SEQUENCES, pad=2)
    assert together == pytest.approx([completion_nats(model, [sequence], pad=2)[0] for sequence in SEQUENCES], abs=1e-5)
    assert completion_nats(model, SEQUENCES[::-1], pad=0)[::-1] == pytest.approx(together, abs=1e-5)
    assert model.training


def test_it_is_the_sum_over_the_completion_s_tokens(model: Any) -> None:
    import torch  # noqa: PLC0415

    from ryot.stages.finetune.likelihood import completion_nats  # noqa: PLC0415

    (prompt, completion), *_ = SEQUENCES
    with torch.no_grad():
        logits = model.eval()(input_ids=torch.tensor([[*prompt, *completion]])).logits[0].log_softmax(-1)
    by_hand = -sum(float(logits[len(prompt) - 1 + place, token]) for place, token in enumerate(completion))
    assert completion_nats(model, SEQUENCES, pad=2)[0] == pytest.approx(by_hand, abs=1e-5)


def test_the_largest_difference_of_logits_is_found(model: Any) -> None:
    from ryot.stages.finetune.likelihood import largest_difference, probe_logits  # noqa: PLC0415

    one, other = probe_logits(model, SEQUENCES), probe_logits(model, SEQUENCES)
    assert largest_difference(one, other) == 0
    other[2][1, 7] += 0.25
    assert largest_difference(one, other) == pytest.approx(0.25, abs=1e-6)
    assert [len(logits) for logits in one] == sorted(len(prompt) + len(completion) for prompt, completion in SEQUENCES)
