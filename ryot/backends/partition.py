"""What SLURM says of its partitions: nodes and jobs, read from the lines of sinfo and squeue, and which node could hold what. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NODES = "%P|%N|%T|%c|%m|%G|%C|%l|%L"
"""The format of `sinfo --Node`: a line for each node of each partition."""
JOBS = "%P|%T"
"""The format of squeue."""
_GONE = ("down", "drain", "fail", "maint", "unknown", "inval", "future")
"""What the states begin with in which a node takes no job."""
_GPUS = re.compile(r"(?:^|,)gpu(?::[^,:(]*)?:(\d+)")
_MB = {"": 1, "K": 1 / 1024, "M": 1, "G": 1024, "T": 1024 * 1024}
_SHAPES = 3
"""So many kinds of nodes are told apart."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a node has, or a job asks for: CPUs, memory in MB, GPUs."""

    cpus: int
    memory_mb: int = 0
    gpus: int = 0

    def holds(self, other: Shape) -> bool:
        """Whether there is at least so much of each."""
        return self.cpus >= other.cpus and self.memory_mb >= other.memory_mb and self.gpus >= other.gpus

    def __str__(self) -> str:
        memory = f"{self.memory_mb / 1024:.0f} GiB" if self.memory_mb >= 1024 else f"{self.memory_mb} MiB"
        parts = (_count(self.cpus, "CPU"), memory if self.memory_mb else "", _count(self.gpus, "GPU") if self.gpus else "")
        return ", ".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """A node in a partition. `busy`, `idle` and `other` count its CPUs; limits are as SLURM writes them."""

    partition: str
    default: bool
    name: str
    state: str
    shape: Shape
    busy: int
    idle: int
    other: int
    limit: str
    usual_limit: str

    @property
    def up(self) -> bool:
        """Whether it takes jobs, now or when its turn comes."""
        return not self.state.startswith(_GONE)


def nodes_of(lines: Sequence[str]) -> list[ClusterNode]:
    """The nodes that sinfo told of in the format NODES. Raises ValueError for what is none."""
    found = []
    for line in lines:
        partition, name, state, cpus, memory, gres, use, limit, usual = line.split("|")
        busy, idle, other, _ = map(int, use.split("/"))
        shape = Shape(int(cpus), int(memory.rstrip("+")), sum(map(int, _GPUS.findall(gres))))
        bare = re.sub(r"[^a-z_]+$", "", state.lower())
        found.append(ClusterNode(partition.rstrip("*"), partition.endswith("*"), name, bare, shape, busy, idle, other, limit, usual))
    return found


def chosen(nodes: Sequence[ClusterNode], wanted: str | None) -> list[ClusterNode]:
    """The nodes of the partitions that are named (`gpu`, `gpu,long`), or of the default one."""
    named = wanted.split(",") if wanted else []
    return [node for node in nodes if (node.partition in named if named else node.default)]


def about(nodes: Sequence[ClusterNode], jobs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Partitions in words: label and text. `jobs` are all of the cluster's, in the format JOBS."""
    for partition in dict.fromkeys(node.partition for node in nodes):
        inside = [node for node in nodes if node.partition == partition]
        states = ", ".join(f"{count} {state}" for state, count in Counter(node.state for node in inside).most_common())
        limit = "jobs have no time limit" if inside[0].limit == "infinite" else f"jobs take {inside[0].limit} at most"
        default = " (the default)" if inside[0].default else ""
        yield "partition", f"{partition}{default}, {_count(len(inside), 'node')}: {states}; {limit}"
        yield "nodes", shapes(inside)
        busy, idle, other = (sum(getattr(node, name) for node in inside) for name in ("busy", "idle", "other"))
        yield "CPUs", f"{busy + idle + other}: {busy} allocated, {idle} idle" + (f", {other} of nodes that take no jobs" if other else "")
        states_of_jobs = [state for places, _, state in (line.partition("|") for line in jobs) if partition in places.split(",")]
        yield "jobs", f"{states_of_jobs.count('RUNNING')} running, {states_of_jobs.count('PENDING')} pending"


def shapes(nodes: Sequence[ClusterNode]) -> str:
    """What the nodes have: `2 with 64 CPUs, 503 GiB, 8 GPUs; 4 with 32 CPUs, 251 GiB`; the largest first."""
    counted = Counter(node.shape for node in nodes)
    largest = sorted(counted, key=lambda shape: (shape.gpus, shape.cpus, shape.memory_mb), reverse=True)
    more = f"; {len(largest) - _SHAPES} kinds more" if len(largest) > _SHAPES else ""
    return "; ".join(f"{counted[shape]} with {shape}" for shape in largest[:_SHAPES]) + more


def lacking(nodes: Sequence[ClusterNode], asked: Shape) -> str | None:
    """What of that which is asked for no node has enough of: cpus, gpus or memory; `all` where none has all of it; None where one has."""
    if any(node.shape.holds(asked) for node in nodes):
        return None
    for name, field in (("cpus", "cpus"), ("gpus", "gpus"), ("memory", "memory_mb")):
        if all(getattr(node.shape, field) < getattr(asked, field) for node in nodes):
            return name
    return "all"


def megabytes(written: str | None) -> int:
    """MB of `--mem`, rounded up; 0, which is all of a node's or its default, for none."""
    return 0 if written is None else -int(-int(written.rstrip("KMGT")) * _MB[written.lstrip("0123456789")] // 1)


def seconds_of(limit: str) -> int | None:
    """A time limit as SLURM reads and writes it (`90`, `90:00`, `8:00:00`, `2-12`, `2-12:30:00`) in seconds; None for one that is none."""
    days, dash, rest = limit.rpartition("-")
    if not re.fullmatch(r"\d+(:\d+){0,2}", rest) or not (days.isdecimal() or not dash):
        return None
    parts = list(map(int, rest.split(":")))
    if dash:
        hours, minutes, seconds = (*parts, 0, 0)[:3]
        return ((int(days) * 24 + hours) * 60 + minutes) * 60 + seconds
    hours, minutes, seconds = (0, *parts, 0)[:3] if len(parts) < 3 else parts
    return (hours * 60 + minutes) * 60 + seconds


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
