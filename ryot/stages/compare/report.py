"""comparison.json: both runs side by side, in the form that phase reports have, with what was measured beyond it. Pure.

Its criteria are points, without intervals; the verdict on a spec's targets is judged elsewhere, from the raw samples.
"""

import math
from typing import Any

from ryot.stages.compare.stage import CompareConfig

TIME_REDUCTION, THROUGHPUT, LOSS_GAP, LOSS_GAP_SHARE = 0.25, 0.20, 0.05, 0.01


def report(config: CompareConfig, baseline: dict[str, Any], optimized: dict[str, Any], timed: dict[str, Any]) -> dict[str, Any]:
    """The whole comparison as plain data. Times in seconds, losses in nats per token, throughput in real tokens per second."""
    return {
        "stage": "compare",
        "model": config.name,
        "baseline": side(baseline),
        "optimized": side(optimized),
        "comparison": compared(baseline, optimized, timed["blocks"]),
        "stack": {
            "kernel_level": config.optimized.kernel.level,
            "compressor_ratio": config.optimized.compressor.ratio if config.optimized.compressor else None,
            "padding_removed": optimized["padding_removed"],
            "choices": optimized["tuning"]["chosen"],
        },
        "blocks": {"updates": config.block_steps, "tokens": timed["tokens"], "seconds": timed["blocks"], "warm_up": timed["warm_up"]},
    }


def side(run: dict[str, Any]) -> dict[str, Any]:
    """One run: its times, losses and throughput."""
    total = math.fsum(run["seconds"])
    tokens = sum(update["tokens"] for update in run["updates"])
    positions = sum(update["positions"] for update in run["updates"])
    return {
        "total_time": total,
        "avg_epoch_time": total / len(run["epochs"]),
        "final_loss": _mean(run["heldout"]),
        "losses": [epoch["loss"] for epoch in run["epochs"]],
        "throughput": tokens / total,
        "updates": len(run["updates"]),
        "tokens": tokens,
        "positions": positions,
        "padded_share": 1 - tokens / positions,
        "initial_weights": run["initial_weights"],
        "resumed": run["resumed"],
    }


def compared(baseline: dict[str, Any], optimized: dict[str, Any], blocks: list[dict[str, float]]) -> dict[str, Any]:
    """Differences. `speedup_percent` is time saved, `speed_ratio` how many times faster: 27.3 % less time is 1.375 times faster."""
    slow, fast = (math.fsum(block[name] for block in blocks) for name in ("baseline", "optimized"))
    with_kernel = [block for block in blocks if "kernel" in block]
    gap = _mean(optimized["heldout"]) - _mean(baseline["heldout"])
    criteria = {
        "time_reduction": 1 - fast / slow >= TIME_REDUCTION,
        "throughput": slow / fast - 1 >= THROUGHPUT,
        "loss_convergence": abs(gap) <= min(LOSS_GAP, LOSS_GAP_SHARE * _mean(baseline["heldout"])),
    }
    return {
        "speedup_percent": 100 * (1 - fast / slow),
        "speed_ratio": slow / fast,
        "throughput_improvement_percent": 100 * (slow / fast - 1),
        "full_run_time_reduction_percent": 100 * (1 - math.fsum(optimized["seconds"]) / math.fsum(baseline["seconds"])),
        "time_reduction_without_packing_percent": _reduction(with_kernel) if with_kernel else None,
        "loss_gap": gap,
        "loss_convergence_match": criteria["loss_convergence"],
        "criteria": criteria,
        "all_criteria_met": all(criteria.values()),
        "outcome": outcome(criteria),
    }


def outcome(criteria: dict[str, bool]) -> str:
    """proceed · investigate: it learns as well but is not fast enough · stop: it does not learn what the baseline learns."""
    if all(criteria.values()):
        return "proceed"
    return "investigate" if criteria["loss_convergence"] else "stop"


def _reduction(blocks: list[dict[str, float]]) -> float:
    return 100 * (1 - math.fsum(block["kernel"] for block in blocks) / math.fsum(block["baseline"] for block in blocks))


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
