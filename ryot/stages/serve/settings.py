"""The settings that `autotune` chose for a server, read back."""

from __future__ import annotations

import json

from ryot.plugins import StageContext
from ryot.stages.serve.stage import ServeConfig

SETTINGS = "settings.json"


def tuned(config: ServeConfig, context: StageContext) -> ServeConfig:
    """The config with what was chosen for it, where something was."""
    folder = context.inputs.get("settings")
    if folder is None:
        return config
    chosen = json.loads((folder / SETTINGS).read_text())["settings"]
    return ServeConfig.model_validate(config.model_dump() | chosen)
