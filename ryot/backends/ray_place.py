"""On the first machine of a job on Ray, stands for a further one: `python -P -m ryot.backends.ray_place HEAD PLACE GROUP GPUS AGENT...`.

It passes its standard input to the agent over there, and what that one says to its standard output. When it ends, however it ends, Ray ends
the actor that holds the agent.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ryot.plugins import processes

NAMESPACE = "ryot"
_PART = 1 << 16
LOST = 255
"""The exit code where the actor is lost, as ssh has it."""
_NAMES = re.compile(r"^\t(class_name|actor_id|pid|name|namespace): .*$", re.MULTILINE)
"""What Ray calls an actor, in its own words of its end."""


class Place:
    """The actor: a place of the job's group, with an agent in it that it holds by its standard input."""

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        own = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        self._agent = subprocess.Popen(argv, env={**own, **environ}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)

    def tell(self, data: bytes) -> None:
        """Pass bytes on to the agent; none are the end."""
        assert self._agent.stdin
        if not data:
            self._agent.stdin.close()
            return
        self._agent.stdin.write(data)
        self._agent.stdin.flush()

    def hear(self) -> bytes:
        """What the agent says next; nothing at its end."""
        assert self._agent.stdout
        return os.read(self._agent.stdout.fileno(), _PART)

    def over(self) -> int:
        """The agent's exit code, when it has ended."""
        return self._agent.wait()


def main(argv: list[str]) -> int:
    """Be that machine's agent, as far as anyone here sees. Exit code: its own; LOST where it is lost."""
    address, place, group, gpus, *agent = argv[1:]
    ray: Any = importlib.import_module("ray")
    ray.init(address, namespace=NAMESPACE, log_to_driver=False, logging_level="error")
    there = ray.util.scheduling_strategies.PlacementGroupSchedulingStrategy(ray.util.get_placement_group(group), int(place))
    options = {"num_cpus": 1, "num_gpus": float(gpus), "scheduling_strategy": there, "max_restarts": 0, "max_concurrency": 4}
    actor = ray.remote(Place).options(**options).remote(agent, processes.carried(os.environ))
    threading.Thread(target=_pass_on, args=(actor,), daemon=True).start()
    try:
        while said := ray.get(actor.hear.remote()):
            os.write(1, said)
        return int(ray.get(actor.over.remote()))
    except ray.exceptions.RayError as error:
        if could_not_begin(error):
            os.write(1, json.dumps({"refused": gone(error)}).encode() + b"\n")
            return 1
        print(gone(error), file=sys.stderr)
        return LOST


def could_not_begin(error: Exception) -> bool:
    """Whether an actor failed as it was made, by itself: it would so again."""
    return bool(getattr(error, "actor_init_failed", False))


def gone(error: Exception) -> str:
    """What is said of an actor that is no more: why, without what Ray calls it; of one that could not begin, its traceback's last line."""
    if could_not_begin(error):
        return f"its Ray actor could not begin: {str(error).rstrip().splitlines()[-1]}"
    return f"its Ray actor is gone: {' '.join(_NAMES.sub('', str(error)).split())[:300]}"


def _pass_on(actor: Any) -> None:
    data = b" "
    while data:
        data = os.read(0, _PART)
        actor.tell.remote(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
