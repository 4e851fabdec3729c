"""The processes that train together, seen from one of them. Gloo meets over a file and the loopback, so no port is taken."""

import os
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import torch
import torch.distributed as dist

_PATIENCE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class World:
    """This process's rank among `size`, and the device it computes on."""

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this rank writes what only one should write."""
        return self.rank == 0

    def total(self, *values: float) -> list[float]:
        """The sums of some numbers over all ranks."""
        return self._reduce(values, dist.ReduceOp.SUM)

    def largest(self, value: float) -> float:
        """The largest of a number over all ranks."""
        return self._reduce((value,), dist.ReduceOp.MAX)[0]

    def first_says(self, value: float) -> float:
        """Rank 0's number, on every rank."""
        tensor = torch.tensor([value], dtype=torch.float64, device=self.device)
        if self.size > 1:
            dist.broadcast(tensor, src=0)
        return float(tensor.item())

    def gather(self, values_N: torch.Tensor) -> torch.Tensor:
        """Every rank's numbers (as many on each), one rank after the other."""
        if self.size == 1:
            return values_N
        parts = [torch.empty_like(values_N) for _ in range(self.size)]
        dist.all_gather(parts, values_N.contiguous())
        return torch.cat(parts)

    def meet(self) -> None:
        """Wait for all ranks."""
        if self.size > 1:
            self.total(0.0)

    def _reduce(self, values: tuple[float, ...], how: Any) -> list[float]:
        if self.size == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor, op=how)
        return [float(value) for value in tensor.tolist()]


def join(meeting: Path, device: str) -> World:
    """Meet the other ranks at a file that no earlier run used. `device` is "cpu" or "cuda"."""
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    place = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if device == "cuda" else torch.device("cpu")
    if device == "cuda":
        torch.cuda.set_device(place)
    store = dist.FileStore(str(meeting), size)
    dist.init_process_group("nccl" if device == "cuda" else "gloo", store=store, rank=rank, world_size=size, timeout=_PATIENCE)
    return World(rank, size, place)


def leave(world: World) -> NoReturn:
    """End this process once all ranks have come here. Everything it leaves is on disk already.

    Gloo's threads, which DeepSpeed's groups hold beyond their end, abort now and then in the destructors of an ordinary exit
    ("terminate called without an active exception"); so the process ends without them.
    """
    world.meet()
    dist.destroy_process_group()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
