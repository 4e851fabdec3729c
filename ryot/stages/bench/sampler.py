"""Looks at a server's processes and at the GPUs beside a load, twice a second: CPU time, resident memory, utilisation."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import psutil

from ryot.plugins import Endpoint, StageContext
from ryot.stages.bench.gpus import Gpu, Gpus

EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Look:
    """One look: seconds since the first, CPU seconds that the server's processes have used so far, their resident bytes (pages that several
    of them share counted in each), and the GPUs."""

    at_s: float
    cpu_s: float
    memory: int
    gpus: tuple[Gpu, ...] = ()


class Sampler:
    """The looks of one load. `lacking` says why there is nothing of the server's processes; "" where there is."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.looks: list[Look] = []
        self.gpus = Gpus()
        self._began_s = 0.0
        self._used_s: dict[tuple[int, float], float] = {}
        self._roots, self.lacking = _roots(endpoint)

    def look(self, *, at_once: bool = False) -> None:
        """Look, if the last time is long enough ago."""
        now_s = time.perf_counter()
        self._began_s = self._began_s if self.looks else now_s
        if self.looks and not at_once and now_s - self._began_s - self.looks[-1].at_s < EVERY_S:
            return
        self.looks.append(Look(now_s - self._began_s, *self._processes(), tuple(self.gpus.look())))

    def _processes(self) -> tuple[float, int]:
        """CPU seconds so far, those of processes that have ended since the first look among them, and resident bytes now."""
        memory = 0
        for process in self._tree():
            try:
                with process.oneshot():
                    self._used_s[process.pid, process.create_time()] = sum(process.cpu_times()[:2])
                    memory += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return sum(self._used_s.values()), memory

    def _tree(self) -> set[psutil.Process]:
        found = set()
        for root in self._roots:
            try:
                found |= {root, *root.children(recursive=True)}
            except psutil.NoSuchProcess:
                self.lacking = "a process of the server ended while the load was made"
        return found


def _roots(endpoint: Endpoint) -> tuple[list[psutil.Process], str]:
    """The processes that the server tells of."""
    engines, gateway = endpoint.info.get("pids"), endpoint.info.get("gateway_pid")
    told = [*(engines if isinstance(engines, list) else []), gateway]
    pids = [pid for pid in told if isinstance(pid, int)]
    lacking = "the engines run on other machines" if engines == [] else "" if engines else "the server does not tell its processes"
    try:
        return [psutil.Process(pid) for pid in pids], lacking
    except psutil.NoSuchProcess as error:
        return [], f"process {error.pid} of the server is not on this machine"


def measure(sampler: Sampler, context: StageContext) -> None:
    """Record what the server took of the machine. What could not be seen is no measure, and why is kept."""
    looks, gpus = sampler.looks, sampler.gpus
    context.write("resources.jsonl", "".join(json.dumps(asdict(look)) + "\n" for look in looks))
    used = shares(looks, len(os.sched_getaffinity(0))) if not sampler.lacking else []
    if used:
        context.measure("server_cpu", samples=used)
        context.measure("server_memory", max(look.memory for look in looks))
    for name in ("server_cpu", "server_memory") if not used else ():
        context.lack(name, sampler.lacking or "the load was over before the server's processes could be looked at twice")
    if not gpus.lacking and looks:
        context.measure("gpu_memory", max(sum(gpu.memory for gpu in look.gpus) for look in looks))
    else:
        context.lack("gpu_memory", gpus.lacking or "the load was over before the GPUs could be looked at")
    if utilisation := busy(looks):
        context.measure("gpu_utilisation", samples=utilisation)
    else:
        context.lack("gpu_utilisation", gpus.lacking or "the GPUs do not tell it")


def shares(looks: Sequence[Look], cores: int) -> list[float]:
    """Of each time between two looks, the share of all `cores` that the server used. A rest at the end, in which the kernel's count of CPU
    time (in hundredths of a second) tells little, is left out where there is a whole one."""
    spans = [(sooner, later, later.at_s - sooner.at_s) for sooner, later in pairwise(looks) if later.at_s > sooner.at_s]
    whole = [span for span in spans if span[2] >= EVERY_S / 2] or spans
    return [max(later.cpu_s - sooner.cpu_s, 0.0) / took_s / cores for sooner, later, took_s in whole]


def busy(looks: Sequence[Look]) -> list[float]:
    """The utilisation of all GPUs together at each look at which every one of them told it."""
    told = [[gpu.utilisation for gpu in look.gpus] for look in looks]
    return [sum(each) / len(each) for each in told if each and None not in each]  # type: ignore[arg-type]
