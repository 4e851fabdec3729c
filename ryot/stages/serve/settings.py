"""The settings that `autotune` chose for a server, read back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from ryot.plugins import NodeError, StageContext
from ryot.stages.serve.stage import ServeConfig

SETTINGS = "settings.json"
Setting = Literal["threads", "eager", "in_process", "dtype", "max_concurrency", "kv_cache", "speculative"]
"""What `autotune` may choose: nothing that changes what is answered, but for the rounding of a type."""


def tuned(config: ServeConfig, context: StageContext) -> ServeConfig:
    """The config with what was chosen for it, where something was. Raises NodeError for settings that no try bears out."""
    folder = context.inputs.get("settings")
    if folder is None:
        return config
    told = json.loads((folder / SETTINGS).read_text())
    chosen, taken = told["settings"], taken_of(told["tried"])
    if chosen and (chosen != taken or not set(chosen) <= set(get_args(Setting))):  # none: the spec's own stay, whatever was tried
        raise NodeError(
            f"{SETTINGS} was not written by autotune: it has the settings {json.dumps(chosen)}, its tries took {json.dumps(taken)}",
            hint="write settings of your own into `serve`, without `autotune`",
        )
    return ServeConfig.model_validate(config.model_dump() | chosen)


def taken_of(tried: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the tries of an autotune amount to: the changes that were taken, the later ones over the earlier."""
    found: dict[str, Any] = {}
    for record in tried:
        found |= record["change"] if record["outcome"] == "taken" else {}
    return found
