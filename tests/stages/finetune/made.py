"""Pairs in words of the small tokenizer, settings to train on them, and a run in a process of its own that may be killed."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ryot.plugins import digest_file
from ryot.stages.data.stage import FileSource
from ryot.stages.finetune.modules import ATTENTION
from ryot.stages.finetune.settings import LoraChoice, TuningRecipe

DRIVER = """
import sys
from pathlib import Path
from ryot.plugins import NodeError
from ryot.plugins.testing import run_stage
from {module} import {stage}
weights, tokens = map(Path, sys.argv[3:])
config = {stage}.Config.model_validate_json(sys.argv[1])
run_stage({stage}(), config, Path(sys.argv[2]), inputs={{"weights": weights, "tokens": tokens}})
"""


def pairs_of(count: int, seed: int = 0) -> list[dict[str, str]]:
    """Pairs with a rule in them: the answer to a word is the next two words. What is rejected goes two words back."""
    random_ = random.Random(seed)
    numbers = random_.sample(range(6, 290), count)
    said = [" ".join(f"w{number}" for number in random_.choices(range(3, 290), k=random_.randint(1, 8))) for _ in numbers]
    return [
        {"prompt": f"{before} w{n}", "completion": f"w{n + 1} w{n + 2}", "chosen": f"w{n + 1} w{n + 2}", "rejected": f"w{n - 1} w{n - 2}"}
        for n, before in zip(numbers, said, strict=True)
    ]


def write_pairs(path: Path, pairs: list[dict[str, Any]]) -> FileSource:
    """A file of pairs, as a node's config names it."""
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    return FileSource(digest=digest_file(path), written=path.name, path=str(path))


def settings(source: FileSource, family: str = "gpt", **recipe: Any) -> dict[str, Any]:
    """The fields of a config for a context of 32 tokens; `recipe` overrides the recipe's."""
    asked = {"batch_size": 4, "accumulation": 1, "epochs": 4, "steps": None, "lr": 3e-3, "schedule": "cosine", "warmup_steps": 2}
    asked |= {"weight_decay": 0.0, "clip": 1.0, "seed": 7} | recipe
    lora = LoraChoice(rank=8, alpha=16, dropout=0.1, modules=ATTENTION[family])
    return {
        "pairs": source, "held_out": 0.2, "seed": 7, "context": 32, "lora": lora, "recipe": TuningRecipe(**asked), "checkpoint_every": 3,
    }  # fmt: skip


def start(stage: type, config: Any, folder: Path, inputs: dict[str, Path]) -> subprocess.Popen[bytes]:
    """A run in a process of its own."""
    script = DRIVER.format(module=stage.__module__, stage=stage.__name__)
    return subprocess.Popen(
        [sys.executable, "-c", script, config.model_dump_json(), str(folder), str(inputs["weights"]), str(inputs["tokens"])]
    )


def wait_for(what: Callable[[], bool], process: subprocess.Popen[bytes], limit_s: float = 300.0) -> None:
    deadline = time.monotonic() + limit_s
    while not what():
        assert process.poll() is None, "the run was over before it happened"
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def results(folder: Path) -> dict[str, bytes]:
    """What a run leaves that must not depend on crashes."""
    return {name: (folder / "out" / name).read_bytes() for name in ("model.safetensors", "history.json", "config.json")}
