"""The public API of ryot for plugin authors. What stands in __all__ is the promise; nothing else is."""

from ryot import processes
from ryot.errors import LostMachine, MachineError, NodeError, RyotError, SpecError
from ryot.files import digest_file, digest_path, make_folder, rename_durable, sync_path, write_durable
from ryot.measures import Measure, Target
from ryot.plugins.away import Away, Machine
from ryot.plugins.backend import Backend, Job, JobState
from ryot.plugins.context import Endpoint, StageContext
from ryot.plugins.device import device_here
from ryot.plugins.documents import Document, Documents, Shard, write_index, write_lines, write_shard
from ryot.plugins.engine import Launch, ServingEngine, serving_engine
from ryot.plugins.stage import Addition, Circumstance, Facts, Node, Resources, Service, Stage, StageConfig
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
    "Job",
    "JobState",
    "Launch",
    "LostMachine",
    "Machine",
    "MachineError",
    "Measure",
    "Node",
    "NodeError",
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
    "device_here",
    "digest_file",
    "digest_path",
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
