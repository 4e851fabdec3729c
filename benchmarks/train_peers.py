"""Who trains beside ryot in `train.py`: Hugging Face's Trainer, and a plain PyTorch loop of the nanoGPT kind. Each takes turns: `block(n)`
makes n updates of the weights, and gives the seconds they took and the tokens that were predicted in them.

Each is given what it does best with: fused AdamW, torch's fused attention, bf16 where it is asked for, compiled and not. The Trainer gets
the documents of ryot's updates, in their order, padded to the longest of each batch. The loop gets the same documents as one stream, cut
into full rows, so that it pads nothing and its tokens see their row mates.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainingArguments

from ryot.stages.train import model as models
from ryot.stages.train.documents import Documents, Specials, of_update
from ryot.stages.train.stage import ModelShape, Recipe

Block = tuple[float, int]


@dataclass(frozen=True, slots=True)
class Task:
    """What all train: a shape, a recipe, documents."""

    shape: ModelShape
    recipe: Recipe
    documents: Documents
    specials: Specials
    device: torch.device

    def model(self) -> PreTrainedModel:
        """The model with its first weights."""
        return models.build(self.shape, self.specials, seed=self.recipe.seed).to(self.device).train()

    def update(self, index: int) -> list[np.ndarray]:
        """The documents of an update; they start again after the last."""
        index %= self.recipe.updates(self.documents.count)
        return [self.documents[int(number)] for number in of_update(self.recipe, index, self.documents.count)]


class Loop:
    """A plain loop: `for x, y in stream: loss, backward, clip, step`."""

    def __init__(self, task: Task, *, compiled: bool) -> None:
        self.name = f"plain loop, {'compiled' if compiled else 'eager'}"
        self.task, self.model = task, task.model()
        self.run: Any = torch.compile(self.model) if compiled else self.model
        matrices = [part for part in self.model.parameters() if part.requires_grad and part.dim() >= 2]
        others = [part for part in self.model.parameters() if part.requires_grad and part.dim() < 2]
        groups = [{"params": matrices, "weight_decay": task.recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=task.recipe.lr, betas=task.recipe.betas, fused=True)
        self.rows = int(task.recipe.global_batch * task.documents.lengths.mean() // task.shape.context)
        self.stream = self._stream()

    def _stream(self) -> Iterator[torch.Tensor]:
        """Rows [R, context + 1]: the documents one after the other, each row one token beyond what it is to predict."""
        size, held, index = self.rows * self.task.shape.context, np.empty(0, dtype=np.int64), 0
        while True:
            while len(held) <= size:
                held, index = np.concatenate([held, *self.task.update(index)]), index + 1
            ends = np.arange(self.rows)[:, None] * self.task.shape.context + np.arange(self.task.shape.context + 1)
            yield torch.from_numpy(held[ends]).to(self.task.device)
            held = held[size:]

    def block(self, updates: int) -> Block:
        """So many updates."""
        start = time.perf_counter()
        for _ in range(updates):
            batch = next(self.stream)
            with torch.autocast(self.task.device.type, torch.bfloat16, enabled=self.task.recipe.precision == "bf16"):
                logits = self.run(input_ids=batch[:, :-1].contiguous(), attention_mask=None).logits
                loss = nn.functional.cross_entropy(logits.float().flatten(0, 1), batch[:, 1:].reshape(-1))
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.task.recipe.clip)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            float(loss.detach())
        return time.perf_counter() - start, updates * self.rows * self.task.shape.context


class HuggingFace:
    """Hugging Face's Trainer, in a thread that waits wherever it is not its turn."""

    def __init__(self, task: Task, folder: str, *, compiled: bool) -> None:
        self.name = f"Hugging Face Trainer{', compiled' if compiled else ''}"
        self._go, self._done, self._left, self._tokens = threading.Semaphore(0), threading.Semaphore(0), 0, 0
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._train, args=(task, folder, compiled), daemon=True)
        self._thread.start()
        self._wait()

    def block(self, updates: int) -> Block:
        """So many updates."""
        self._left, self._tokens, start = updates, 0, time.perf_counter()
        self._go.release()
        self._wait()
        return time.perf_counter() - start, self._tokens

    def _wait(self) -> None:
        self._done.acquire()
        if self._error is not None:
            raise self._error

    def _train(self, task: Task, folder: str, compiled: bool) -> None:
        try:
            self._trainer(task, folder, compiled).train()
        except BaseException as error:  # the main thread waits, and raises it
            self._error = error
            self._done.release()

    def _trainer(self, task: Task, folder: str, compiled: bool) -> Trainer:
        recipe = task.recipe
        settings = TrainingArguments(
            output_dir=folder, per_device_train_batch_size=recipe.batch_size, gradient_accumulation_steps=recipe.accumulation,
            max_steps=1 << 30, learning_rate=recipe.lr, weight_decay=recipe.weight_decay, max_grad_norm=recipe.clip,
            lr_scheduler_type="constant", optim="adamw_torch_fused", torch_compile=compiled, bf16=recipe.precision == "bf16",
            use_cpu=task.device.type == "cpu", save_strategy="no", logging_strategy="no", report_to=[], disable_tqdm=True,
            remove_unused_columns=False, dataloader_num_workers=0, seed=recipe.seed,
        )  # fmt: skip
        return _InOrder(
            model=task.model(), args=settings, train_dataset=_Rows(task), data_collator=self._collate(task), callbacks=[_Turns(self)]
        )

    def _collate(self, task: Task) -> Any:
        def collate(documents: Sequence[np.ndarray]) -> dict[str, torch.Tensor]:
            shape = (len(documents), max(map(len, documents)))
            ids, labels = torch.full(shape, task.specials.pad), torch.full(shape, -100)
            for row, document in enumerate(documents):
                ids[row, : len(document)] = labels[row, : len(document)] = torch.from_numpy(document)
            self._tokens += sum(len(document) - 1 for document in documents)
            return {"input_ids": ids, "labels": labels}

        return collate

    def turn(self) -> None:
        """Called by the trainer before each update: go on, or wait for the next block."""
        if self._left == 0:
            self._done.release()
            self._go.acquire()
        self._left -= 1


class _Turns(TrainerCallback):
    def __init__(self, owner: HuggingFace) -> None:
        self.owner = owner

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.owner.turn()


class _Rows(torch.utils.data.Dataset[np.ndarray]):
    """The documents in the order of ryot's updates, without end."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def __len__(self) -> int:
        return 1 << 30

    def __getitem__(self, index: int) -> np.ndarray:
        update, place = divmod(index, self.task.recipe.global_batch)
        return self.task.update(update)[place]


class _InOrder(Trainer):
    def _get_train_sampler(self, *_: Any) -> Any:
        return torch.utils.data.SequentialSampler(self.train_dataset)
