"""One training run: an update at a time. It knows no files; who calls it keeps checkpoints and progress.

Shapes: R rows, L row length, V vocabulary.
"""

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ryot.stages.train import documents as docs
from ryot.stages.train import health
from ryot.stages.train import model as models
from ryot.stages.train.agreement import LARGEST_ERROR, gradient_error
from ryot.stages.train.documents import Documents
from ryot.stages.train.dropout import draw_masks
from ryot.stages.train.engine import start_engine
from ryot.stages.train.probe import bf16_time
from ryot.stages.train.rows import NO_TARGET, Layout, Rows, blank, lay_out
from ryot.stages.train.schedule import lr_at
from ryot.stages.train.stage import TrainConfig
from ryot.stages.train.tuning import DRAWN, Means, Tuner, attention_of, packs
from ryot.stages.train.unpadded import UNPADDED, keep_projections_together
from ryot.stages.train.unpadded import documents as places
from ryot.stages.train.world import World


@dataclass(frozen=True, slots=True)
class Update:
    """What one update of the weights was, on `documents`. `tokens` were predicted, `positions` computed, `plain` is what padded rows
    would take. `skipped` is 1 where the scaled gradient overflowed and no weight was changed; the norm is 0 then."""

    loss: float
    lr: float
    grad_norm: float
    tokens: int
    positions: int
    plain: int
    documents: int
    skipped: int
    seconds: float


class Trainer:
    """A model, its engine and its documents. Every update is the same whatever the rows: the mean over its real target tokens."""

    def __init__(
        self,
        config: TrainConfig,
        documents: Documents,
        specials: docs.Specials,
        world: World,
        chosen: Mapping[str, Any] | None = None,
    ) -> None:
        """With `chosen`, what the tuner would find out is settled, so that no update is spent on calibration."""
        self.config, self.documents, self.world, self.pad = config, documents, world, specials.pad
        self.updates = config.recipe.updates(documents.count)
        self.tuner = Tuner.start(config, self.updates, Means(world.device.type, bf16=self._has_bf16()))
        if chosen is not None:
            self.tuner.settle(chosen)
        self.attention = attention_of(config)
        model = models.build(config.model, specials, seed=config.recipe.seed, attention=self.attention)
        self.initial_weights = models.weights_digest(model)
        self.parameters = models.parameter_count(model)
        if config.recipe.recompute:
            models.recompute_blocks(model)
        if self.tuner.chosen["dropout"] == DRAWN:
            draw_masks(model)
        if packs(config):
            keep_projections_together(model)
        torch.manual_seed(config.recipe.seed * 1_000_003 + world.rank)
        self.engine = start_engine(model.to(world.device).train(), config.recipe, fused=config.kernel.level >= 1)
        self._compiled = False
        self._sum_loss = sum_loss

    def update(self, index: int) -> Update:
        """Carry out update `index`, counted from 0. Raises NodeError when the loss or the gradient is no number."""
        start = time.perf_counter()
        forwards = self._prepare(index)
        numbers = self._of(index)
        tokens = self.documents.targets(numbers)
        total = torch.zeros((), dtype=torch.float64, device=self.world.device)
        for rows in forwards:
            with self._stance(rows):
                loss = self.loss(rows) / tokens
                self.engine.backward(loss * self.world.size, last=rows is forwards[-1])
            total += loss.detach()
        loss_value, positions, plain = self.world.total(float(total), sum(rows.size for rows in forwards), self._plain(index))
        lr = lr_at(self.config.recipe, index, self.updates)
        health.refuse_loss(loss_value, float(total), self.place(index), self.world)
        before = self.engine.skipped()
        norm = self.engine.step(lr)
        skipped = int(self.engine.scaled and self.engine.skipped() > before)
        norm = 0.0 if skipped else norm
        health.refuse_gradient(norm, self.place(index, loss_value), self.engine, self.world)
        seconds = self.world.largest(time.perf_counter() - start)
        self.tuner.observe(index, seconds, tokens)
        return Update(loss_value, lr, norm, tokens, int(positions), int(plain), len(numbers), skipped, seconds)

    def place(self, index: int, loss: float | None = None) -> health.Place:
        """An update in words."""
        lr = lr_at(self.config.recipe, index, self.updates)
        return health.Place(f"update {index + 1} of {self.updates}", "-" if loss is None else f"{loss:.4g}", lr)

    def loss(self, rows: Rows) -> torch.Tensor:
        """The summed loss of some rows, in nats, over their real targets."""
        return self._loss(self.engine.inner, rows)

    def _loss(self, network: nn.Module, rows: Rows) -> torch.Tensor:
        targets_RL = torch.from_numpy(rows.targets_RL).to(self.world.device)
        self.engine.model.set_attn_implementation(UNPADDED[self.attention] if rows.packed else self.attention)
        return self._sum_loss(network(**self.inputs(rows)).logits, targets_RL)

    def _stance(self, rows: Rows) -> AbstractContextManager[object]:
        """Inductor of torch 2.13 fails on a Mamba mixer's scan over one row of varying length ("cannot determine truth value of
        Relational: 1 < s87"): that pass is not compiled."""
        alone = self._compiled and self.config.model.family == "hybrid" and len(rows.ids_RL) == 1
        return torch.compiler.set_stance("force_eager") if alone else nullcontext()

    def inputs(self, rows: Rows) -> dict[str, Any]:
        """What the network reads. Padding stands on the right, so plain rows need no mask beside the causal one; packed rows have none."""
        ids_RL = torch.from_numpy(rows.ids_RL).to(self.world.device)
        if not rows.packed:
            return {"input_ids": ids_RL, "attention_mask": None}
        positions_RL, segments_RL = (torch.from_numpy(array).to(self.world.device) for array in (rows.positions_RL, rows.segments_RL))
        return {"input_ids": ids_RL, "attention_mask": None, "position_ids": positions_RL} | places(segments_RL, positions_RL)

    def forwards(self, index: int) -> list[Rows]:
        """This rank's rows in an update, as many forward passes as the rank with the most has."""
        layout = self.layout(index)
        counts = [len(self._laid_out(index, rank, layout)) for rank in range(self.world.size) if rank != self.world.rank]
        mine = self._laid_out(index, self.world.rank, layout)
        return mine + [blank(layout)] * (max([len(mine), *counts]) - len(mine))

    def layout(self, index: int) -> Layout:
        """How the documents of an update become rows."""
        return Layout(self.tuner.packed(index), self.tuner.rows(index), self.config.model.context, self.pad)

    def _of(self, index: int) -> docs.Ids:
        return docs.of_update(self.config.recipe, index, self.documents.count)

    def _laid_out(self, index: int, rank: int, layout: Layout) -> list[Rows]:
        return lay_out([self.documents[int(number)] for number in docs.share(self._of(index), rank, self.world.size)], layout)

    def _plain(self, index: int) -> int:
        """Row positions this rank would compute with one padded document a row."""
        lengths = self.documents.lengths[docs.share(self._of(index), self.world.rank, self.world.size)]
        batch = self.config.recipe.batch_size
        groups = [lengths[start : start + batch] for start in range(0, len(lengths), batch)]
        return sum(int(group.max()) * len(group) for group in groups)

    def _has_bf16(self) -> bool:
        """Whether the kernel may compute in bf16, and no rank's device is slower at it."""
        kernel = self.config.kernel
        allowed = kernel.level >= 2 and kernel.bf16 and self.config.recipe.precision == "fp32"
        return allowed and self.world.largest(bf16_time(self.world.device)) <= 1

    def _prepare(self, index: int) -> list[Rows]:
        """Set what the tuner chose for an update, and lay out its rows. Before bf16 is used first, its gradient is checked."""
        forwards = self.forwards(index)
        self.attention = self.tuner.attention(index)
        if self.tuner.half(index) and not self.tuner.checked:
            largest = max(forwards, key=lambda rows: rows.size)
            error = gradient_error(self.engine, lambda: self._loss(self.engine.model, largest), self.world)
            self.tuner.check(error, LARGEST_ERROR)
        self.engine.half = self.tuner.half(index)
        self._set_compiled(self.tuner.compiled(index))
        return forwards

    def _set_compiled(self, wanted: bool) -> None:
        """Compile the blocks, each as one region, and the loss: it goes over the logits fewer times, and keeps no copy of them in fp32."""
        if wanted and not self._compiled:
            for block in models.blocks(self.engine.model):
                block.compile(dynamic=True)
            self._sum_loss = torch.compile(sum_loss, dynamic=True)
            torch.compiler.set_stance("default")
        if self._compiled and not wanted:
            torch.compiler.set_stance("force_eager")
        self._compiled = wanted


def sum_loss(logits_RLV: torch.Tensor, targets_RL: torch.Tensor) -> torch.Tensor:
    """Cross-entropy in nats, summed over the real targets."""
    flat = logits_RLV.float().view(-1, logits_RLV.shape[-1])
    return nn.functional.cross_entropy(flat, targets_RL.view(-1), ignore_index=NO_TARGET, reduction="sum")
