"""`evaluate`: lm-eval through the served model, on held-out documents. Light: the harness runs in a process of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

from ryot.plugins import Facts, Measure, Node, Resources, Spec, SpecError, Stage, StageConfig
from ryot.stages.data.stage import FileSource, generated_of, heldout_of
from ryot.stages.evaluate.benchmarks import FILES, MMLU_ITEMS, SOURCES, Benchmark, measures_of
from ryot.stages.filter.stage import last_documents
from ryot.stages.forms import form_of

Question = Literal["reasoning", "written", "perplexity"]

MEASURES: dict[Question, tuple[Measure, ...]] = {
    "reasoning": (
        Measure(
            name="reasoning_accuracy",
            kind="proportion",
            unit="proportion",
            about="held-out examples whose right answer the model finds likelier than each wrong one",
            sample="example",
        ),
        Measure(
            name="reasoning_ece",
            kind="calibration",
            about="expected calibration error: how far the probability of the chosen answer is from how often it is right",
            sample="example",
        ),
        Measure(
            name="reasoning_auroc",
            kind="ranking",
            about="how often a right choice has a larger probability than a wrong one",
            sample="example",
        ),
    ),
    "written": (
        Measure(
            name="answer_correctness",
            kind="proportion",
            unit="proportion",
            about="held-out examples whose answer the model writes as the generator does, to the letter",
            sample="example",
        ),
        Measure(
            name="verification_rate",
            kind="proportion",
            unit="proportion",
            about="written answers with a verification behind them; whether that is right is not looked at",
            sample="example",
        ),
    ),
    "perplexity": (
        Measure(name="perplexity", kind="exact", about="e to the mean negative log-likelihood of a token, over all documents"),
        Measure(name="nats_per_token", kind="mean", unit="nats", about="mean over documents", sample="document"),
        Measure(name="bits_per_byte", kind="mean", unit="bits", about="mean over documents", sample="document"),
    ),
}


GENERATED: tuple[Question, ...] = ("reasoning", "written")
"""What is asked of generated examples."""


class EvaluateConfig(StageConfig):
    """What is asked of the model. `limit` is the most items of a question, None for all; `context` is in tokens."""

    tasks: tuple[Question, ...]
    benchmarks: tuple[Benchmark, ...] = ()
    limit: int | None = 200
    context: int
    text: FileSource | None = None
    """The file whose documents stand in for the held-out ones; None for the held-out ones."""
    data: Mapping[str, FileSource] = {}
    """The files that stand in for the hub, by the names of FILES."""
    run_code: bool = False


class EvaluateStage(Stage):
    """Scores the served model: multiple choice over generated examples, log-likelihood of documents."""

    name = "evaluate"
    version = 2
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
        benchmarks = tuple(name for name in SOURCES if name in section.tasks)
        _refuse_short(benchmarks, spec.model.context)
        data = {name: getattr(section.data, name) for name in FILES}
        config = EvaluateConfig(
            tasks=tasks,
            benchmarks=benchmarks,
            limit=section.limit,
            context=spec.model.context,
            text=None if section.text is None else _file("text", section.text, facts),
            data={name: _items(name, written, facts) for name, written in data.items() if written is not None},
            run_code=section.run_code and any(SOURCES[name].runs_code for name in benchmarks),
        )
        measures = (
            *(measure for task in tasks for measure in MEASURES[task]),
            *(found for name in benchmarks for found in measures_of(name)),
        )
        inputs = {"documents": last_documents(spec), "model": "export"}
        node = Node("evaluate", self.name, config, inputs, {"serve": "serve"}, self.resources, measures, samples_of(spec, config))
        return (node,)


def _file(field: str, written: str, facts: Facts) -> FileSource:
    """A local file that the spec names. Raises SpecError when it is not there."""
    if written not in facts.digests:
        raise SpecError(f"evaluate.{field}: there is no file {written!r}")
    path = facts.paths.get(written, written)
    return FileSource(digest=facts.digests[written], form=form_of(path), written=written, path=path)


def _items(name: str, written: str, facts: Facts) -> FileSource:
    """A file that stands in for the hub. Raises SpecError where it is of a form that is not read as items."""
    file = _file(f"data.{name}", written, facts)
    if file.form != ".jsonl" and (name, file.form) != ("wikitext", ".txt"):
        raise SpecError(f"evaluate.data.{name}: {written} is not JSON lines, a .jsonl file{' or a .txt' if name == 'wikitext' else ''}")
    return file


def _refuse_short(benchmarks: tuple[Benchmark, ...], context: int) -> None:
    """Raise SpecError where an answer alone would fill the context: lm-eval would then ask with an empty prompt."""
    for name in benchmarks:
        if context - 1 <= SOURCES[name].tokens:
            raise SpecError(
                f"evaluate.tasks has {name}, whose answers take up to {SOURCES[name].tokens} tokens beside the prompt; "
                f"model.context is {context}",
                hint=f"leave {name} out, or give the model a longer context",
            )


def samples_of(spec: Spec, config: EvaluateConfig) -> dict[str, int]:
    """How many items stand behind each measure, where that is known: the limit, or all that are about to be held out if fewer."""
    most = math.inf if config.limit is None else config.limit
    found: dict[str, float] = {}
    for name in config.benchmarks:
        items = MMLU_ITEMS if name == "mmlu" and config.limit is None else SOURCES[name].items
        if items is not None:
            found |= {measure.name: min(most, items) for measure in measures_of(name) if measure.kind != "exact"}
    asked = [question for question in GENERATED if question in config.tasks]
    if asked and last_documents(spec) == "data":
        count = min(most, round(generated_of(spec) * spec.data.held_out))
        found |= {measure.name: count for question in asked for measure in MEASURES[question]}
    heldout = heldout_of(spec)
    if "perplexity" in config.tasks and config.text is None and heldout is not None:
        found |= dict.fromkeys(("nats_per_token", "bits_per_byte"), min(most, heldout))
    return {name: int(count) for name, count in found.items()}


def _tasks(spec: Spec) -> tuple[Question, ...]:
    """What is asked for, each once, in a fixed order; where the spec does not say, all that its documents allow."""
    assert spec.evaluate is not None
    generated = any(source.generate for source in spec.data.sources)
    if not generated and "tasks" not in spec.evaluate.model_fields_set:
        return ("perplexity",)
    if not generated and (lost := [task for task in GENERATED if task in spec.evaluate.tasks]):
        raise SpecError(
            f"evaluate.tasks has {lost[0]}, which needs generated documents; data.sources has none",
            hint="write `evaluate: {tasks: [perplexity]}`, or add a source `generate`",
        )
    return tuple(task for task in MEASURES if task in spec.evaluate.tasks)
