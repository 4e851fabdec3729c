"""The `onnx` stage, light half: the export as an ONNX graph, for runtimes that read nothing else."""

from collections.abc import Iterable

from ryot.plugins import Facts, Measure, Node, Resources, Spec, SpecError, Stage, StageConfig


class OnnxConfig(StageConfig):
    """The context in tokens, the held-out documents whose logits are compared, and the timed rounds."""

    context: int
    documents: int = 8
    rounds: int = 8


class OnnxStage(Stage):
    """Writes model.onnx (ids in, logits out, any batch and length up to the context) and compares it with the export in onnxruntime."""

    name = "onnx"
    version = 1
    Config = OnnxConfig
    takes = "model"
    gives = "onnx"
    resources = Resources(cpus=0, measures_speed=True)
    work = "ryot.stages.onnx.work:run"
    measures = (
        Measure(name="logit_difference", kind="exact", about="largest difference of a logit between the export and onnxruntime"),
        Measure(name="size", kind="exact", unit="bytes", about="bytes of the graph with its weights"),
        Measure(name="speed_ratio", kind="ratio", form="speedup", pair_unit="s", sample="round",
                about="time of transformers over onnxruntime's for the same documents, in turns"),
    )  # fmt: skip

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """One node, where the spec has `export.onnx`. Raises SpecError for a hybrid, whose scan no operator of ONNX is."""
        del facts
        if spec.export is None or not spec.export.onnx:
            return []
        if spec.model.family == "hybrid":
            raise SpecError("export.onnx is for gpt and llama: a hybrid's scan has no operator in ONNX", hint="leave onnx out")
        inputs = {"model": "export", "tokens": "tokenizer"}
        return [Node("onnx", self.name, OnnxConfig(context=spec.model.context), inputs, {}, self.resources, self.measures)]
