"""One process of an ablation: `python -m ryot.stages.ablate.rank JOB.json`, started by torchrun. All variants live in it, and take turns.

Every round is a block of updates of each variant on the same documents; the order turns by one from round to round, and every second
round goes backwards.
"""

import json
import sys
from pathlib import Path
from typing import Any

from ryot.plugins import write_durable
from ryot.stages.compare.rank import block, trainer_of, warm_up
from ryot.stages.train.child import Progress, begin
from ryot.stages.train.pace import COMPILE_S
from ryot.stages.train.stage import TrainConfig
from ryot.stages.train.trainer import Trainer
from ryot.stages.train.world import join, leave


def main(path: Path) -> None:
    """Time the rounds and write their seconds to the job's result."""
    job: dict[str, Any] = json.loads(path.read_text())
    progress = begin(job)
    world = join(Path(job["meeting"]), job["device"])
    trainers = {
        name: trainer_of(TrainConfig.model_validate(given["config"]), Path(job["tokens"]), given["chosen"], world)
        for name, given in job["variants"].items()
    }
    for trainer in trainers.values():
        warm_up(trainer)
    rounds = [_round(trainers, number, job, progress) for number in range(job["rounds"])]
    if world.first:
        write_durable(Path(job["result"]), json.dumps({"rounds": rounds}))
    leave(world)


def _round(trainers: dict[str, Trainer], number: int, job: dict[str, Any], progress: Progress) -> dict[str, float]:
    progress.at(f"round {number + 1} of {job['rounds']}", COMPILE_S)
    names = list(trainers)
    turn = number % len(names)
    order = (names[turn:] + names[:turn])[:: -1 if number % 2 else 1]
    spent = {name: block(trainers[name], number, job["block_steps"])[0] for name in order}
    progress.send({"done": number + 1, "total": job["rounds"], "unit": "round", "time_reduction": 1 - spent["stack"] / spent["baseline"]})
    return spent


if __name__ == "__main__":
    main(Path(sys.argv[1]))
