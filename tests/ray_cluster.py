"""A Ray cluster of several machines that are this one, on loopback (Ray takes 127.0.0.1 for the machine's outer address)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_TRIES = 4
"""A machine's daemon ends itself when its agent, which imports much, takes more than 15 s to come up: so it may be beside other work."""
_NODE = {"node_ip_address": "127.0.0.2", "object_store_memory": 100 << 20, "include_log_monitor": False}


def add_machine(cluster: Any, cpus: int, **more: object) -> Any:
    """A machine more, that is there."""
    before = set(cluster.list_all_nodes())
    for attempt in range(_TRIES):
        try:
            return cluster.add_node(num_cpus=cpus, **_NODE, **more)
        except Exception:  # Ray raises nothing narrower
            for half in set(cluster.list_all_nodes()) - before:
                cluster.remove_node(half, allow_graceful=False)
            if attempt == _TRIES - 1:
                raise
    raise AssertionError


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
