"""How likely a model finds completions: nats summed over a completion's tokens, in fp32, dropout off.

Shapes: R rows, L length, V vocabulary.
"""

from collections.abc import Sequence

import torch
from torch import nn
from transformers import PreTrainedModel

from ryot.stages.finetune.encode import Ids

ROWS = 16
"""Sequences per forward pass; they are taken by length, so that little is padded."""
PROBES = 8
"""Sequences whose logits are compared before and after a merge: the shortest, for all their logits are kept at once."""
_NO_TARGET = -100
Sequence_ = tuple[Ids, Ids]
"""A prompt and one completion."""


def completion_nats(model: PreTrainedModel, sequences: Sequence[Sequence_], pad: int) -> list[float]:
    """The negative log-likelihood of each completion after its prompt, in nats, in the order of the sequences."""
    order = sorted(range(len(sequences)), key=lambda index: len(sequences[index][0]) + len(sequences[index][1]))
    found = [0.0] * len(sequences)
    was_training = model.training
    model.eval()
    for start in range(0, len(order), ROWS):
        group = order[start : start + ROWS]
        for index, nats in zip(group, _nats([sequences[index] for index in group], model, pad), strict=True):
            found[index] = nats
    model.train(was_training)
    return found


def probe_logits(model: PreTrainedModel, sequences: Sequence[Sequence_]) -> list[torch.Tensor]:
    """The logits [L, V] of the shortest sequences, on the CPU in fp32."""
    probes = sorted(sequences, key=lambda pair: len(pair[0]) + len(pair[1]))[:PROBES]
    was_training = model.training
    model.eval()
    with torch.no_grad():
        found = [
            model(input_ids=torch.tensor([[*prompt, *completion]], device=model.device)).logits[0].float().cpu()
            for prompt, completion in probes
        ]
    model.train(was_training)
    return found


def largest_difference(one: Sequence[torch.Tensor], other: Sequence[torch.Tensor]) -> float:
    """The largest absolute difference of any logit."""
    return max(float((a_LV - b_LV).abs().max()) for a_LV, b_LV in zip(one, other, strict=True))


def _nats(group: Sequence[Sequence_], model: PreTrainedModel, pad: int) -> list[float]:
    """Padding stands on the right, where nothing before it sees it, so no mask is needed beside the causal one."""
    length = max(len(prompt) + len(completion) for prompt, completion in group)
    ids_RL = torch.full((len(group), length), pad)
    targets_RL = torch.full((len(group), length), _NO_TARGET)
    for row, (prompt, completion) in enumerate(group):
        end = len(prompt) + len(completion)
        ids_RL[row, :end] = torch.tensor([*prompt, *completion])
        targets_RL[row, len(prompt) - 1 : end - 1] = torch.tensor(completion)
    with torch.no_grad():
        logits_RLV = model(input_ids=ids_RL.to(model.device)).logits.float()
        nats_RL = nn.functional.cross_entropy(
            logits_RLV.transpose(1, 2), targets_RL.to(model.device), ignore_index=_NO_TARGET, reduction="none"
        )
    return [float(nats) for nats in nats_RL.double().sum(1)]
