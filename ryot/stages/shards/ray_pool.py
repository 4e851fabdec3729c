"""Work on a Ray cluster: an item is a Ray task. Its nodes have ryot installed and see the node's folder under the same path."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ray

from ryot.plugins import NodeError, RyotError, StageContext
from ryot.stages.cluster import join_cluster
from ryot.stages.shards.pool import Place
from ryot.stages.shards.work import REFUSED, Item, Result, Work, result_of


def on_ray(work: Work, items: Sequence[Item], place: Place, context: StageContext) -> Iterator[tuple[Item, Result]]:
    """Each item with its result, as they are done. Raises NodeError when there is no cluster or a task fails.

    `place.ray` is `local` for a cluster of this machine alone, which ends with the work; `place.workers` bounds the tasks at once.
    """
    _join(place, context)
    try:
        there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        yield from _tasks(work, items, place.workers or int(there.get("CPU", 1)))
    finally:
        ray.shutdown()


def _tasks(work: Work, items: Sequence[Item], most: int) -> Iterator[tuple[Item, Result]]:
    waiting, running = iter(items), dict[Any, Item]()
    told = json.dumps({"function": work.function, "settings": work.settings, "folder": str(work.folder)})

    def begin() -> None:
        if (item := next(waiting, None)) is not None:
            running[_do.remote(told, json.dumps(asdict(item)))] = item

    for _ in range(most):
        begin()
    while running:
        (reference,), _ = ray.wait(list(running), num_returns=1)
        item = running.pop(reference)
        yield item, _result(reference, item)
        begin()


def _join(place: Place, context: StageContext) -> None:
    here: dict[str, Any] = {"num_cpus": place.workers or context.cpus, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    hint = "start one with `ray start --head`, or leave data.ray out to work in processes of this machine"
    join_cluster(place.ray or "auto", hint, **(here if place.ray == "local" else {}))


@ray.remote(max_retries=3)
def _do(told: str, asked: str) -> str:
    """What a task does. Texts of JSON go in and out, an error that the user can act on among them."""
    fields = json.loads(told)
    work = Work(fields["function"], fields["settings"], Path(fields["folder"]))
    try:
        return json.dumps({"result": work.do(work.resolve(), Item(**json.loads(asked)))})
    except RyotError as error:
        return json.dumps({"failed": error.message, "hint": error.hint})
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        return json.dumps({"refused": [error.errno, error.strerror, error.filename]})


def _result(reference: Any, item: Item) -> Result:
    try:
        answer = json.loads(ray.get(reference))
    except ray.exceptions.RayError as error:
        raise NodeError(f"the Ray task of shard {item.name} failed: {str(error).strip().splitlines()[-1]}") from error
    return result_of(answer)
