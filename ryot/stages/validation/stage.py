"""The `validation` stage, light half: the checklist before a deployment, shown or refuted on the live server."""

from __future__ import annotations

from collections.abc import Iterable

from ryot.plugins import Facts, Measure, Node, Resources, Spec, Stage, StageConfig
from ryot.stages.compress.stage import served_model
from ryot.stages.serve.stage import ServeConfig, serve_config

SINGLE_REQUESTS = 200
CONTINUED = 8
"""Tokens generated for each prompt that is held against transformers."""
MEASURES = (
    Measure(name="failed", kind="count", about="items of the checklist that are refuted", sample="item"),
    Measure(name="not_shown", kind="count", about="items that machine or spec has no means to show; none is passed", sample="item"),
    Measure(name="passed", kind="count", about="items that are shown", sample="item"),
    Measure(name="wrong_tokens", kind="count", sample="token",
            about="generated tokens that are not transformers' most probable, nor as probable within the tolerance"),
    Measure(name="probability_difference", kind="exact", about="largest difference of such a token's probability from transformers'"),
    Measure(name="single_latency_p95", kind="percentile", quantile=0.95, unit="s", sample="request", about="one token, one at a time"),
    Measure(
        name="memory_growth",
        kind="exact",
        unit="proportion",
        about="of the server's memory, second quarter of a load to its last",
        optional=True,
    ),
    Measure(name="lost_in_failover", kind="count", sample="request", optional=True,
            about="requests without an answer while an engine is killed"),
    Measure(name="lost_in_shutdown", kind="count", sample="request", about="requests in flight at SIGTERM that were not answered"),
)  # fmt: skip


class ValidationConfig(StageConfig):
    """What is shown how often, the server, and what the spec promises of it. `single` is in seconds; `compressed` is the scheme of the
    served copy, whose answers are held against the export's; `promises` are the targets on the server that must be met."""

    prompts: int
    requests: int
    clients: int
    single: float
    serve: ServeConfig
    vocab_size: int
    compressed: str | None = None
    promises: tuple[str, ...] = ()
    seed: int = 0


class ValidationStage(Stage):
    """Goes through the checklist on the live server, and on a gateway and an engine of its own, which it kills."""

    name = "validation"
    version = 1
    Config = ValidationConfig
    measures = MEASURES
    gives = "validation"
    resources = Resources(cpus=0, measures_speed=True)
    work = "ryot.stages.validation.work:run"

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """The node `validation`, where the spec has such a section."""
        if spec.validation is None or spec.serve is None:
            return []
        config = ValidationConfig(
            **spec.validation.model_dump(),
            serve=serve_config(spec),
            vocab_size=spec.model.vocab_size,
            compressed=spec.serve.weights,
            promises=tuple(promises(spec)),
        )
        inputs = {"model": served_model(spec), "reference": "export", "tokens": "tokenizer"}
        if spec.package is not None:
            inputs["package"] = "package"
        taken = {"single_latency_p95": SINGLE_REQUESTS, "wrong_tokens": config.prompts * CONTINUED}
        return [Node("validation", self.name, config, inputs, {"serve": "serve"}, self.resources, self.measures, taken)]


def promises(spec: Spec) -> Iterable[str]:
    """The must-targets on loads and on this checklist, as they are written."""
    for target in spec.targets:
        if target.priority == "must" and (target.node.startswith("bench.") or target.node == "validation"):
            yield target.written
