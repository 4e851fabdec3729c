"""The process that aligns: `python -m ryot.stages.align.rank JOB.json`, started by torchrun, which it does not need further.

The reference is the model without its adapters: the weights that are begun with.
"""

import json
import sys
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PreTrainedModel
from trl import DPOConfig, DPOTrainer

from ryot.stages.align.stage import AlignConfig
from ryot.stages.export.work import load
from ryot.stages.finetune import learner
from ryot.stages.finetune.encode import Encoded, Prepared
from ryot.stages.finetune.likelihood import completion_nats, largest_difference, probe_logits
from ryot.stages.train.child import begin
from ryot.stages.train.documents import specials
from ryot.stages.train.model import parameter_count


class Aligner(learner.Watched, DPOTrainer):  # type: ignore[misc]
    """TRL's trainer, watched. Pairs come to it as ids, with their ends."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset


def main(path: Path) -> None:
    """Align to the end, merge, measure on the held-out pairs, and leave the results in the job's folder."""
    job: dict[str, Any] = json.loads(path.read_text())
    progress = begin(job)
    learner.alone(job["device"])
    config, place = AlignConfig.model_validate(job["config"]), learner.Place.of(job)
    pairs, pad = Prepared.read(place.pairs), specials(place.tokens).pad
    sequences = [(pair.prompt, completion) for pair in pairs.heldout for completion in pair.completions]
    model = learner.undropped(load(place.weights)).to(job["device"])
    reference = completion_nats(model, sequences, pad)
    trainer = make(model, config, place, pairs.train)
    resumed = learner.run(trainer, place, config.recipe, len(pairs.train), progress)
    progress.say("measuring on the held-out pairs")
    trainable, adapted = learner.trainable(trainer.model), probe_logits(trainer.model, sequences)
    learner.write_merged(trainer, place)
    merged = load(place.results).to(job["device"])
    report = {
        "reference": reference,
        "heldout": completion_nats(merged, sequences, pad),
        "trainable": trainable,
        "parameters": parameter_count(merged),
        "merge_difference": largest_difference(adapted, probe_logits(merged, sequences)),
        "updates": learner.history(trainer),
        "resumed": resumed,
    }
    learner.report(place, report)


def make(model: PreTrainedModel, config: AlignConfig, place: learner.Place, pairs: tuple[Encoded, ...]) -> Aligner:
    """The trainer over pairs of a chosen and a rejected completion."""
    assert config.lora is not None  # the spec has no other method
    columns = {
        "prompt_ids": [pair.prompt for pair in pairs],
        "chosen_ids": [pair.completions[0] for pair in pairs],
        "rejected_ids": [pair.completions[1] for pair in pairs],
    }
    arguments = learner.arguments(config.recipe, place, config.checkpoint_every)
    return Aligner(
        model=model,
        args=DPOConfig(**arguments, beta=config.beta, loss_type=["sigmoid"], disable_dropout=False),
        train_dataset=Dataset.from_dict(columns),
        processing_class=learner.tokenizer_of(place.tokens),
        peft_config=learner.adapters(config.lora),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
