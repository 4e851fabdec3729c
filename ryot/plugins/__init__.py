"""The public API of ryot for plugin authors. What stands in __all__ is the promise; nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ryot import processes
from ryot.errors import LostMachine, MachineError, NodeError, RyotError, SpecError
from ryot.files import digest_file, digest_path, look_again, make_folder, rename_durable, sync_path, write_durable
from ryot.measures import Measure, Target
from ryot.plugins.away import Away, Machine
from ryot.plugins.backend import Backend, Fit, Foretelling, Job, JobState, Outlook, Wish
from ryot.plugins.context import Endpoint, StageContext
from ryot.plugins.device import device_here, kind_here
from ryot.plugins.documents import Document, Documents, Shard, write_index, write_lines, write_shard
from ryot.plugins.engine import Launch, ServingEngine, serving_engine
from ryot.plugins.stage import Addition, Circumstance, Facts, Node, Resources, Service, Stage, StageConfig

if TYPE_CHECKING:
    from ryot.spec.spec import Spec

__all__ = [
    "Addition",
    "Away",
    "Backend",
    "Circumstance",
    "Document",
    "Documents",
    "Endpoint",
    "Facts",
    "Fit",
    "Foretelling",
    "Job",
    "JobState",
    "Launch",
    "LostMachine",
    "Machine",
    "MachineError",
    "Measure",
    "Node",
    "NodeError",
    "Outlook",
    "Resources",
    "RyotError",
    "Service",
    "ServingEngine",
    "Shard",
    "Spec",
    "SpecError",
    "Stage",
    "StageConfig",
    "StageContext",
    "Target",
    "Wish",
    "device_here",
    "digest_file",
    "digest_path",
    "kind_here",
    "look_again",
    "make_folder",
    "processes",
    "rename_durable",
    "serving_engine",
    "sync_path",
    "write_durable",
    "write_index",
    "write_lines",
    "write_shard",
]


def __getattr__(name: str) -> type[Spec]:
    """The spec is imported when it is asked for: a worker is given its config, and half of its start would be the spec's classes."""
    if name == "Spec":
        from ryot.spec.spec import Spec  # noqa: PLC0415 - see above

        return Spec
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
