"""The `align` stage, light half: the weights taught to prefer a chosen answer to a rejected one (DPO)."""

from collections.abc import Iterable

from ryot.plugins import Facts, Measure, Node, Spec, Stage
from ryot.stages.compare.gate import gate_of
from ryot.stages.finetune.settings import COUNTED, SPEED, TuningConfig, settings_of
from ryot.stages.finetune.stage import inputs_of, samples_of
from ryot.stages.train.stage import trained_weights


class AlignConfig(TuningConfig):
    """Everything an alignment is. `beta` is the factor of the log-ratios."""

    beta: float


class AlignStage(Stage):
    """Trains adapters with TRL's DPOTrainer against the weights it begins with, and merges them."""

    name = "align"
    version = 2
    Config = AlignConfig
    takes = "weights"
    gives = "weights"
    resources = SPEED
    work = "ryot.stages.align.work:run"
    measures = (
        Measure(
            name="reward_accuracy",
            kind="proportion",
            unit="proportion",
            about="held-out pairs whose chosen answer gained more likelihood than the rejected one",
            sample="pair",
        ),
        Measure(name="margin", kind="mean", about="reward of the chosen minus that of the rejected held-out answer", sample="pair"),
        Measure(name="loss", kind="mean", unit="nats", about="DPO's loss on held-out pairs; ln 2 before the first update", sample="pair"),
        *COUNTED,
    )

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """One node when the spec has `align`, behind `finetune` or training. Raises SpecError as `finetune` does."""
        if spec.align is None:
            return []
        config = AlignConfig.model_validate(settings_of(self.name, spec, facts) | {"beta": spec.align.beta})
        weights = "finetune" if spec.finetune is not None else trained_weights(spec)
        inputs = {"weights": weights, **inputs_of(spec.align, spec), **gate_of(spec, weights)}
        samples = samples_of(spec.align, ("reward_accuracy", "margin", "loss"))
        return [Node(self.name, self.name, config, inputs, {}, self.resources, self.measures, samples)]


def last_weights(spec: Spec) -> str:
    """The node whose weights are the final ones: the last of `align`, `finetune` and training."""
    if spec.align is not None:
        return "align"
    return "finetune" if spec.finetune is not None else trained_weights(spec)
