"""What the hosts of a hostfile have, asked of each over its own connection: `python -P -m ryot.backends.census` there prints one line of
JSON. Nothing is started that stays."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version

import psutil

from ryot.plugins import Fit, MachineError, Outlook, Wish, kind_here

MODULE = "ryot.backends.census"
_ANSWER_S = 30.0
"""How long a host may take to say what it has."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host's cores that a job may use, its kind of device, its memory and what of that is free in GiB, the mean number of processes that
    ran or waited in the last minute, and its ryot."""

    cpus: int
    device: str
    memory: float
    free: float
    load: float
    ryot: str


def here() -> Host:
    """This machine."""
    memory = psutil.virtual_memory()
    cpus = len(os.sched_getaffinity(0))
    return Host(cpus, kind_here(), memory.total / 2**30, memory.available / 2**30, os.getloadavg()[0], version("ryot"))


def survey(slots: Mapping[str, int], reach: Callable[[str], list[str]], wishes: Sequence[Wish]) -> Outlook:
    """What each host has, by its slots, and on how many of them each wish fits. `reach` gives the command that asks a host. Raises
    MachineError where there is no such program here; a host that does not answer is told, and what it would have had is not known."""
    with ThreadPoolExecutor(min(len(slots), 32)) as threads:
        answers = dict(zip(slots, threads.map(lambda host: _asked(reach(host)), slots), strict=True))
    has = tuple((host, f"{count} slot{'s' * (count > 1)}, {_told(answers[host])}") for host, count in slots.items())
    return Outlook(has, tuple(_fit(wish, list(answers.values())) for wish in wishes))


def _asked(argv: list[str]) -> Host | str:
    """What a host says of itself, or why it does not."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_ANSWER_S)
    except subprocess.TimeoutExpired:
        return f"does not answer within {_ANSWER_S:.0f} s"
    except OSError as error:
        raise MachineError(f"cannot start {argv[0]}: {error.strerror}", hint="install ssh, or name it: backend.with.ssh") from None
    try:
        return Host(**json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError, TypeError):
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return f"does not answer: {said[-1][:200]}"


def _told(answer: Host | str) -> str:
    if isinstance(answer, str):
        return answer
    words = f"{answer.cpus} cores of {answer.device}, {answer.free:.1f} of {answer.memory:.1f} GiB free, load {answer.load:.2f}"
    return words if answer.ryot == version("ryot") else f"{words}; its ryot is {answer.ryot}, here is {version('ryot')}"


def _fit(wish: Wish, answers: Sequence[Host | str]) -> Fit:
    """A wish against what the hosts say. One that measures speed needs a device like the one here, by which it is keyed."""
    found = [answer for answer in answers if isinstance(answer, Host)]
    silent, mine = len(answers) - len(found), kind_here()
    alike = [host for host in found if not wish.alone or host.device == mine]
    able = sum(host.cpus >= wish.cpus for host in alike)
    if able >= wish.machines:
        return Fit(wish.node, True, f"{able} of {len(answers)} hosts {'is' if able == 1 else 'are'} large enough")
    if able + silent >= wish.machines:
        return Fit(
            wish.node, None, f"{silent} of {len(answers)} hosts {'does' if silent == 1 else 'do'} not answer; the others are not enough"
        )
    if not alike:
        devices = ", ".join(sorted({host.device for host in found}))
        hint = "name hosts with such a device in the hostfile, or run it on one of these"
        return Fit(wish.node, False, f"measures the speed of {mine}; the hosts have {devices}", hint, ("backend", "with", "path"))
    if able:
        words = f"asks for {wish.machines} hosts with {wish.cpus} cores; {able} of {len(answers)} are large enough"
        return Fit(wish.node, False, words, "ask for fewer with train.machines, or add hosts", ("train", "machines"))
    words = f"asks for {wish.cpus} cores; the largest host has {max(host.cpus for host in alike)}"
    return Fit(wish.node, False, words, "ask for fewer cores with hardware.cpus, or add larger hosts", ("hardware", "cpus"))


if __name__ == "__main__":
    print(json.dumps(asdict(here())))
