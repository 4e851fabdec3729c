"""The `compress` stage, light half: a copy of the export in fewer bits, and what it keeps."""

from collections.abc import Iterable
from typing import Literal

from ryot.plugins import Facts, Measure, Node, Resources, Spec, SpecError, Stage, StageConfig
from ryot.stages.data.stage import heldout_of

Scheme = Literal["int8", "fp8", "int4"]
ON_CPU: tuple[Scheme, ...] = ("int8",)
"""What vLLM's build for CPUs computes with: of the others it has no kernel, or one that only AMX has."""


class CompressConfig(StageConfig):
    """A scheme, the weights that share a scale (None: a channel's), the documents compared, the context in tokens."""

    scheme: Scheme
    group_size: int | None = None
    documents: int
    context: int
    rounds: int = 8


class CompressStage(Stage):
    """Rounds the matrices of the blocks, and compares the copy with the export: on the server's own engine where it can compute with it, in
    transformers, with the weights as stored, where it cannot."""

    name = "compress"
    version = 1
    Config = CompressConfig
    takes = "model"
    gives = "model"
    resources = Resources(cpus=0, measures_speed=True)
    work = "ryot.stages.compress.work:run"
    measures = (
        Measure(name="recovery", kind="ratio", form="speedup", pair_unit="nats/token", unit="proportion", sample="document",
                about="held-out loss of the export over that of the copy, document by document"),
        Measure(name="loss_increase", kind="mean", unit="nats/token", sample="document", about="the copy's loss less the export's"),
        Measure(name="size", kind="exact", unit="bytes", about="bytes of the stored weights"),
        Measure(name="times_smaller", kind="exact", about="than the export's, in bytes"),
        Measure(name="speed_ratio", kind="ratio", form="speedup", pair_unit="s", sample="round", optional=True,
                about="time of the export over the copy's for the same tokens, on one engine each, in turns"),
        Measure(name="memory", kind="exact", unit="bytes", optional=True, about="resident memory of the copy's engine, its cache included"),
        Measure(name="memory_before", kind="exact", unit="bytes", optional=True, about="resident memory of the export's engine"),
    )  # fmt: skip

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """The nodes `compress.NAME`. Raises SpecError for a hybrid, whose mixers vLLM would have to find in the same form."""
        del facts
        if spec.compress is None:
            return []
        if spec.model.family == "hybrid":
            raise SpecError("compress is for gpt and llama: no scheme is shown to serve a hybrid's mixers", hint="leave compress out")
        heldout = heldout_of(spec)
        nodes = []
        for scheme in spec.compress.schemes:
            given = getattr(spec.compress, scheme)
            config = CompressConfig(
                scheme=scheme, group_size=getattr(given, "group_size", None), documents=given.documents, context=spec.model.context
            )
            count = {} if heldout is None else dict.fromkeys(("recovery", "loss_increase"), min(heldout, given.documents))
            inputs = {"model": "export", "tokens": "tokenizer"}
            nodes.append(Node(f"compress.{scheme}", self.name, config, inputs, {}, self.resources, self.measures, count))
        return nodes


def served_model(spec: Spec) -> str:
    """The node whose model is served. Raises SpecError for weights that `compress` does not make."""
    wanted = spec.serve.weights if spec.serve else None
    if wanted is None:
        return "export"
    if wanted not in (spec.compress.schemes if spec.compress else ()):
        raise SpecError(f"serve.weights: {wanted} is no copy that `compress` makes", hint=f"write `compress: {{{wanted}: {{}}}}`")
    return f"compress.{wanted}"
