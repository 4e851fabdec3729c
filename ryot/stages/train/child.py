"""What every rank does first: die with torchrun, keep a log of its own, show that it lives and moves, and leave its error where ryot
reads it."""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import torch
import transformers

from ryot.plugins import RyotError, processes, sync_path, write_durable
from ryot.stages import collector
from ryot.stages.lean import shown
from ryot.stages.train.network import talk_over
from ryot.stages.train.pace import STALL_S, Pacer
from ryot.stages.train.shortage import ran_out

if TYPE_CHECKING:  # the trainer imports DeepSpeed, which costs seconds, and a rank begins before it needs it
    from ryot.stages.train.trainer import Update

BEAT_S = 1.0
"""Seconds between two signs of life."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Rank 0's lines to the node, of which the other ranks say nothing, and every rank's pace."""

    path: Path | None
    pacer: Pacer

    def at(self, place: str, least_s: float = STALL_S) -> None:
        """This rank moves on, to `place`, where it may stay `least_s` seconds before it counts as stuck."""
        self.pacer.at(place, least_s)

    def say(self, text: str) -> None:
        """A line for the node's log."""
        self.send({"say": text})

    def warn(self, text: str) -> None:
        """What the user should know of the run."""
        self.send({"warn": text})

    def update(self, index: int, total: int, update: Update) -> None:
        """An update that is done."""
        numbers = {"loss": update.loss, "tokens_per_s": update.tokens / update.seconds, "lr": update.lr}
        self.send({"done": index + 1, "total": total, "unit": "update", **numbers})

    def send(self, line: dict[str, Any]) -> None:
        """One JSON line."""
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")


def begin(job: dict[str, Any]) -> Progress:
    """Set this process up. `job` has `folder`, where logs, errors, signs of life and progress go, `threads`, the `addresses` of the node's
    machines if it has several, and how many ranks `each` has. Raises NodeError where these do not reach each other."""
    _die_with_torchrun()
    collector.as_usual()
    rank, folder = int(os.environ["RANK"]), Path(job["folder"])
    log = os.open(folder / f"rank-{rank}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.enable()
    pacer = Pacer(folder, rank)
    sys.excepthook = _Witness(folder / f"error-{rank}.json", rank, pacer)
    beats = os.open(folder / f"beat-{rank}", os.O_WRONLY | os.O_CREAT, 0o644)
    _beat(beats)  # before anything can stop this process: a rank that was never heard is not missed
    away = rank // int(job["each"])
    flushed = (folder / f"beat-{rank}", folder / f"pace-{rank}") if away else ()
    threading.Thread(target=_keep_beating, args=(beats, flushed), daemon=True).start()
    if len(job["addresses"]) > 1:
        talk_over(job["addresses"][0 if away else 1])
    warnings.filterwarnings("ignore", category=FutureWarning)  # of torch, about the names that DeepSpeed calls it by
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(int(job["threads"]))
    return Progress(folder / "progress.jsonl" if rank == 0 else None, pacer)


def _die_with_torchrun() -> None:
    parent = os.getppid()
    processes.die_with_parent(parent)
    if b"torch.distributed.run" not in Path(f"/proc/{parent}/cmdline").read_bytes():
        sys.exit("torchrun is gone")  # it died before this process could ask to die with it


def _beat(file: int) -> None:
    """Written over in place: a file cut to nothing and written again is flushed by some file systems, and waits for a busy disk."""
    os.pwrite(file, f"{time.monotonic():020.3f}".encode(), 0)


def _keep_beating(file: int, flushed: Sequence[Path]) -> None:
    """`flushed` are the files that the first machine would see late: a network file system keeps for half a minute what is not flushed."""
    while True:
        time.sleep(BEAT_S)
        _beat(file)
        for path in flushed:
            sync_path(path)


@dataclass(frozen=True, slots=True)
class _Witness:
    """Python's excepthook: the error as JSON, then in the log as ever."""

    path: Path
    rank: int
    pacer: Pacer

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        ours = isinstance(error, RyotError)
        told = {"ours": ours, "message": error.message if isinstance(error, RyotError) else f"{kind.__name__}: {error}"}
        told |= {"hint": error.hint if isinstance(error, RyotError) else None, "rank": self.rank, "at": time.time()}
        told |= {"kind": kind.__name__, "memory": ran_out(error), "place": self.pacer.place}
        write_durable(self.path, json.dumps(told))
        traceback.print_exception(kind, error, shown(trace))
