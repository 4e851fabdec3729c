"""The `ablate` stage, heavy half: times all variants, and tells what each part contributes."""

import json
import math
from typing import Any

from ryot.plugins import NodeError, StageContext
from ryot.stages.ablate.parts import PARTS, Variant, name_of, parts_of, settings, variants
from ryot.stages.ablate.stage import AblateConfig
from ryot.stages.compare.work import finished
from ryot.stages.train.launch import Ranks, launch
from ryot.stages.train.work import show


def run(config: AblateConfig, context: StageContext) -> None:
    """Ablate. Raises NodeError when the finished run had none of the parts."""
    chosen = finished(context.inputs["optimized"])["tuning"]["chosen"]
    parts = parts_of(config.baseline, config.optimized, chosen)
    if not parts:
        raise NodeError("the optimized run is the baseline: nothing is left that could be taken away", hint="add members to optimize.stack")
    named = {name_of(variant, parts): settings(variant, config.baseline, config.optimized, chosen) for variant in variants(parts)}
    job = {
        "variants": {name: {"config": trained.model_dump(mode="json"), "chosen": told} for name, (trained, told) in named.items()},
        "rounds": config.rounds,
        "block_steps": config.block_steps,
        "tokens": str(context.inputs["tokens"]),
        "result": str(context.scratch / "result.json"),
    }
    launch(Ranks("ryot.stages.ablate.rank", config.baseline.recipe.ranks, job), context, lambda line: show(line, context))
    rounds: list[dict[str, float]] = json.loads((context.scratch / "result.json").read_text())["rounds"]
    _measure(context, parts, rounds)
    context.write("ablation.json", json.dumps(table(parts, rounds, chosen), indent=1, sort_keys=True))


def _measure(context: StageContext, parts: Variant, rounds: list[dict[str, float]]) -> None:
    for part in parts:
        without, alone = _rivals(part, parts)
        context.measure(f"{part}_gain", pairs=tuple((spent[without], spent["stack"]) for spent in rounds))
        context.measure(f"{part}_alone", pairs=tuple((spent["baseline"], spent[alone]) for spent in rounds))


def _rivals(part: str, parts: Variant) -> tuple[str, str]:
    """The variants that tell what a part is worth: the stack without it, and nothing but it."""
    return name_of(parts - {part}, parts), name_of(frozenset({part}), parts)


def table(parts: Variant, rounds: list[dict[str, float]], chosen: dict[str, Any]) -> dict[str, Any]:
    """Seconds of every variant in every round, and by part the share of time it saves in the stack and alone."""
    total = {name: math.fsum(spent[name] for spent in rounds) for name in rounds[0]}
    rows = []
    for part, what in PARTS.items():
        if part in parts:
            without, alone = _rivals(part, parts)
            gains = {"gain": 1 - total["stack"] / total[without], "alone": 1 - total[alone] / total["baseline"]}
            rows.append({"part": part, "what": what, **gains})
    return {"parts": rows, "stack": 1 - total["stack"] / total["baseline"], "rounds": rounds, "choices": chosen}
