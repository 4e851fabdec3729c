"""The process that fine-tunes: `python -m ryot.stages.finetune.rank JOB.json`, started by torchrun, which it does not need further."""

import json
import sys
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PreTrainedModel
from trl import SFTConfig, SFTTrainer

from ryot.stages.export.work import load
from ryot.stages.finetune import learner
from ryot.stages.finetune.encode import Encoded, Prepared
from ryot.stages.finetune.likelihood import completion_nats, largest_difference, probe_logits
from ryot.stages.finetune.stage import FinetuneConfig
from ryot.stages.train.child import begin
from ryot.stages.train.documents import specials
from ryot.stages.train.model import parameter_count

_NO_TARGET = -100


class Tuner(learner.Watched, SFTTrainer):  # type: ignore[misc]
    """TRL's trainer, watched."""


def main(path: Path) -> None:
    """Fine-tune to the end, merge, measure on the held-out pairs before and after, and leave the results in the job's folder."""
    job: dict[str, Any] = json.loads(path.read_text())
    progress = begin(job)
    learner.alone(job["device"])
    config, place = FinetuneConfig.model_validate(job["config"]), learner.Place.of(job)
    pairs, pad = Prepared.read(place.pairs), specials(place.tokens).pad
    sequences = [(pair.prompt, pair.completions[0]) for pair in pairs.heldout]
    model = learner.undropped(load(place.weights)).to(job["device"])
    before = per_token(completion_nats(model, sequences, pad), pairs.heldout)
    trainer = make(model, config, place, pairs.train)
    resumed = learner.run(trainer, place, config.recipe, len(pairs.train), progress)
    progress.say("measuring on the held-out pairs")
    trainable, adapted = learner.trainable(trainer.model), probe_logits(trainer.model, sequences)
    learner.write_merged(trainer, place)
    merged = load(place.results).to(job["device"])
    after = per_token(completion_nats(merged, sequences, pad), pairs.heldout)
    report = {
        "before": before,
        "heldout": after,
        "trainable": trainable,
        "parameters": parameter_count(merged),
        "merge_difference": largest_difference(adapted, probe_logits(merged, sequences)),
        "updates": learner.history(trainer),
        "resumed": resumed,
    }
    learner.report(place, report)


def make(model: PreTrainedModel, config: FinetuneConfig, place: learner.Place, pairs: tuple[Encoded, ...]) -> Tuner:
    """The trainer over pairs whose prompts are no targets."""
    if config.lora is None:
        learner.freeze_positions(model)
    ids = [[*pair.prompt, *pair.completions[0]] for pair in pairs]
    labels = [[*[_NO_TARGET] * len(pair.prompt), *pair.completions[0]] for pair in pairs]
    arguments = learner.arguments(config.recipe, place, config.checkpoint_every)
    return Tuner(
        model=model,
        args=SFTConfig(**arguments, dataset_kwargs={"skip_prepare_dataset": True}),
        train_dataset=Dataset.from_dict({"input_ids": ids, "labels": labels}),
        processing_class=learner.tokenizer_of(place.tokens),
        peft_config=None if config.lora is None else learner.adapters(config.lora),
    )


def per_token(nats: list[float], pairs: tuple[Encoded, ...]) -> list[float]:
    """Each completion's mean nats per token."""
    return [total / len(pair.completions[0]) for total, pair in zip(nats, pairs, strict=True)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
