"""A Ray cluster of several machines that are this one, on loopback (Ray takes 127.0.0.1 for the machine's outer address)."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_TRIES = 4
"""A machine's daemon ends itself when its agent, which imports much, takes more than 15 s to come up: so it may be beside other work."""
_KNOWN_DEAD_S = 120.0
"""Ray asks each machine every 3 s, waits 10 s for its word, and takes it for dead after five times without."""
_NODE = {"node_ip_address": "127.0.0.2", "object_store_memory": 100 << 20, "include_log_monitor": False}


def add_machine(cluster: Any, cpus: int, **more: object) -> Any:
    """A machine more, that is there."""
    before = set(cluster.list_all_nodes())
    for attempt in range(_TRIES):
        try:
            return cluster.add_node(num_cpus=cpus, **_NODE, **more)
        except Exception:  # Ray raises nothing narrower
            halves = set(cluster.list_all_nodes()) - before
            kill_machines(cluster, halves)
            until_known_dead(cluster, halves)
            if attempt == _TRIES - 1:
                raise
    raise AssertionError


def kill_machines(cluster: Any, machines: Collection[Any]) -> None:
    """Kill machines with all that runs there, and wait for their processes' end."""
    for machine in machines:
        cluster.remove_node(machine, allow_graceful=False)


def until_known_dead(cluster: Any, machines: Collection[Any]) -> None:
    """Wait until the cluster itself knows that killed machines are no more: until then it counts them, and sends work there."""
    killed = {machine.node_id for machine in machines}
    deadline = time.monotonic() + _KNOWN_DEAD_S
    while alive := {node["NodeID"] for node in cluster.global_state.node_table() if node["Alive"]} & killed:
        assert time.monotonic() < deadline, f"Ray still takes {', '.join(sorted(alive))} for alive"
        time.sleep(0.2)  # the table tells of no change


@contextmanager
def ray_cluster(cpus: int) -> Iterator[Any]:
    """A cluster whose head has so many cores."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_raylet_start_wait_time_s"] = "120"  # noqa: SIM112 - so Ray calls it
    cluster = pytest.importorskip("ray.cluster_utils").Cluster()
    try:
        add_machine(cluster, cpus, include_dashboard=False, no_monitor=True)
        yield cluster
    finally:
        cluster.shutdown()
