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


class MachineAt(BaseModel):
    """A machine that a job was given: where its others reach it, and the command that starts ryot's agent there, none for the first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    address: str
    hold: tuple[str, ...] = ()


class JobFile(BaseModel):
    """One node to run. Paths are absolute: `folder` is the node's, `events` the file it tells its progress in, `inputs` are the
    result folders by slot. `plugin` is `module:attribute`. `machines` is empty where the job has the one it runs on; else the backend fills
    it in, that one first."""

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
    machines: tuple[MachineAt, ...] = ()


class Failure(BaseModel):
    """failure.json: why a node's last try failed, in words. `kind` is the class of the error, `machine` one that was lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    message: str
    hint: str | None = None
    machine: str = ""
