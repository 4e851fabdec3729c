"""One rank of a sum over all ranks: `python -m ryot.stages.validation.collective JOB.json`, started by torchrun."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from ryot.plugins import write_durable
from ryot.stages.train.child import begin
from ryot.stages.train.world import join, leave

NUMBERS = 1 << 22
ROUNDS = 5


def main(path: Path) -> None:
    """Add up, time it, and let rank 0 write what came out."""
    job: dict[str, Any] = json.loads(path.read_text())
    begin(job)
    world = join(Path(job["meeting"]), job["device"])
    seconds, right = [], True
    for _ in range(ROUNDS):
        mine = torch.full((NUMBERS,), world.rank + 1.0, device=world.device)
        world.meet()
        begun = time.perf_counter()
        distributed.all_reduce(mine)
        right &= bool((mine == world.size * (world.size + 1) / 2).all())  # reading it waits for the device
        seconds.append(time.perf_counter() - begun)
    if world.first:
        found = {"right": right, "ranks": world.size, "backend": distributed.get_backend(), "bytes": 4 * NUMBERS, "seconds": min(seconds)}
        write_durable(Path(job["result"]), json.dumps(found))
    leave(world)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
