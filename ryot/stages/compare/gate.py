"""`optimize.gate: stop`: what reads the optimized weights first waits for the comparison, and refuses where it does not say to proceed."""

import json
from pathlib import Path
from typing import Any

from ryot.plugins import NodeError, Spec


def gate_of(spec: Spec, weights: str) -> dict[str, str]:
    """The further input of a node that reads these weights: the comparison, where they come from training and a missed gate stops."""
    stops = spec.optimize is not None and spec.optimize.gate == "stop"
    return {"comparison": "compare"} if stops and weights == "train.optimized" else {}


def refuse_missed_gate(folder: Path) -> None:
    """Raise NodeError when the comparison does not say to proceed."""
    told: dict[str, Any] = json.loads((folder / "comparison.json").read_text())["comparison"]
    if told["outcome"] != "proceed":
        missed = ", ".join(name.replace("_", " ") for name, met in told["criteria"].items() if not met)
        hint = "; ".join([*told["advice"], "optimize.gate: continue goes past it"])
        raise NodeError(f"the comparison missed its gate ({missed}): {told['outcome']}", hint=hint)
