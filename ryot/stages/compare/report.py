"""comparison.json: both runs side by side, in the form that phase reports have, with what was measured beyond it. Pure.

Its criteria are held against the bounds that verdicts use, at 95 %: what is not shown is not met.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ryot.stages.compare.stage import CompareConfig

TIME_REDUCTION, THROUGHPUT, LOSS_GAP, LOSS_GAP_SHARE = 0.25, 0.20, 0.05, 0.01
WINDOW = 10
"""Updates whose mean is the training loss at the last of them."""


Bounds = Mapping[str, tuple[float, float]]
"""The lower and upper bound, each at 95 %, of stack_time_reduction, speed_ratio, loss_gap and loss_gap_relative."""


def report(
    config: CompareConfig, baseline: dict[str, Any], optimized: dict[str, Any], timed: dict[str, Any], bounds: Bounds
) -> dict[str, Any]:
    """The whole comparison as plain data. Times in seconds, losses in nats per token, throughput in real tokens per second."""
    return {
        "stage": "compare",
        "model": config.name,
        "baseline": side(baseline),
        "optimized": side(optimized),
        "comparison": compared(baseline, optimized, timed["blocks"], bounds),
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
        "samples_per_second": sum(update["documents"] for update in run["updates"]) / total,
        "memory": run["memory_tensors"],
    }


def compared(baseline: dict[str, Any], optimized: dict[str, Any], blocks: list[dict[str, float]], bounds: Bounds) -> dict[str, Any]:
    """Differences. `speedup_percent` is time saved, `speed_ratio` how many times faster: 27.3 % less time is 1.375 times faster."""
    slow, fast = (math.fsum(block[name] for block in blocks) for name in ("baseline", "optimized"))
    unpacked = [block for block in blocks if "system" in block]
    reached = time_to_loss(baseline, optimized)
    gap = _mean(optimized["heldout"]) - _mean(baseline["heldout"])
    most, most_share = (max(map(abs, bounds[name])) for name in ("loss_gap", "loss_gap_relative"))
    criteria = {
        "time_reduction": bounds["stack_time_reduction"][0] >= TIME_REDUCTION,
        "throughput": bounds["speed_ratio"][0] - 1 >= THROUGHPUT,
        "loss_convergence": most <= LOSS_GAP and most_share <= LOSS_GAP_SHARE,
    }
    parted = abs(gap) > min(LOSS_GAP, LOSS_GAP_SHARE * _mean(baseline["heldout"]))
    system = _reduction(unpacked) if unpacked else None
    return {
        "speedup_percent": 100 * (1 - fast / slow),
        "speed_ratio": slow / fast,
        "throughput_improvement_percent": 100 * (slow / fast - 1),
        "full_run_time_reduction_percent": 100 * (1 - math.fsum(optimized["seconds"]) / math.fsum(baseline["seconds"])),
        "time_reduction_without_packing_percent": system,
        "training_loss_both_reach": reached.loss,
        "baseline_seconds_to_it": reached.baseline,
        "optimized_seconds_to_it": reached.optimized,
        "loss_gap": gap,
        "loss_convergence_match": criteria["loss_convergence"],
        "criteria": criteria,
        "all_criteria_met": all(criteria.values()),
        "outcome": outcome(criteria, parted=parted),
        "advice": advice(criteria, gap, system, optimized, parted=parted),
    }


@dataclass(frozen=True, slots=True)
class TimeToLoss:
    """Seconds, from the first update on, until each side first had the loss."""

    loss: float
    baseline: float
    optimized: float

    @property
    def reduction(self) -> float:
        """The share of time saved."""
        return 1 - self.optimized / self.baseline


def time_to_loss(baseline: dict[str, Any], optimized: dict[str, Any]) -> TimeToLoss:
    """When each side first reached the training loss, as the mean of WINDOW updates, that the worse of the two ends with.

    Both see the same documents in the same order. Compiling, calibration and all else that took an update's time are included.
    """
    curves = [_smooth([update["loss"] for update in run["updates"]]) for run in (baseline, optimized)]
    loss = max(curve[-1] for curve in curves)
    first = [next(index for index, value in enumerate(curve) if value <= loss) for curve in curves]
    spent = [math.fsum(run["seconds"][: index + WINDOW]) for index, run in zip(first, (baseline, optimized), strict=True)]
    return TimeToLoss(loss, *spent)


def _smooth(losses: list[float]) -> list[float]:
    """Means of WINDOW updates, the first over updates 0 to WINDOW - 1; of all, where there are fewer."""
    size = min(WINDOW, len(losses))
    return [math.fsum(losses[start : start + size]) / size for start in range(len(losses) - size + 1)]


def outcome(criteria: dict[str, bool], *, parted: bool) -> str:
    """proceed · investigate: not everything is shown · stop: it does not learn what the baseline learns, its loss has `parted`."""
    if all(criteria.values()):
        return "proceed"
    return "stop" if parted else "investigate"


def advice(criteria: dict[str, bool], gap: float, system: float | None, optimized: dict[str, Any], *, parted: bool) -> list[str]:
    """What to look at, and what to change. `system` is the percentage of time saved without packing, None where nothing is packed."""
    chosen, found = optimized["tuning"]["chosen"], []
    if not criteria["loss_convergence"] and not parted:
        found.append("the losses may be equal, but too few held-out documents show it: raise data.held_out")
    if parted:
        change = "set kernel.bf16: false and compare again" if chosen.get("precision") == "bf16" else "lower kernel.level to 1"
        found.append(f"the optimized run's held-out loss is {gap:+.3g} nats off: {change}")
    if criteria["time_reduction"] and criteria["throughput"]:
        return found
    asked = optimized["asked_ratio"] or 0.0
    if optimized["padding_removed"] < asked / 2:
        found.append(
            f"packing removed {optimized['padding_removed']:.0%} of the row positions, not {asked:.0%}: the documents leave little padding"
        )
    if system is not None and system <= 0:
        found.append("without packing the stack saves no time: the kernel level gives nothing on this device")
    found.append("optimize.ablate: {rounds: 8} tells what each part of the stack is worth")
    return found


def _reduction(blocks: list[dict[str, float]]) -> float:
    return 100 * (1 - math.fsum(block["system"] for block in blocks) / math.fsum(block["baseline"] for block in blocks))


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
