"""The `export` stage, light half: the checkpoint that others load."""

from collections.abc import Iterable
from typing import Literal

from ryot.plugins import Facts, Measure, Node, Resources, Spec, Stage, StageConfig
from ryot.stages.align.stage import last_weights
from ryot.stages.compare.gate import gate_of


class ExportConfig(StageConfig):
    """The type the weights are stored in, and how many held-out documents are compared."""

    dtype: Literal["fp32", "bf16", "fp16"] = "fp32"
    probes: int = 8


class ExportStage(Stage):
    """Writes a Hugging Face checkpoint with its tokenizer, loads it back as a stranger would, and compares the logits."""

    name = "export"
    version = 2
    Config = ExportConfig
    takes = "weights"
    gives = "model"
    resources = Resources(cpus=1)
    work = "ryot.stages.export.work:run"
    measures = (
        Measure(name="logit_difference", kind="exact", about="largest difference of a logit between the trained and the exported model"),
        Measure(name="parameters", kind="exact", about="parameters of the loaded model, tied ones once"),
        Measure(name="size", kind="exact", unit="bytes", about="bytes of the stored weights"),
    )

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """One node when the spec has `export`: of the last weights there are; behind the comparison's gate, where that is to stop."""
        del facts
        if spec.export is None:
            return []
        config = ExportConfig(dtype=spec.export.dtype, probes=spec.export.probes)
        weights = last_weights(spec)
        inputs = {"weights": weights, "tokens": "tokenizer", **gate_of(spec, weights)}
        return [Node("export", self.name, config, inputs, resources=self.resources, measures=self.measures)]
