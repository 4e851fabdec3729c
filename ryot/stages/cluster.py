"""Joins a Ray cluster. It is looked for before Ray looks, which would try for minutes. Imports Ray."""

from __future__ import annotations

import logging
import os
import socket
from typing import Any

import ray

from ryot.plugins import NodeError

_ANSWERS_IN_S = 10


def join_cluster(address: str, hint: str | None = None, **options: Any) -> None:
    """Join the cluster at `host:port`, `auto`, or `local`, which is made for it; `options` are ray.init's. Nothing of what Ray counts
    is sent anywhere. Raises NodeError."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        _knock(address)
        ray.init(address, logging_level=logging.WARNING, **options)
    except (OSError, RuntimeError, ValueError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise NodeError(f"cannot join the Ray cluster {address}: {said}", hint=hint) from error


def _knock(address: str) -> None:
    """Raise OSError where nobody listens at `host:port`. Any other address is Ray's own affair."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), _ANSWERS_IN_S).close()
