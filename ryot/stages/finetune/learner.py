"""What the two trainers of TRL are given alike: arguments, adapters, a watch over every update; and their run, resumed and merged."""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback

from ryot.plugins import NodeError, digest_file, write_durable
from ryot.stages.finetune import checkpoints
from ryot.stages.finetune.settings import LoraChoice, TuningRecipe
from ryot.stages.train.child import Progress
from ryot.stages.train.model import parameter_count, stored_tensors
from ryot.stages.train.schedule import share_of_peak

_OF_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run reads and writes: the weights it begins with, tokens, prepared pairs, checkpoints, results; and "cpu" or "cuda"."""

    weights: Path
    tokens: Path
    pairs: Path
    checkpoints: Path
    results: Path
    device: str

    @staticmethod
    def of(job: dict[str, Any]) -> Place:
        """The place that a job names."""
        folders = {name: Path(job[name]) for name in ("weights", "tokens", "pairs", "checkpoints", "results")}
        return Place(**folders, device=job["device"])

    @property
    def identity(self) -> str:
        """What a run is made from, so that no other's checkpoint is taken."""
        return f"{digest_file(self.weights / 'model.safetensors')} {digest_file(self.pairs)}"


def alone(device: str) -> None:
    """Make this process a world of its own for Hugging Face's trainer, on one device: it reads what torchrun has set, and would take every
    GPU it sees."""
    for name in _OF_TORCHRUN:
        os.environ.pop(name, None)
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    if device == "cuda":
        os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]


def tokenizer_of(tokens: Path) -> PreTrainedTokenizerBase:
    """The tokenizer, of which the trainers need the special tokens alone: pairs come to them as ids."""
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(tokens / "tokenizer", local_files_only=True, trust_remote_code=False)
    return tokenizer


def undropped(model: PreTrainedModel) -> PreTrainedModel:
    """The model without its own dropout, which it was trained with and other families lose when they are loaded; adapters have theirs."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    model.config.use_cache = False
    return model


def adapters(lora: LoraChoice) -> LoraConfig:
    """The adapters as PEFT wants them told."""
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.modules),
        bias="none",
        task_type="CAUSAL_LM",
    )


def freeze_positions(model: PreTrainedModel) -> None:
    """A gpt's position table is fixed while all its other weights are trained."""
    for name, parameter in model.named_parameters():
        if name.endswith("wpe.weight"):
            parameter.requires_grad_(False)


def arguments(recipe: TuningRecipe, place: Place, every: int) -> dict[str, Any]:
    """The trainer's arguments: nothing but this run's own files is written, and nothing is told to anyone."""
    return {
        "output_dir": str(place.checkpoints),
        "num_train_epochs": recipe.epochs or 1,
        "max_steps": recipe.steps or -1,
        "per_device_train_batch_size": recipe.batch_size,
        "gradient_accumulation_steps": recipe.accumulation,
        "learning_rate": recipe.lr,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.clip,
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "bf16": recipe.precision == "bf16",
        "gradient_checkpointing": recipe.recompute,
        "use_cpu": place.device == "cpu",
        "dataloader_pin_memory": place.device != "cpu",
        "save_strategy": "steps",
        "save_steps": every,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
        "router_aux_loss_coef": 0.0,  # of a mixture of experts, which a GraniteMoeHybrid without experts is taken for
        "pad_to_multiple_of": None,  # else rows could become longer than the context
        "max_length": None,  # pairs are cut already
    }


class Watched:
    """Mixed into a trainer of TRL: times every update, counts its tokens, tells it to the node, refuses what is no number."""

    recipe: TuningRecipe
    progress: Progress
    updates: int
    _tokens = 0
    _began = 0.0

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> LambdaLR:
        """The rates that training has, of which the first is not 0, as Hugging Face's is: that update would be none."""
        recipe = self.recipe

        def share(update: int) -> float:
            return share_of_peak(recipe.schedule, recipe.warmup_steps, update, num_training_steps)

        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, share)  # type: ignore[attr-defined]
        return self.lr_scheduler

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """One micro-batch."""
        if self._tokens == 0:
            self._began = time.perf_counter()
        self._tokens += int(inputs["attention_mask"].sum())
        loss: torch.Tensor = super().training_step(model, inputs, num_items_in_batch)  # type: ignore[misc]
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """After every update, before a checkpoint is written; once more, with a summary, at the end. Raises NodeError."""
        if "loss" in logs:
            done = self.state.global_step  # type: ignore[attr-defined]
            _refuse(logs, done, self.updates)
            seconds = time.perf_counter() - self._began
            logs |= {"tokens": self._tokens, "seconds": seconds}
            numbers = {"loss": logs["loss"], "tokens_per_s": self._tokens / seconds, "lr": logs["learning_rate"]}
            self.progress.send({"done": done, "total": self.updates, "unit": "update", **numbers})
            self._tokens = 0
        super().log(logs, start_time)  # type: ignore[misc]


def _refuse(logs: dict[str, float], done: int, updates: int) -> None:
    for name, words in (("loss", "loss"), ("grad_norm", "gradient norm")):
        if not math.isfinite(logs.get(name, 0.0)):
            raise NodeError(
                f"update {done} of {updates} has the {words} {logs[name]} (loss {logs['loss']:.4g}, lr {logs['learning_rate']:.3g})",
                hint="lower lr or clip, or lengthen warmup_steps; the last good checkpoint is kept",
            )


class Sealer(TrainerCallback):  # type: ignore[misc]
    """Seals a checkpoint once the trainer has written it, and only then removes the one before."""

    def __init__(self, place: Place, identity: str, resumed: int) -> None:
        self._place, self._identity, self._resumed = place, identity, resumed

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The trainer's own call, after the last file of a checkpoint."""
        path = self._place.checkpoints / f"checkpoint-{state.global_step}"
        checkpoints.seal(path, self._identity, self._resumed)
        checkpoints.rotate(self._place.checkpoints, path)


def run(trainer: Any, place: Place, recipe: TuningRecipe, pairs: int, progress: Progress) -> int:
    """Train on so many pairs to the end, from the newest whole checkpoint. Returns how often the run was resumed."""
    updates = recipe.updates(pairs)
    trainer.recipe, trainer.progress, trainer.updates = recipe, progress, updates
    identity = place.identity
    newest = checkpoints.newest(place.checkpoints, identity)
    resumed = checkpoints.resumed_of(newest) + 1 if newest else 0
    if newest:
        progress.say(f"resumed after update {checkpoints.updates_of(newest)} of {updates}")
    if newest and checkpoints.updates_of(newest) >= updates:  # the trainer itself would go on by an update
        _load_weights(trainer.model, newest)
        trainer.state = trainer.state.load_from_json(str(newest / "trainer_state.json"))
    else:
        trainer.add_callback(Sealer(place, identity, resumed))
        trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    return resumed


def _load_weights(model: Any, path: Path) -> None:
    if isinstance(model, PeftModel):
        set_peft_model_state_dict(model, load_file(path / "adapter_model.safetensors"))
    else:
        model.load_state_dict(load_file(path / "model.safetensors"), strict=False)  # tied weights are stored once


def history(trainer: Any) -> list[dict[str, float]]:
    """Every update: its loss, learning rate, gradient norm and tokens; and the seconds it took."""
    names = {"loss": "loss", "learning_rate": "lr", "grad_norm": "grad_norm", "tokens": "tokens", "seconds": "seconds"}
    return [{ours: entry[theirs] for theirs, ours in names.items()} for entry in trainer.state.log_history if "seconds" in entry]


def write_merged(trainer: Any, place: Place) -> PreTrainedModel:
    """Merge the adapters into the weights and write them as training does, tied weights once. Returns the merged model."""
    model = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    merged: PreTrainedModel = model.merge_and_unload() if isinstance(model, PeftModel) else model
    shutil.rmtree(place.results, ignore_errors=True)
    place.results.mkdir(parents=True)
    tensors = stored_tensors(merged)
    bad = sorted(name for name, tensor in tensors.items() if not bool(tensor.isfinite().all()))
    if bad:
        raise NodeError(f"the merged weight {bad[0]} holds what is no number", hint="lower lr")
    save_file(tensors, place.results / "model.safetensors", metadata={"format": "pt"})
    shutil.copyfile(place.weights / "config.json", place.results / "config.json")
    return merged


def trainable(model: Any) -> int:
    """Parameters that training changes."""
    return parameter_count(model, trainable=True)


def report(place: Place, found: dict[str, Any]) -> None:
    """Leave what the run was, for the node, with the peak of this process's resident memory (getrusage counts KiB on Linux)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    write_durable(place.results / "result.json", json.dumps(found | {"memory_rss": peak}))
