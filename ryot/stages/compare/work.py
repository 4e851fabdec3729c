"""The `compare` stage, heavy half: starts the timing, reads both finished runs, and writes measures and comparison.json."""

import json
import math
from pathlib import Path
from typing import Any

from ryot.plugins import NodeError, StageContext
from ryot.stages.compare.report import report, time_to_loss
from ryot.stages.compare.stage import CompareConfig
from ryot.stages.train.launch import Ranks, launch
from ryot.stages.train.work import show

CHOICES = ("rows", "compile", "precision", "packing", "attention", "dropout", "gradient_error")

Finished = dict[str, Any]
"""A finished run: what stands in history.json and timings.json."""


def run(config: CompareConfig, context: StageContext) -> None:
    """Compare. Raises NodeError when the two sides did not start from the same weights or were judged on other documents."""
    baseline, optimized = finished(context.inputs["baseline"]), finished(context.inputs["optimized"])
    refuse_unequal(baseline, optimized)
    result = context.scratch / "result.json"
    job = {
        "config": config.model_dump(mode="json"),
        "tokens": str(context.inputs["tokens"]),
        "chosen": {"baseline": choices_of(baseline), "optimized": choices_of(optimized)},
        "result": str(result),
    }
    launch(Ranks("ryot.stages.compare.rank", config.baseline.recipe.ranks, job), context, lambda line: show(line, context))
    timed: dict[str, Any] = json.loads(result.read_text())
    _measure(context, baseline, optimized, timed)
    bounds = {name: context.bounds(name) for name in ("stack_time_reduction", "speed_ratio", "loss_gap", "loss_gap_relative")}
    context.write("comparison.json", json.dumps(report(config, baseline, optimized, timed, bounds), indent=1, sort_keys=True))


def finished(folder: Path) -> Finished:
    """What a "weights" folder says of its run."""
    found: Finished = json.loads((folder / "history.json").read_text()) | json.loads((folder / "timings.json").read_text())
    return found


def choices_of(run: Finished) -> dict[str, Any]:
    """What a finished run chose, or found out, and its timed blocks take over."""
    chosen = run["tuning"]["chosen"]
    return {name: chosen[name] for name in CHOICES if name in chosen}


def refuse_unequal(baseline: Finished, optimized: Finished) -> None:
    """Raise NodeError when the two runs cannot be compared."""
    if baseline["initial_weights"] != optimized["initial_weights"]:
        raise NodeError("baseline and optimized did not start from the same weights", hint="give both the same model and train.seed")
    if len(baseline["heldout"]) != len(optimized["heldout"]):
        raise NodeError("baseline and optimized were evaluated on different held-out documents")


def _measure(context: StageContext, baseline: Finished, optimized: Finished, timed: dict[str, Any]) -> None:
    blocks = timed["blocks"]
    pairs = tuple((block["baseline"], block["optimized"]) for block in blocks)
    without = tuple((block["baseline"], block["system"]) for block in blocks if "system" in block)
    gaps = [theirs - ours for ours, theirs in zip(baseline["heldout"], optimized["heldout"], strict=True)]
    mean = math.fsum(baseline["heldout"]) / len(baseline["heldout"])
    context.measure("stack_time_reduction", pairs=pairs)
    context.measure("speed_ratio", pairs=pairs)
    context.measure("system_time_reduction", pairs=without or pairs)
    context.measure("throughput_improvement", sum(pair[0] for pair in pairs) / sum(pair[1] for pair in pairs) - 1)
    context.measure("loss_gap", samples=tuple(gaps))
    context.measure("loss_gap_relative", samples=tuple(gap / mean for gap in gaps))
    context.measure("total_time_reduction", 1 - math.fsum(optimized["seconds"]) / math.fsum(baseline["seconds"]))
    context.measure("time_to_loss_reduction", time_to_loss(baseline, optimized).reduction)
    context.measure("compile_time", max(timed["warm_up"]["optimized"][0] - timed["warm_up"]["optimized"][1], 0.0))
