"""Evaluates the served model: has lm-eval ask it, checks lm-eval's arithmetic, keeps each item's answer.

Nothing is shared between nodes: a cache keyed by the request alone would give one model the scores of another.
"""

from __future__ import annotations

import json
from typing import Any

from ryot.plugins import NodeError, StageContext
from ryot.stages.evaluate import items
from ryot.stages.evaluate.asking import Asked, ask
from ryot.stages.evaluate.benchmarks import EXAMPLES, SOURCES, Benchmark, measures_of
from ryot.stages.evaluate.scores import Choices, by_group, score_choices, score_items, score_likelihood, score_words, score_written
from ryot.stages.evaluate.stage import GENERATED, EvaluateConfig, Question
from ryot.stages.evaluate.stand_ins import stand_in

Found = dict[str, Any]


def run(config: EvaluateConfig, context: StageContext) -> None:
    """Ask, score, keep. Raises NodeError when lm-eval fails, skips an item, or counts otherwise than we do."""
    asked = Asked(_questions(config, context), {name: _local(name, config, context) for name in config.benchmarks})
    found = ask(config, context, asked)
    scores: Found = {}
    for question, entries in asked.questions.items():
        samples = found["samples"][question]
        if [sample["id"] for sample in samples] != [entry["id"] for entry in entries]:
            raise NodeError(f"lm-eval answered {len(samples)} items of {question}, other than the {len(entries)} asked")
        context.write(f"samples-{question}.jsonl", items.as_lines(samples))
        scores[question] = {"items": len(samples), "lm_eval": found["scores"][question]} | _score(question, samples, context)
        if question in GENERATED:
            right = [right for _, right in score_choices(samples).pairs] if question == "reasoning" else score_written(samples).right
            scores[question]["by_difficulty"] = by_group([entry.get(items.DIFFICULTY) for entry in entries], right)
    for name, splits in asked.benchmarks.items():
        context.write(f"samples-{name}.jsonl", items.as_lines(found["samples"][name]))
        scores[name] = {"shots": found["shots"][name], "from": "file" if splits else "hub", "lm_eval": found["scores"][name]}
        scores[name] |= _score_benchmark(name, found["samples"][name], context)
        if SOURCES[name].runs_code:
            scores[name] |= {"programs": found["wall"]}
            context.say(f"{name}: programs ran behind this wall: {found['wall']}")
        if splits and scores[name]["items"] != len(splits[SOURCES[name].split]):
            raise NodeError(f"lm-eval answered {scores[name]['items']} items of {name}, other than those asked")
    _agree(found["scores"], scores)
    if found["cut"]:
        context.warn(f"{found['cut']} prompts were longer than the context allows: lm-eval left out their beginnings")
    context.write("scores.json", json.dumps(scores, indent=1, sort_keys=True) + "\n")


def _questions(config: EvaluateConfig, context: StageContext) -> dict[Question, list[items.Item]]:
    documents = context.inputs["documents"]
    asked: dict[Question, list[items.Item]] = {}
    if "reasoning" in config.tasks:
        asked["reasoning"] = items.reasoning_items(documents, config.limit)
    if "written" in config.tasks:
        asked["written"] = items.written_items(documents, config.limit)
    if "perplexity" in config.tasks:
        asked["perplexity"] = items.perplexity_items(documents, config.text, config.limit)
    return asked


def _local(name: Benchmark, config: EvaluateConfig, context: StageContext) -> dict[str, list[items.Item]]:
    """The items that stand in for the hub's, by split; none, where there is no file."""
    if name not in config.data:
        return {}
    source = SOURCES[name]
    asked = stand_in(name, config.data[name], config.limit)
    most = source.items if config.limit is None or source.items is None else min(config.limit, source.items)
    if name != "wikitext" and most is not None and len(asked) < most:
        context.warn(f"{name}: the file has {len(asked)} items, the benchmark {source.items:,}: the score is not that of the benchmark")
    examples = {"train": stand_in(EXAMPLES, config.data[EXAMPLES], None)} if name == "gsm8k" else {}
    return {source.split: asked, **examples}


def _score(question: Question, samples: list[Found], context: StageContext) -> Found:
    """Measure, and return the numbers for scores.json."""
    if question == "reasoning":
        choices = score_choices(samples)
        context.measure("reasoning_accuracy", hits=choices.hits, of=choices.of)
        context.measure("reasoning_ece", pairs=choices.pairs)
        context.measure("reasoning_auroc", pairs=choices.pairs)
        context.say(f"reasoning: {choices.hits} of {choices.of} right; blind guessing would expect {choices.chance:.1%}")
        return {"hits": choices.hits, "of": choices.of, "accuracy": choices.hits / choices.of, "chance": choices.chance} | _spread(choices)
    if question == "written":
        written = score_written(samples)
        hits, of = sum(written.right), len(samples)
        context.measure("answer_correctness", hits=hits, of=of)
        context.measure("verification_rate", hits=sum(written.verified), of=of)
        context.say(f"written: {hits} of {of} answers right, {sum(written.verified)} with a verification")
        return {"hits": hits, "of": of, "accuracy": hits / of, "verified": sum(written.verified)}
    likelihood = score_likelihood(samples)
    context.measure("perplexity", likelihood.perplexity)
    context.measure("nats_per_token", samples=likelihood.nats_per_token)
    context.measure("bits_per_byte", samples=likelihood.bits_per_byte)
    context.say(f"perplexity {likelihood.perplexity:.4f} per token, over {likelihood.tokens} tokens of {len(samples)} documents")
    return {"perplexity": likelihood.perplexity, "tokens": likelihood.tokens}


def _score_benchmark(name: Benchmark, samples: list[Found], context: StageContext) -> Found:
    """The same of one of lm-eval's own: beside its score the standard error, what blind guessing would expect, and how many items."""
    kept = [sample for sample in samples if sample["filter"] == SOURCES[name].kept]
    if not kept:
        raise NodeError(f"lm-eval answered no item of {name}")
    _refuse_gaps(name, kept)
    if name == "wikitext":
        words = score_words(kept)
        for metric, value in words.items():
            context.measure(f"{name}.{metric}", value)
        context.say(f"{name}: {words['word_perplexity']:.4f} per word, over {len(kept)} articles")
        return {"items": len(kept), **words}
    (measure,) = measures_of(name)
    found = score_items(kept, SOURCES[name].metric)
    if measure.kind == "mean":
        context.measure(measure.name, samples=found.values)
    else:
        context.measure(measure.name, hits=round(sum(found.values)), of=len(found.values))
    context.say(f"{name}: {found.mean:.1%} of {len(kept)} items; blind guessing would expect {found.chance:.1%}")
    numbers = {SOURCES[name].measured: found.mean, "standard_error": found.standard_error, "chance": found.chance}
    return {"items": len(kept), **numbers}


def _refuse_gaps(name: Benchmark, kept: list[Found]) -> None:
    """Raise NodeError unless each of lm-eval's tasks has the items 0, 1, 2 and so on, once each: the end of a sample's id."""
    numbers: dict[str, list[int]] = {}
    for sample in kept:
        task, _, number = sample["id"].rpartition("/")
        numbers.setdefault(task, []).append(int(number))
    for task, found in numbers.items():
        missing = next((at for at, number in enumerate(sorted(found)) if at != number), None)
        if missing is not None:
            raise NodeError(f"lm-eval left out items of {name}, the first of them {task}/{missing}, or answered one twice")


def _spread(choices: Choices) -> Found:
    """The standard error of a proportion: sqrt(p (1 - p) / n)."""
    share = choices.hits / choices.of
    return {"standard_error": (share * (1 - share) / choices.of) ** 0.5}


def _agree(theirs: Found, ours: Found) -> None:
    """lm-eval's own scores and ours come from the same answers; that they differ would be a mistake in one of the two."""
    own = {"reasoning": ("acc", "accuracy"), "written": ("exact_match,answer", "accuracy")}
    pairs = {name: metrics for name, metrics in own.items() if name in ours}
    for name, source in SOURCES.items():
        if name in ours:
            pairs[name] = (source.metric if source.kept == "none" else f"{source.metric},{source.kept}", source.measured)
    for task, (their, our) in pairs.items():
        if abs(theirs[task][their] - ours[task][our]) > 1e-9 * max(1.0, ours[task][our]):
            raise NodeError(f"{task}: lm-eval counts {theirs[task][their]}, ryot {ours[task][our]}")
