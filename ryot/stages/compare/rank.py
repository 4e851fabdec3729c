"""One process of a comparison: `python -m ryot.stages.compare.rank JOB.json`, started by torchrun. All sides live in it, and take turns.

A pair is a block of updates on one side and a block on the other, on the same documents; which comes first alternates.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ryot.plugins import write_durable
from ryot.stages.compare.stage import SYSTEM_PAIRS, CompareConfig
from ryot.stages.train.child import Progress, begin
from ryot.stages.train.documents import Documents, specials
from ryot.stages.train.pace import COMPILE_S
from ryot.stages.train.stage import TrainConfig
from ryot.stages.train.trainer import Trainer
from ryot.stages.train.world import World, join, leave

WARM_UP = 2
"""Updates of each side before the first timed block; the first of them compiles."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The trainers that take turns. `system` is the stack without packing, None where the stack does not pack."""

    baseline: Trainer
    optimized: Trainer
    system: Trainer | None


def main(path: Path) -> None:
    """Time the blocks and write their seconds to the job's result."""
    job: dict[str, Any] = json.loads(path.read_text())
    progress = begin(job)
    config = CompareConfig.model_validate(job["config"])
    world = join(Path(job["meeting"]), job["device"])
    sides = _sides(config, Path(job["tokens"]), job["chosen"], world)
    warm = {name: warm_up(trainer) for name, trainer in _named(sides).items()}
    result = _pairs(config, sides, progress) | {"warm_up": warm}
    if world.first:
        write_durable(Path(job["result"]), json.dumps(result))
    leave(world)


def _sides(config: CompareConfig, tokens: Path, chosen: dict[str, dict[str, Any]], world: World) -> Sides:
    unpacked = {**chosen["optimized"], "rows": config.optimized.recipe.batch_size, "packing": False}
    system = trainer_of(config.optimized, tokens, unpacked, world) if config.optimized.compressor else None
    baseline = trainer_of(config.baseline, tokens, chosen["baseline"], world)
    return Sides(baseline, trainer_of(config.optimized, tokens, chosen["optimized"], world), system)


def trainer_of(config: TrainConfig, tokens: Path, chosen: dict[str, Any], world: World) -> Trainer:
    """A trainer with first weights that chooses what the finished run chose, so that nothing is calibrated between blocks."""
    documents = Documents(tokens, "train", config.model.context, config.recipe.samples)
    return Trainer(config, documents, specials(tokens), world, chosen)


def _named(sides: Sides) -> dict[str, Trainer]:
    found = {"baseline": sides.baseline, "optimized": sides.optimized}
    return found | ({"system": sides.system} if sides.system else {})


def warm_up(trainer: Trainer) -> list[float]:
    """The seconds of each update before the first timed one."""
    return [trainer.update(index % trainer.updates).seconds for index in range(WARM_UP)]


def _pairs(config: CompareConfig, sides: Sides, progress: Progress) -> dict[str, Any]:
    blocks: list[dict[str, float]] = []
    tokens = 0
    for pair in range(config.blocks):
        progress.at(f"pair {pair + 1} of {config.blocks}", COMPILE_S)
        turns = [("baseline", sides.baseline), ("optimized", sides.optimized)]
        if sides.system and pair < SYSTEM_PAIRS:
            turns.append(("system", sides.system))
        seconds: dict[str, float] = {}
        for name, trainer in turns if pair % 2 == 0 else reversed(turns):
            seconds[name], counted = block(trainer, config.draw * config.blocks + pair, config.block_steps)
        blocks.append(seconds)
        tokens += counted
        reduction = 1 - sum(block["optimized"] for block in blocks) / sum(block["baseline"] for block in blocks)
        progress.send({"done": pair + 1, "total": config.blocks, "unit": "pair", "time_reduction": reduction})
    return {"blocks": blocks, "tokens": tokens}


def block(trainer: Trainer, number: int, steps: int) -> tuple[float, int]:
    """The seconds and real tokens of the updates of a block, counted from 0; a run's documents start again after its last update."""
    first = WARM_UP + number * steps
    updates = [trainer.update((first + step) % trainer.updates) for step in range(steps)]
    return sum(update.seconds for update in updates), sum(update.tokens for update in updates)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
