"""The `finetune` stage, heavy half: makes the pairs, starts the process that trains, and turns what it leaves into weights and measures."""

import json
import math
import shutil
from collections.abc import Sequence
from typing import Any

from ryot.plugins import NodeError, StageContext
from ryot.stages.compare.gate import refuse_missed_gate
from ryot.stages.data.stage import GeneratorSource
from ryot.stages.finetune.encode import Prepared, prepare
from ryot.stages.finetune.pairs import Pair, made_documents, prompt_of, read_pairs, supervised, worked
from ryot.stages.finetune.settings import TuningConfig
from ryot.stages.finetune.stage import FinetuneConfig
from ryot.stages.train.launch import Ranks, launch
from ryot.stages.train.work import show
from ryot.stages.windows import settled_rates

Result = dict[str, Any]


def run(config: FinetuneConfig, context: StageContext) -> None:
    """Fine-tune. Raises NodeError for pairs that are wrong, and with the training process's own words."""
    if "comparison" in context.inputs:
        refuse_missed_gate(context.inputs["comparison"])
    if isinstance(config.pairs, GeneratorSource):
        pairs = [Pair(prompt_of(made), (worked(made),)) for made in made_documents(config.pairs, config.seed, context)]
    else:
        pairs = read_pairs(config.pairs, supervised)
    prepared, result = tune("ryot.stages.finetune.rank", config, pairs, context)
    context.measure("loss_before", samples=tuple(result["before"]))
    context.measure("loss_after", samples=tuple(result["heldout"]))
    drops = tuple(before - after for before, after in zip(result["before"], result["heldout"], strict=True))
    context.measure("loss_drop", samples=drops)
    measure(context, prepared, result)
    context.say(f"held-out loss {_mean(result['before']):.4f} before, {_mean(result['heldout']):.4f} after, nats a token")


def tune(module: str, config: TuningConfig, pairs: Sequence[Pair], context: StageContext) -> tuple[Prepared, Result]:
    """Train on pairs in a process of its own, and write the weights it leaves. Returns the pairs as they were used, and its result."""
    if len(pairs) < 2:
        raise NodeError(f"there are {len(pairs)} pairs; some are trained on and at least one is held out", hint="give more pairs")
    prepared = prepare(pairs, context.inputs["tokens"], config.context, config.heldout(len(pairs)), config.seed)
    updates = config.recipe.updates(len(prepared.train))
    if config.recipe.warmup_steps >= updates:
        raise NodeError(f"warmup_steps is {config.recipe.warmup_steps} of {updates} updates", hint="about 5 % is usual")
    if prepared.lost:
        context.warn(
            f"{prepared.lost} of {prepared.pairs} pairs are left out: the context of {config.context} tokens leaves nothing to learn"
        )
    scratch = context.scratch
    prepared.write(scratch / "pairs.json")
    job: dict[str, Any] = {"config": config.model_dump(mode="json"), "pairs": str(scratch / "pairs.json")}
    job |= {name: str(scratch / name) for name in ("checkpoints", "results")}
    job |= {name: str(context.inputs[name]) for name in ("weights", "tokens")}
    shutil.rmtree(scratch / "results", ignore_errors=True)
    context.say(f"{len(prepared.train)} pairs to train on, {len(prepared.heldout)} held out, {prepared.cut} cut; {updates} updates")
    launch(Ranks(module, 1, job), context, lambda line: show(line, context))
    result: Result = json.loads((scratch / "results" / "result.json").read_text())
    _write(context, result)
    return prepared, result


def _write(context: StageContext, result: Result) -> None:
    """The files that training leaves too."""
    for name in ("config.json", "model.safetensors"):
        context.write(name, (context.scratch / "results" / name).read_bytes())
    updates = [{name: value for name, value in update.items() if name != "seconds"} for update in result["updates"]]
    kept = {name: value for name, value in result.items() if name not in ("updates", "resumed", "memory_rss")}
    context.write("history.json", json.dumps(kept | {"updates": updates}, sort_keys=True))
    timings = {"seconds": [update["seconds"] for update in result["updates"]], "resumed": result["resumed"]}
    context.write("timings.json", json.dumps(timings, sort_keys=True))


def measure(context: StageContext, prepared: Prepared, result: Result) -> None:
    """What `finetune` and `align` find out alike."""
    updates = result["updates"]
    context.measure("pairs", len(prepared.train))
    context.measure("cut", prepared.cut, of=prepared.pairs)
    context.measure("updates", len(updates))
    context.measure("total_time", math.fsum(update["seconds"] for update in updates))
    rates = settled_rates([update["tokens"] for update in updates], [update["seconds"] for update in updates])
    context.measure("tokens_per_s", samples=rates)
    for name in ("parameters", "trainable", "memory_rss", "merge_difference"):
        context.measure(name, result[name])


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
