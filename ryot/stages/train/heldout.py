"""The loss on held-out documents: each document's mean nats per token, in fp32, dropout off, plain rows.

Shapes: R rows, L length, V vocabulary."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from ryot.stages.train.documents import Documents
from ryot.stages.train.rows import NO_TARGET, Layout, lay_out
from ryot.stages.train.world import World

ROWS = 16
"""Documents per forward pass; the documents are taken by length, so that little is padded."""


def document_losses(
    model: PreTrainedModel, documents: Documents, pad: int, world: World, at: Callable[[str], None] | None = None
) -> list[float]:
    """The mean nats per predicted token of every document that has a second token, in the documents' order. All ranks call it together;
    `at` hears in words how far they are."""
    was_training = model.training
    model.eval()
    order = [int(index) for index in np.argsort(documents.lengths, kind="stable") if documents.lengths[index] > 1]
    found = torch.zeros(documents.count, dtype=torch.float64, device=world.device)
    layout = Layout(packed=False, rows=ROWS, context=0, pad=pad)
    starts = range(0, len(order), ROWS)
    for turn in range(0, len(starts), world.size):
        if at:
            at(f"the held-out documents from {turn * ROWS + 1} of {len(order)}")
        # ZeRO 3 gathers parameters in every forward pass, so a rank without a group repeats the last one.
        group = order[starts[min(turn + world.rank, len(starts) - 1)] :][:ROWS]
        with torch.no_grad():
            losses = _losses(model, documents, group, layout, world.device)
        if turn + world.rank < len(starts):
            found[torch.tensor(group, device=world.device)] = losses
    model.train(was_training)
    sums = world.gather(found).view(world.size, -1).sum(0).tolist()
    return [sums[index] for index in sorted(order)]


def _losses(model: PreTrainedModel, documents: Documents, group: list[int], layout: Layout, device: torch.device) -> torch.Tensor:
    (rows,) = lay_out([documents[index] for index in group], layout)
    targets_RL = torch.from_numpy(rows.targets_RL).to(device)
    logits_RLV = model(input_ids=torch.from_numpy(rows.ids_RL).to(device), attention_mask=None).logits.float()
    nats_RL = nn.functional.cross_entropy(logits_RLV.transpose(1, 2), targets_RL, ignore_index=NO_TARGET, reduction="none").double()
    return nats_RL.sum(1) / (targets_RL != NO_TARGET).sum(1)
