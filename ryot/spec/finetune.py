"""`finetune` and `align`: the trained weights taught to answer (supervised pairs), then to prefer (DPO). Both end in merged weights."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from ryot.spec.data import Generate
from ryot.spec.section import LocalPath, Section
from ryot.units import Proportion

PAIR_FILES = tuple(line + packed for line in (".jsonl", ".ndjson") for packed in ("", ".gz", ".zst"))
"""How the name of a file of pairs may end."""


class Lora(Section):
    """Low-rank adapters (Hu et al. 2021, arXiv 2106.09685): beside a matrix W, B A of a low rank is trained, and added to W at the end."""

    rank: int = Field(64, ge=1)
    """The rank of an adapter; at most the model's hidden_size."""
    alpha: float = Field(128, gt=0)
    """What an adapter is scaled by: alpha / rank."""
    dropout: Proportion = Field(0.05, lt=1)
    """Dropout on what an adapter reads, while training."""
    modules: tuple[str, ...] = ()
    """The matrices that get an adapter, in every block that has them; none named means attention's: attn.c_attn and attn.c_proj (gpt), or
    q_proj, k_proj, v_proj and o_proj (llama, hybrid)."""


class Tuning(Section):
    """What `finetune` and `align` have in common."""

    generate: Generate | None = None
    """Make the pairs from templates, with questions that no document has."""
    held_out: Proportion = Field(0.1, gt=0, lt=0.9)
    """The share of pairs that are measured on and never trained on."""
    seed: int = Field(42, ge=0)
    """Seed of the pairs, of what is held out, of the adapters' first weights, the order and dropout."""
    lora: Lora = Lora()
    """The adapters."""
    epochs: int | None = Field(None, ge=1)
    """Passes over the pairs. Give epochs or steps; without either it is 1 epoch."""
    steps: int | None = Field(None, ge=1, le=10**9)
    """Updates of the weights. Give epochs or steps."""
    batch_size: int = Field(8, ge=1)
    """Pairs in a micro-batch."""
    accumulation: int = Field(1, ge=1)
    """Micro-batches whose gradients make one update."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """The learning rate after the warm-up."""
    warmup_steps: int = Field(0, ge=0)
    """Updates over which the learning rate rises from 0 to lr; fewer than all."""
    weight_decay: float = Field(0.0, ge=0, lt=1)
    """AdamW's decoupled weight decay."""
    clip: float = Field(1.0, gt=0)
    """Largest global norm of a gradient."""
    checkpoint_every: int = Field(50, ge=1)
    """Updates between checkpoints. Changes no result."""

    @property
    def pairs(self) -> int | None:
        """Pairs in all, where the spec alone tells."""
        return None if self.generate is None else self.generate.examples

    @property
    def heldout(self) -> int | None:
        """Pairs that are held out, where the spec alone tells: their share, rounded, and at least one."""
        return None if self.pairs is None else max(round(self.pairs * self.held_out), 1)

    @property
    def updates(self) -> int | None:
        """Updates in all, where the spec alone tells; None when it depends on how many pairs a file has."""
        if self.steps is not None:
            return self.steps
        if self.pairs is None:
            return None
        return (self.epochs or 1) * math.ceil((self.pairs - (self.heldout or 0)) / (self.batch_size * self.accumulation))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.epochs is not None and self.steps is not None:
            raise ValueError("give epochs or steps, not both")
        if self.updates is not None and self.warmup_steps >= self.updates:
            raise ValueError(
                f"warmup_steps {self.warmup_steps} of {self.updates} updates: the warm-up would never end, and the learning rate "
                f"never reach its peak; about {max(self.updates // 20, 1)} (5 %) is usual"
            )
        return self


class Finetune(Tuning):
    """Supervised fine-tuning of the trained model on pairs of prompt and completion; the loss is on the completions alone."""

    method: Literal["lora", "full"] = "lora"
    """lora: train adapters, and merge them into the weights at the end · full: train all weights."""
    path: LocalPath | None = None
    """A .jsonl file of pairs instead, relative to the spec: objects with `prompt` and `completion`, or with `messages` (each a `role` and
    a `content`), of which the last, the assistant's, is the completion."""
    lr: float = Field(2e-4, gt=0, lt=10)
    """Peak learning rate of AdamW."""

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        refuse_without_pairs(self.generate, self.path, "prompt and completion")
        if self.method == "full" and "lora" in self.model_fields_set:
            raise ValueError("method: full trains all weights and has no adapters; leave lora out, or write method: lora")
        return self


class Align(Tuning):
    """Direct preference optimization (Rafailov et al. 2023, arXiv 2305.18290) on prompts with a chosen and a rejected completion."""

    method: Literal["lora", "full"] = "lora"
    """lora alone: without adapters the reference model would be a second one in memory."""
    path: LocalPath | None = None
    """A .jsonl file of pairs instead, relative to the spec: objects with `prompt`, `chosen` and `rejected`."""
    beta: float = Field(0.1, gt=0, le=100)
    """How dear it is to leave the model that is begun with: the factor of the log-ratios in the loss and in the rewards."""
    lr: float = Field(5e-5, gt=0, lt=10)
    """Peak learning rate of AdamW."""

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        refuse_without_pairs(self.generate, self.path, "prompt, chosen and rejected")
        if self.method == "full":
            raise ValueError("align trains adapters only: the model without them is its reference; write method: lora, or leave it out")
        return self


def refuse_without_pairs(generate: Generate | None, path: str | None, fields: str) -> None:
    """Raise ValueError unless there is exactly one origin of pairs, and a file's name ends as it must."""
    if (generate is None) == (path is None):
        raise ValueError(f"give exactly one of generate ({{examples: 1000}}) and path (a .jsonl file with {fields})")
    if path is not None and not path.endswith(PAIR_FILES):
        raise ValueError(f"the pairs are read from one file of JSON lines; its name ends in {', '.join(PAIR_FILES)}")
