"""The `align` stage, heavy half: makes the preferences, trains as `finetune` does, and measures rewards on the held-out ones."""

import math
from collections.abc import Mapping
from typing import Any

from ryot.plugins import NodeError, StageContext
from ryot.stages.align.rewards import loss, margins
from ryot.stages.align.stage import AlignConfig
from ryot.stages.compare.gate import refuse_missed_gate
from ryot.stages.data.generator.preferences import cells_by_name, wrong_for
from ryot.stages.data.stage import GeneratorSource
from ryot.stages.finetune.pairs import APART, Pair, made_documents, prompt_of, read_pairs, text_in, worked
from ryot.stages.finetune.work import measure, tune


def run(config: AlignConfig, context: StageContext) -> None:
    """Align. Raises NodeError for pairs that are wrong, and with the training process's own words."""
    if "comparison" in context.inputs:
        refuse_missed_gate(context.inputs["comparison"])
    pairs = made(config, config.pairs, context) if isinstance(config.pairs, GeneratorSource) else read_pairs(config.pairs, preference)
    prepared, result = tune("ryot.stages.align.rank", config, pairs, context)
    gained = margins(result["reference"], result["heldout"], config.beta)
    hits = sum(margin > 0 for margin in gained)
    context.measure("reward_accuracy", hits=hits, of=len(gained))
    context.measure("margin", samples=gained)
    context.measure("loss", samples=tuple(map(loss, gained)))
    measure(context, prepared, result)
    context.say(f"{hits} of {len(gained)} held-out pairs preferred as chosen, mean margin {math.fsum(gained) / len(gained):.4f}")


def preference(record: Mapping[str, Any]) -> Pair:
    """A pair to prefer: `prompt`, `chosen` and `rejected`. Raises ValueError."""
    chosen, rejected = text_in(record, "chosen"), text_in(record, "rejected")
    if chosen == rejected:
        raise ValueError("`chosen` and `rejected` are the same text")
    return Pair(text_in(record, "prompt"), (chosen, rejected))


def made(config: AlignConfig, source: GeneratorSource, context: StageContext) -> list[Pair]:
    """Questions with their right worked answer and a wrong one. Raises NodeError when too few have a wrong one."""
    cells = cells_by_name()
    seed = config.seed + APART  # moved once more: the questions of `finetune` are other draws
    pairs = []
    for document in made_documents(source, seed, context):
        wrong = wrong_for(document, seed, cells)
        if wrong is not None:
            pairs.append(Pair(prompt_of(document), (worked(document), worked(wrong))))
    if len(pairs) * 2 < source.examples:
        raise NodeError(f"only {len(pairs)} of {source.examples} examples have a wrong answer that is proven wrong")
    return pairs
