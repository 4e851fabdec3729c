"""`evaluate`: lm-eval through the served model, on held-out documents. Light: the harness runs in a process of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from ryot.plugins import Circumstance, Facts, Measure, Node, Resources, Spec, SpecError, Stage, StageConfig

Question = Literal["reasoning", "perplexity"]

MEASURES: dict[Question, tuple[Measure, ...]] = {
    "reasoning": (
        Measure(
            name="reasoning_accuracy",
            kind="proportion",
            unit="proportion",
            about="held-out examples whose right answer the model finds likelier than each wrong one",
        ),
    ),
    "perplexity": (
        Measure(name="perplexity", kind="exact", about="e to the mean negative log-likelihood of a token, over all documents"),
        Measure(name="nats_per_token", kind="mean", unit="nats", about="mean over documents"),
        Measure(name="bits_per_byte", kind="mean", unit="bits", about="mean over documents"),
    ),
}


class EvaluateConfig(StageConfig):
    """What is asked of the model. `limit` is the most items of a question, None for all; `context` is in tokens."""

    tasks: tuple[Question, ...]
    limit: int | None = 200
    context: int
    text_digest: str | None = None
    """SHA-256 of the file whose documents stand in for the held-out ones; None for the held-out ones."""
    text: Annotated[str | None, Circumstance] = None
    """Where that file lies."""


class EvaluateStage(Stage):
    """Scores the served model: multiple choice over generated examples, log-likelihood of documents."""

    name = "evaluate"
    version = 1
    Config = EvaluateConfig
    gives = "scores"
    measures = MEASURES["reasoning"] + MEASURES["perplexity"]
    resources = Resources(cpus=0)
    work = "ryot.stages.evaluate.work:run"

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """The node `evaluate`. Raises SpecError when reasoning is asked for and no document is generated."""
        section = spec.evaluate
        if section is None:
            return ()
        tasks = _tasks(spec)
        text = section.text
        if text is not None and text not in facts.digests:
            raise SpecError(f"evaluate.text: there is no file {text!r}")
        config = EvaluateConfig(
            tasks=tasks,
            limit=section.limit,
            context=spec.model.context,
            text_digest=None if text is None else facts.digests[text],
            text=None if text is None else facts.paths.get(text, text),
        )
        measures = tuple(measure for task in tasks for measure in MEASURES[task])
        inputs = {"documents": "data", "model": "export"}
        node = Node("evaluate", self.name, config, inputs, {"serve": "serve"}, self.resources, measures)
        return (node,)


def _tasks(spec: Spec) -> tuple[Question, ...]:
    """What is asked for, each once, in a fixed order; where the spec does not say, all that its documents allow."""
    assert spec.evaluate is not None
    generated = any(source.generate for source in spec.data.sources)
    if not generated and "tasks" not in spec.evaluate.model_fields_set:
        return ("perplexity",)
    if not generated and "reasoning" in spec.evaluate.tasks:
        raise SpecError(
            "evaluate.tasks has reasoning, which needs generated documents; data.sources has none",
            hint="write `evaluate: {tasks: [perplexity]}`, or add a source `generate`",
        )
    return tuple(task for task in MEASURES if task in spec.evaluate.tasks)
