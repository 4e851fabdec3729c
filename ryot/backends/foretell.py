"""What SLURM tells of a plan before anything runs: what a partition has, by sinfo and squeue, and whether each wish fits: never, where
no node is large enough, else as `sbatch --test-only` has it. Nothing is submitted."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ryot.backends import partition
from ryot.plugins import Fit, MachineError, Outlook, Wish

_REACH = "try `sinfo` where ryot runs"
_ANSWER_S = 30.0
"""How long SLURM may take to say what it has."""
NEVER = re.compile(
    r"invalid (partition|account|qos|feature|generic|wckey|reservation)|limit is invalid|specification|not permitted|can ?not be satisfied"
    r"|unsupported|permission denied|more processors|memory required",
    re.IGNORECASE,
)
"""What sbatch refuses for ever, by the words of slurm_errno.c; what else it may say, of its controller or of limits that pass, is not."""
_NO_SUCH_NODE = "node configuration is not available"
"""So sbatch refuses what no node has, and, where it only tests, what no node has that is up."""
_HINTS = {
    "cpus": (("hardware", "cpus"), "ask for fewer cores with hardware.cpus, or name another backend.with.partition"),
    "gpus": (("backend", "with", "gpus"), "ask for fewer GPUs, or name another backend.with.partition"),
    "memory": (("backend", "with", "memory"), "ask for less memory, or name another backend.with.partition"),
    "all": (("backend", "with"), "ask for less, or name another backend.with.partition"),
}


@dataclass(frozen=True, slots=True)
class Asks:
    """What is asked of SLURM for every node, as the backend's settings have it. `options`: whether there are further ones, that say nobody
    knows what; `argv` gives sbatch's options for so many cores, alone or not, on so many machines."""

    partition: str | None
    time: str | None
    memory: str | None
    gpus: int
    options: bool
    argv: Callable[[int, bool, int], list[str]]


def foretell(asks: Asks, wishes: Sequence[Wish]) -> Outlook:
    """The partition's nodes and jobs; and of each wish that it fits no node, or what sbatch expects of it, asked once for each kind.
    Raises MachineError where SLURM does not answer."""
    try:
        nodes = partition.nodes_of(_told(["sinfo", "--all", "--noheader", "--Node", f"--format={partition.NODES}"]))
    except ValueError as error:
        raise MachineError(f"sinfo speaks otherwise than it should: {error}", hint="see what `sinfo --Node` says") from error
    jobs = _told(["squeue", "--all", "--noheader", "--array", "--states=PENDING,RUNNING", f"--format={partition.JOBS}"])
    mine = partition.chosen(nodes, asks.partition)
    has = tuple(partition.about(mine, jobs))
    if not mine:
        what = f"{asks.partition} is not there" if asks.partition else "none is the default"
        has = (("partition", f"{what}; there are: {_names(nodes)}"),)
    kinds = {_kind(wish): wish for wish in wishes}
    answers = {kind: _foretold(asks, wish, nodes, mine) for kind, wish in kinds.items()}
    return Outlook(has, tuple(_timely(asks, replace(answers[_kind(wish)], node=wish.node), wish, mine) for wish in wishes))


def _kind(wish: Wish) -> tuple[int, bool, int]:
    return wish.cpus, wish.alone, wish.machines


def _foretold(asks: Asks, wish: Wish, nodes: Sequence[partition.ClusterNode], mine: Sequence[partition.ClusterNode]) -> Fit:
    asked = partition.Shape(wish.cpus, partition.megabytes(asks.memory), asks.gpus)
    if not asks.options:  # these may name another partition, or ask for other things
        if asks.partition and not mine:
            words, hint = f"there is no partition {asks.partition}", f"there are: {_names(nodes)}"
            return Fit(wish.node, False, words, hint, ("backend", "with", "partition"))
        if mine and (lacks := partition.lacking(mine, asked)):
            field, hint = _HINTS[lacks]
            return Fit(wish.node, False, f"asks for {asked}; nodes of {mine[0].partition}: {partition.shapes(mine)}", hint, field)
        if mine and (able := sum(node.shape.holds(asked) for node in mine)) < wish.machines:
            words = f"asks for {wish.machines} nodes with {asked}; {mine[0].partition} has {able}"
            return Fit(wish.node, False, words, "ask for fewer with train.machines", ("train", "machines"))
        if mine and not any(node.up and node.shape.holds(asked) for node in mine):
            return Fit(wish.node, None, "every node that is large enough is down, or takes no jobs")
    done = _answer(["sbatch", "--test-only", *asks.argv(*_kind(wish))], "#!/bin/sh\n")
    said = " ".join(re.sub(r"^(sbatch: )?(error: |allocation failure: )?", "", line) for line in done.stderr.splitlines())
    if done.returncode == 0:
        start = re.search(r"to start at (\S+) .*on nodes? (\S+)", said)
        return Fit(wish.node, True, f"sent now it would start at {start[1]} on {start[2]}" if start else said)
    gone = any(not node.up for node in (nodes if asks.options else mine))
    if NEVER.search(said) or (_NO_SUCH_NODE in said and not gone):
        return Fit(wish.node, False, f"sbatch refuses it: {said}", "see backend.with of the spec, and hardware.cpus", ("backend", "with"))
    return Fit(wish.node, None, f"sbatch says: {said}")


def _timely(asks: Asks, fit: Fit, wish: Wish, mine: Sequence[partition.ClusterNode]) -> Fit:
    """With a warning where a node is expected to take longer than SLURM lets it."""
    limits = [asks.time, *(limit for node in mine[:1] for limit in (node.usual_limit, node.limit))]
    limit = next((limit for limit in limits if limit is not None and partition.seconds_of(limit) is not None), None)
    allowed_s = partition.seconds_of(limit) if limit else None
    if fit.fits is False or allowed_s is None or wish.seconds is None or wish.seconds <= allowed_s:
        return fit
    return replace(fit, words=f"{fit.words}; {wish.seconds / 3600:,.1f} h are predicted, and SLURM ends it after {limit}")


def _names(nodes: Sequence[partition.ClusterNode]) -> str:
    return ", ".join(dict.fromkeys(node.partition for node in nodes)) or "none"


def _told(argv: list[str]) -> list[str]:
    done = _answer(argv)
    if done.returncode != 0:
        raise MachineError(f"SLURM does not answer: {' '.join(done.stderr.split())[:300]}", hint=_REACH)
    return done.stdout.splitlines()


def _answer(argv: list[str], said: str = "") -> subprocess.CompletedProcess[str]:
    """What a command says that somebody waits for. Raises MachineError where there is no answer."""
    try:
        return subprocess.run(argv, input=said, capture_output=True, text=True, check=False, timeout=_ANSWER_S)
    except subprocess.TimeoutExpired:
        raise MachineError(f"SLURM does not answer: {argv[0]} took longer than {_ANSWER_S:.0f} s", hint=_REACH) from None
    except OSError as error:
        raise MachineError(f"{argv[0]} cannot be run: {error.strerror}", hint=_REACH) from None
