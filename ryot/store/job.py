"""The file a worker is given, job.json: one node to run, in full. The worker sees this and nothing else."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from ryot.measures import Measure

JOB = "job.json"
FAILURE = "failure.json"
LOG = "log.txt"


class ServiceAt(BaseModel):
    """Where a service that the job needs is listening."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    model: str = ""
    info: dict[str, Any] = {}


class JobFile(BaseModel):
    """One node to run. Paths are absolute: `folder` is the node's, `events` the file it tells its progress in, `inputs` are the
    result folders by slot. `plugin` is `module:attribute`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str
    stage: str
    key: str
    folder: str
    events: str
    payload: dict[str, Any]
    config: dict[str, Any]
    plugin: str
    plugin_folder: str | None
    inputs: dict[str, str]
    services: dict[str, ServiceAt]
    measures: tuple[Measure, ...]
    device: str
    cpus: int
    is_service: bool
    measures_speed: bool


class Failure(BaseModel):
    """failure.json: why a node's last try failed, in words. `kind` is the class of the error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    message: str
    hint: str | None = None
