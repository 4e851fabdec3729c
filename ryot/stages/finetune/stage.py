"""The `finetune` stage, light half: the trained weights taught to answer, by supervised pairs."""

from collections.abc import Iterable
from typing import Any

from ryot.plugins import Facts, Measure, Node, Spec, Stage
from ryot.stages.compare.gate import gate_of
from ryot.stages.filter.stage import last_documents
from ryot.stages.finetune.settings import COUNTED, SPEED, TuningConfig, settings_of
from ryot.stages.train.stage import trained_weights
from ryot.stages.windows import windows


class FinetuneConfig(TuningConfig):
    """Everything a supervised fine-tuning is."""


class FinetuneStage(Stage):
    """Fine-tunes with TRL's SFTTrainer, through PEFT's adapters or in full, and merges what it learnt into the weights."""

    name = "finetune"
    version = 2
    Config = FinetuneConfig
    takes = "weights"
    gives = "weights"
    resources = SPEED
    work = "ryot.stages.finetune.work:run"
    measures = (
        Measure(name="loss_before", kind="mean", unit="nats/token", about="loss on held-out completions before", sample="pair"),
        Measure(name="loss_after", kind="mean", unit="nats/token", about="the same of the merged model", sample="pair"),
        Measure(name="loss_drop", kind="mean", unit="nats/token", about="before minus after, pair by pair", sample="pair"),
        *COUNTED,
    )

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """One node when the spec has `finetune`, behind training. Raises SpecError for adapters that the model cannot have."""
        if spec.finetune is None:
            return []
        config = FinetuneConfig.model_validate(settings_of(self.name, spec, facts))
        weights = trained_weights(spec)
        inputs = {"weights": weights, **inputs_of(spec.finetune, spec), **gate_of(spec, weights)}
        samples = samples_of(spec.finetune, ("loss_before", "loss_after", "loss_drop"))
        return [Node(self.name, self.name, config, inputs, {}, self.resources, self.measures, samples)]


def inputs_of(section: Any, spec: Spec) -> dict[str, str]:
    """What a node reads beside weights: the tokenizer, and the documents whose questions generated pairs leave out."""
    return {"tokens": "tokenizer"} | ({"documents": last_documents(spec)} if section.generate else {})


def samples_of(section: Any, of_pairs: Iterable[str]) -> dict[str, int]:
    """How many samples each measure takes, where the spec alone tells; `of_pairs` are those that take one a held-out pair."""
    found = {} if section.heldout is None else dict.fromkeys(of_pairs, section.heldout)
    if section.updates is not None:
        found["tokens_per_s"] = windows(section.updates)
    return found
