"""Starts ranks through torchrun and watches them to their end: progress is passed on, a rank that is stopped, stuck or dead is named, and
its own words are repeated."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ryot.plugins import StageContext
from ryot.stages.train.diagnosis import Launched, diagnosis
from ryot.stages.train.shortage import kills
from ryot.stages.train.torchrun import POLL_S, Launchers, environment
from ryot.stages.train.watch import Watch


@dataclass(frozen=True, slots=True)
class Ranks:
    """What to start: a module run as `python -m MODULE JOB.json`, in so many processes, spread evenly over the node's machines."""

    module: str
    count: int
    job: dict[str, Any]


def launch(ranks: Ranks, context: StageContext, on_line: Callable[[dict[str, Any]], None]) -> None:
    """Run the ranks to their end, giving `on_line` rank 0's progress. Raises NodeError with the failing rank's own
    diagnosis; OutOfMemory where memory ran out, LostMachine where a further machine was lost."""
    folder = context.scratch / "ranks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = tuple(machine.name for machine in context.machines) or ("",)
    each = ranks.count // len(names)
    threads = max(context.cpus // each, 1)
    device = "cuda" if context.device.startswith("cuda") else "cpu"
    job = ranks.job | {"folder": str(folder), "meeting": str(folder / "meeting"), "threads": threads, "device": device}
    job |= {"each": each, "addresses": [machine.address for machine in context.machines]}
    (folder / "job.json").write_text(json.dumps(job))
    watch, kills_before, failed = Watch(folder, ranks.count, on_line, names), kills(), False
    torchruns = Launchers(context, folder, each, [ranks.module, str(folder / "job.json")], environment(threads, device, context.scratch))
    try:
        while torchruns.all_run and not (failed := watch.look()):
            time.sleep(POLL_S)
        if not failed:
            torchruns.settle(watch.look)
        watch.look()
        code = torchruns.code
    finally:
        torchruns.end()
    if code != 0:
        raise diagnosis(Launched(folder, ranks.count, names, torchruns.logs), code, kills_before)
