"""What a plugin author writes: a Stage with its Config, and what it hands the plan: Node and Resources."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from ryot.measures import Measure

if TYPE_CHECKING:
    from ryot.plugins.context import Endpoint, StageContext
    from ryot.spec.spec import Spec


class Circumstance:
    """Marks a Config field that changes no result: `port: Annotated[int, Circumstance] = 0`. It is left out of the key."""


class Addition:
    """Marks a Config field that a later version of a stage has, and whose default is what the stage did before: with its default it is left
    out of the key, so that what is finished stays finished."""


class StageConfig(BaseModel):
    """The settings of one node: frozen, unknown fields refused. Every field is identity unless marked a Circumstance or an Addition."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Resources:
    """What a node needs while it runs. `cpus` 0 means all there are; they are those of one machine.

    A node that `measures_speed` has its machine to itself, and has the kind of device in its key. One of several `machines` runs on the
    first, and starts programs on the others itself (`StageContext.spawn_at`).
    """

    cpus: int = 1
    measures_speed: bool = False
    machines: int = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What is not pure and was resolved once by the command line: the device kind (`cpu:... x2`), the profile, and the
    local inputs by their path as the spec writes it: their digests, and where they lie (absolute). `cpus` are the cores that the spec
    allows, None where it says nothing of them."""

    device: str
    profile: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    cpus: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One piece of work in a plan. `inputs` maps a slot (`documents`) to the node whose result it reads;
    `services` maps a slot to the service node that has to be up while it runs. `samples` says of a measure, by its name, how many
    independent samples the node will take as it is configured, where that is known beforehand; it is no part of the key.

    `after` names nodes that have to have succeeded first though nothing of theirs is read: checks before something dear. They are no part
    of the key either, and run only when this node does."""

    name: str
    stage: str
    config: StageConfig
    inputs: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = Resources()
    measures: tuple[Measure, ...] = ()
    samples: Mapping[str, int] = field(default_factory=dict)
    after: tuple[str, ...] = ()


class Stage:
    """A kind of work. A subclass sets `name`, `version`, `Config`, `takes` and `gives`, and writes `run`.

    `takes` and `gives` name the kind of folder read and written ("documents", "tokens", "weights", "model").
    A stage that is inserted by `stages: [{use: NAME, after: NODE}]` takes and gives what NODE gives.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    Config: ClassVar[type[StageConfig]]
    takes: ClassVar[str | None] = None
    gives: ClassVar[str | None] = None
    measures: ClassVar[tuple[Measure, ...]] = ()
    resources: ClassVar[Resources] = Resources()
    redraws: ClassVar[str] = ""
    """The whole-number field of Config by which a node draws other samples, as a `seed`. A further round of the node (`ryot apply
    --until-conclusive`) has it one higher, and its samples are added to those there are, but for measures that are `fixed`. Empty where
    the stage draws none."""
    preview: ClassVar[str] = ""
    """What a stage that gives documents does to a few, for `ryot data preview`: `module:function`, called with the Config and the
    documents that come in (or, where it takes none, how many to show). For each: the document that goes on or None, and a remark; one
    that begins with `depends: ` says that all documents decide what becomes of it."""
    work: ClassVar[str] = ""
    """Where the heavy half of a stage is, `module:function`, so that planning never imports torch."""

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """The nodes that the spec's sections ask of this stage. A plugin that is inserted by name needs none."""
        return ()

    def run(self, config: Any, context: StageContext) -> None:
        """Do the work: read `context.inputs`, write below `context.out`, report, measure. Runs in a process of its own."""
        self.heavy()(config, context)

    def heavy(self) -> Any:
        """The function that `work` names."""
        return _named(self.work)

    def previewer(self) -> Any:
        """The function that `preview` names; None where it names none."""
        return _named(self.preview) if self.preview else None


def _named(work: str) -> Any:
    module, _, function = work.partition(":")
    return getattr(importlib.import_module(module), function)


class Service(Stage):
    """A stage whose nodes are live processes for other nodes: never cached, started at most once in an apply."""

    def start(self, config: Any, context: StageContext) -> Endpoint:
        """Spawn the process through the context, wait until a real answer came out of it, and say where it listens."""
        endpoint: Endpoint = self.heavy()(config, context)
        return endpoint

    def revive(self, config: Any, context: StageContext, number: int) -> bool:
        """Start another program in the place of `context.replicas[number]`, which has ended while others go on, and put it there. Returns
        whether it did; a service need not."""
        return False


def identity(config: StageConfig) -> dict[str, object]:
    """The fields of a Config that bear identity, as plain data: everything but what is marked a Circumstance, and an Addition's default."""
    found = _identity(config)
    assert isinstance(found, dict)
    return found


def _bears(config: BaseModel, name: str, info: FieldInfo) -> bool:
    """Whether a field is part of the key."""
    if Circumstance in info.metadata:
        return False
    return Addition not in info.metadata or getattr(config, name) != info.get_default(call_default_factory=True)


def _identity(value: object) -> object:
    if isinstance(value, BaseModel):
        return {name: _identity(getattr(value, name)) for name, info in type(value).model_fields.items() if _bears(value, name, info)}
    if isinstance(value, Mapping):
        return {key: _identity(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_identity(item) for item in value]
    return value
