"""`evaluate`: lm-eval through the served model, on held-out documents. Light: the harness runs in a process of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Literal, get_args

from ryot.plugins import Circumstance, Facts, Measure, Node, Resources, Spec, SpecError, Stage, StageConfig
from ryot.stages.data.stage import generated_of, heldout_of
from ryot.stages.filter.stage import last_documents
from ryot.stages.forms import form_of

Question = Literal["reasoning", "perplexity"]
Benchmark = Literal[
    "mmlu", "hellaswag", "arc_easy", "arc_challenge", "truthfulqa", "piqa", "winogrande", "boolq", "gsm8k", "humaneval"
]  # fmt: skip

_METRICS: dict[Benchmark, str] = {"truthfulqa": "mc2", "gsm8k": "exact_match", "humaneval": "pass_at_1"}
BENCHMARKS: dict[Benchmark, Measure] = {
    name: Measure(
        name=f"{name}.{_METRICS.get(name, 'acc')}",
        kind="mean" if name == "truthfulqa" else "proportion",
        unit="proportion",
        about=f"lm-eval's {name}, {_METRICS.get(name, 'acc')} over its items",
        sample="item",
    )
    for name in get_args(Benchmark)
}
"""lm-eval's own benchmarks, each with its usual metric. Their items come from the hub."""
ITEMS: dict[Benchmark, int] = {
    "hellaswag": 10042, "arc_easy": 2376, "arc_challenge": 1172, "truthfulqa": 817, "piqa": 1838, "winogrande": 1267,
    "boolq": 3270, "gsm8k": 1319, "humaneval": 164,
}  # fmt: skip
"""Items of the split that lm-eval takes."""
MMLU_ITEMS = 14042
"""Of all its 57 subjects, which differ in size. A limit holds for each of them, so with one the number is not known here."""

MEASURES: dict[Question, tuple[Measure, ...]] = {
    "reasoning": (
        Measure(
            name="reasoning_accuracy",
            kind="proportion",
            unit="proportion",
            about="held-out examples whose right answer the model finds likelier than each wrong one",
            sample="example",
        ),
    ),
    "perplexity": (
        Measure(name="perplexity", kind="exact", about="e to the mean negative log-likelihood of a token, over all documents"),
        Measure(name="nats_per_token", kind="mean", unit="nats", about="mean over documents", sample="document"),
        Measure(name="bits_per_byte", kind="mean", unit="bits", about="mean over documents", sample="document"),
    ),
}


class EvaluateConfig(StageConfig):
    """What is asked of the model. `limit` is the most items of a question, None for all; `context` is in tokens."""

    tasks: tuple[Question, ...]
    benchmarks: tuple[Benchmark, ...] = ()
    limit: int | None = 200
    context: int
    text_digest: str | None = None
    """SHA-256 of the file whose documents stand in for the held-out ones; None for the held-out ones."""
    text_form: str = ""
    """How that file is read, as its name says."""
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
        benchmarks = tuple(name for name in BENCHMARKS if name in section.tasks)
        text = section.text
        if text is not None and text not in facts.digests:
            raise SpecError(f"evaluate.text: there is no file {text!r}")
        config = EvaluateConfig(
            tasks=tasks,
            benchmarks=benchmarks,
            limit=section.limit,
            context=spec.model.context,
            text_digest=None if text is None else facts.digests[text],
            text_form="" if text is None else form_of(facts.paths.get(text, text)),
            text=None if text is None else facts.paths.get(text, text),
        )
        measures = tuple(measure for task in tasks for measure in MEASURES[task]) + tuple(BENCHMARKS[name] for name in benchmarks)
        inputs = {"documents": last_documents(spec), "model": "export"}
        node = Node("evaluate", self.name, config, inputs, {"serve": "serve"}, self.resources, measures, samples_of(spec, config))
        return (node,)


def samples_of(spec: Spec, config: EvaluateConfig) -> dict[str, int]:
    """How many items stand behind each measure, where that is known: the limit, or all that are about to be held out if fewer."""
    most = math.inf if config.limit is None else config.limit
    found: dict[str, float] = {BENCHMARKS[name].name: min(most, ITEMS[name]) for name in config.benchmarks if name in ITEMS}
    if "mmlu" in config.benchmarks and config.limit is None:
        found[BENCHMARKS["mmlu"].name] = MMLU_ITEMS
    if "reasoning" in config.tasks and last_documents(spec) == "data":
        found["reasoning_accuracy"] = min(most, round(generated_of(spec) * spec.data.held_out))
    heldout = heldout_of(spec)
    if "perplexity" in config.tasks and config.text_digest is None and heldout is not None:
        found |= dict.fromkeys(("nats_per_token", "bits_per_byte"), min(most, heldout))
    return {name: int(count) for name, count in found.items()}


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
