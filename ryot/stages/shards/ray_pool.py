"""Work on a Ray cluster: an item is a Ray task. Its nodes have ryot installed and see the node's folder under the same path."""

import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ray

from ryot.plugins import NodeError, RyotError, StageContext
from ryot.stages.shards.pool import Place
from ryot.stages.shards.work import Item, Result, Work


def on_ray(work: Work, items: Sequence[Item], place: Place, context: StageContext) -> Iterator[tuple[Item, Result]]:
    """Each item with its result, as they are done. Raises NodeError when there is no cluster or a task fails.

    `place.ray` is `local` for a cluster of this machine alone, which ends with the work; `place.workers` bounds the tasks at once.
    """
    _join(place, context)
    try:
        waiting = list(reversed(items))
        running: dict[Any, Item] = {}
        there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        most = place.workers or int(there.get("CPU", 1))
        while waiting or running:
            while waiting and len(running) < most:
                item = waiting.pop()
                running[_do.remote(_told(work), json.dumps(asdict(item)))] = item
            done, _ = ray.wait(list(running), num_returns=1)
            for reference in done:
                yield running[reference], _result(reference, running.pop(reference))
    finally:
        ray.shutdown()


def _join(place: Place, context: StageContext) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    own = {"num_cpus": place.workers or context.cpus, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(address=place.ray, logging_level=logging.WARNING, **(own if place.ray == "local" else {}))
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        hint = "start one with `ray start --head`, or leave data.ray out to work in processes of this machine"
        raise NodeError(f"cannot join the Ray cluster {place.ray}: {said}", hint=hint) from error


@ray.remote(max_retries=3)
def _do(told: str, asked: str) -> str:
    """What a task does. Texts of JSON go in and out, an error that the user can act on among them."""
    fields = json.loads(told)
    work = Work(fields["function"], fields["settings"], Path(fields["folder"]))
    try:
        return json.dumps({"result": work.do(work.resolve(), Item(**json.loads(asked)))})
    except RyotError as error:
        return json.dumps({"failed": error.message, "hint": error.hint})


def _told(work: Work) -> str:
    return json.dumps({"function": work.function, "settings": work.settings, "folder": str(work.folder)})


def _result(reference: Any, item: Item) -> Result:
    try:
        answer = json.loads(ray.get(reference))
    except ray.exceptions.RayError as error:
        raise NodeError(f"the Ray task of shard {item.name} failed: {str(error).strip().splitlines()[-1]}") from error
    if "failed" in answer:
        raise NodeError(answer["failed"], hint=answer["hint"])
    result: Result = answer["result"]
    return result
