"""How a planned node becomes a job: the file its worker is given, and the mark its processes carry."""

from __future__ import annotations

from collections.abc import Mapping

from ryot import files
from ryot.fingerprint import fingerprint
from ryot.plan.plan import Plan, PlannedNode
from ryot.plugins.backend import Job
from ryot.plugins.discover import Plugin
from ryot.store.job import JOB, JobFile, ServiceAt
from ryot.store.store import Store


def write_job(plan: Plan, node: PlannedNode, plugin: Plugin, store: Store, services: Mapping[str, ServiceAt], cpus: int) -> JobFile:
    """Write a node's job.json. `services` are by node name; `cpus` is how many there are, for a node that asks for all."""
    sources = {slot: plan.node(name) for slot, name in node.inputs.items()}
    job = JobFile(
        node=node.name,
        stage=node.stage,
        key=node.key,
        payload=node.payload,
        config=node.config,
        plugin=plugin.value,
        plugin_folder=plugin.folder,
        inputs={slot: str((store.folder(source.stage, source.key) / "out").resolve()) for slot, source in sources.items()},
        services={slot: services[name] for slot, name in node.services.items()},
        measures=node.measures,
        device=plan.device,
        cpus=node.cpus or cpus,
        is_service=node.is_service,
        measures_speed=node.measures_speed,
    )
    files.write_durable(store.folder(node.stage, node.key) / JOB, job.model_dump_json(indent=1))
    return job


def backend_job(node: PlannedNode, store: Store, python: str) -> Job:
    """What the backend is told of a node."""
    return Job(node.name, store.folder(node.stage, node.key).resolve(), mark_of(store, node.stage, node.key), python)


def mark_of(store: Store, stage: str, key: str) -> str:
    """What every process of a node carries in its environment: one value for each node of each store."""
    return fingerprint([str(store.root.resolve()), stage, key])[:32]
