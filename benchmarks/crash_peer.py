"""DeepSpeed's save_checkpoint under kill -9, for benchmarks/crash.py: `save FOLDER COUNT SEED [--in-place]`, then `load FOLDER COUNT`.

`save` forks COUNT processes; each saves a whole checkpoint, trains, and is killed at a random moment while it saves the next: under a tag
of its own, as DeepSpeed does by itself, or over the first (`--in-place`), as who has no room for two does. `load` asks DeepSpeed for what
`latest` names, and prints for each `new`, `old`, or why there is nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import time
from pathlib import Path
from typing import NoReturn

import deepspeed
import torch
from deepspeed import ops

SETTINGS = {"train_micro_batch_size_per_gpu": 1, "optimizer": {"type": "AdamW", "params": {"lr": 1e-3, "torch_adam": True}}}
WIDTH, LAYERS = 1024, 6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["save", "load"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("seed", nargs="?", default="0")
    parser.add_argument("--in-place", action="store_true")
    options = parser.parse_args()
    os.environ |= {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    if options.what == "save":
        save(options.folder, options.count, random.Random(options.seed), options.in_place)  # noqa: S311 - where to strike, no secret
    else:
        print(json.dumps([load(options.folder / str(number)) for number in range(options.count)]))


ops.__compatible_ops__["deepspeed_shm_comm"] = False  # one rank needs none, and what compiles it leaves a lock when it is killed


def engine() -> deepspeed.DeepSpeedEngine:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = torch.nn.Sequential(*(torch.nn.Linear(WIDTH, WIDTH) for _ in range(LAYERS)))
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    made, *_ = deepspeed.initialize(model=model, config=SETTINGS, dist_init_required=False)
    return made


def checksum(made: deepspeed.DeepSpeedEngine) -> float:
    return float(sum(parameter.detach().double().abs().sum() for parameter in made.module.parameters()))


def save(folder: Path, count: int, draw: random.Random, in_place: bool) -> None:
    """The first save of all is not disturbed, and says how long one takes."""
    seconds = 0.0
    for number in range(-1, count):
        place = folder / str(number)
        place.mkdir(parents=True)
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            _child(place, theirs, in_place)
        os.close(theirs)
        with os.fdopen(ours) as told:
            told.readline()
            began = time.monotonic()
            if number >= 0:
                time.sleep(draw.uniform(0, seconds))
                os.kill(pid, signal.SIGKILL)
            told.readline()
            seconds = seconds or time.monotonic() - began
        os.waitpid(pid, 0)
    print(f"a save takes {seconds:.2f} s")


def _child(place: Path, told: int, in_place: bool) -> NoReturn:
    made = engine()
    sums = []
    for step in (1, 2):
        loss = made(torch.ones(1, WIDTH)).sum()
        made.backward(loss)
        made.step()
        sums.append(checksum(made))
        if step == 2:
            (place / "sums.json").write_text(json.dumps(sums))
            os.write(told, b"saving\n")
        made.save_checkpoint(str(place / "checkpoints"), tag="last" if in_place else f"global_step{step}")
    os.write(told, b"saved\n")
    os._exit(0)


def load(place: Path) -> str:
    old, new = json.loads((place / "sums.json").read_text())
    made = engine()
    try:
        path, _ = made.load_checkpoint(str(place / "checkpoints"))
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:60]}" if str(error) else type(error).__name__
    if path is None:
        return "nothing was loaded"
    found = checksum(made)
    return "new" if found == new else "old" if found == old else "other weights than were saved"


if __name__ == "__main__":
    main()
