"""The plan: every node with its key, in an order in which they can run. Pure data; made by compile.py."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from ryot.errors import SpecError
from ryot.estimate.processor import Here
from ryot.measures import Measure, Target

Key = str
_ITEMS = 3
"""So many items of a list or a map are shown where it changes."""


class PlannedNode(BaseModel):
    """One piece of work, its identity and everything needed to run it. `payload` is what the key is the digest of.

    `samples`: how many independent samples of a measure it will take, where that is known. `after`: the nodes that have to have
    succeeded before it though it reads nothing of them. `redraws`: the field of the config that is one higher in each further round;
    `looks`: how many looks at the samples of all rounds were promised at most; `round_of`: of which node this is a further round.
    `machines`: how many it runs on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    stage: str
    key: Key
    payload: dict[str, Any]
    config: dict[str, Any]
    inputs: dict[str, str]
    services: dict[str, str]
    measures: tuple[Measure, ...]
    cpus: int
    measures_speed: bool
    is_service: bool
    samples: dict[str, int] = {}
    after: tuple[str, ...] = ()
    redraws: str = ""
    looks: int = 1
    round_of: str = ""
    machines: int = 1

    @property
    def needs(self) -> tuple[str, ...]:
        """The nodes this one reads or talks to."""
        return (*self.inputs.values(), *self.services.values())


@dataclass(frozen=True, slots=True)
class _Known:
    """The nodes of a plan by name, what reads or talks to each, and what only comes after it."""

    nodes: tuple[PlannedNode, ...]
    names: tuple[str, ...]
    by_name: dict[str, PlannedNode]
    users: dict[str, list[PlannedNode]]
    followers: dict[str, list[PlannedNode]]

    @staticmethod
    def of(nodes: tuple[PlannedNode, ...]) -> _Known:
        by_name = {node.name: node for node in nodes}
        known = _Known(nodes, tuple(by_name), by_name, {}, {})
        for node in nodes:
            for name in dict.fromkeys(node.needs):
                known.users.setdefault(name, []).append(node)
            for name in dict.fromkeys(node.after):
                known.followers.setdefault(name, []).append(node)
        return known


class Plan(BaseModel):
    """Everything a spec asks for on one kind of machine. `sets` are the overrides of the command line that it was made with; `here` is
    the machine as estimates reckon with it, kept so that they come out the same on another one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    profile: str | None
    device: str
    digests: dict[str, str]
    nodes: tuple[PlannedNode, ...]
    targets: tuple[Target, ...]
    sets: tuple[str, ...] = ()
    here: Here | None = None

    def node(self, name: str) -> PlannedNode:
        """The node of a name. Raises KeyError."""
        return self._known().by_name[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all nodes, in order."""
        return self._known().names

    def rounds(self, name: str) -> tuple[PlannedNode, ...]:
        """The further rounds of a node, in order."""
        return tuple(node for node in self.nodes if node.round_of == name)

    def followers(self, name: str) -> Collection[PlannedNode]:
        """The nodes that only come after a node."""
        return self._known().followers.get(name, ())

    def until(self, name: str) -> Plan:
        """Only a node and what it needs, with the targets on these. Raises SpecError where there is no such node."""
        if name not in self.names:
            close = difflib.get_close_matches(name, self.names, 1)
            raise SpecError(
                f"there is no node {name!r}", hint=f"did you mean {close[0]}?" if close else f"there are: {', '.join(self.names)}"
            )
        wanted = {name}
        for node in reversed(self.nodes):
            wanted |= {*node.needs, *node.after} if node.name in wanted else set()
        nodes = tuple(node for node in self.nodes if node.name in wanted)
        return self.model_copy(update={"nodes": nodes, "targets": tuple(target for target in self.targets if target.node in wanted)})

    def has(self, node: PlannedNode) -> bool:
        """Whether this plan has the very node: its name and its key."""
        other = self._known().by_name.get(node.name)
        return other is not None and other.key == node.key

    def users(self, name: str) -> Collection[PlannedNode]:
        """The nodes that read or talk to a node."""
        return self._known().users.get(name, ())

    def _known(self) -> _Known:
        """Made once for the nodes there are: with thousands of them, looking for one among all would be most of a plan's time."""
        known: _Known | None = self.__dict__.get("known")
        if known is None or known.nodes is not self.nodes:  # a copy with other nodes has brought along what was known of these
            known = self.__dict__["known"] = _Known.of(self.nodes)
        return known


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that two payloads differ in: its path, and its value then and now (None where it was or is absent)."""

    path: str
    before: object
    after: object

    def __str__(self) -> str:
        return f"{self.path.removeprefix('settings.')} {_short(self.before)} -> {_short(self.after)}"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What changed between two payloads, field by field, in the order of the paths; inputs and services by slot."""
    found = list(_differ("", before, after))
    return [Difference(item.path.removeprefix("config."), item.before, item.after) for item in found]


def _differ(path: str, before: object, after: object) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from _differ(f"{path}.{name}" if path else name, before.get(name), after.get(name))
    elif before != after:
        yield Difference(path, before, after)


def _short(value: object) -> str:
    """A value as a spec writes it, cut where it is long: `none`, `true`, `[a, b, ... 7 more]`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        shown = [_short(item) for item in value[:_ITEMS]]
        return f"[{', '.join([*shown, *([f'... {len(value) - _ITEMS} more'] if len(value) > _ITEMS else [])])}]"
    if isinstance(value, Mapping):
        shown = [f"{name}: {_short(item)}" for name, item in list(value.items())[:_ITEMS]]
        return f"{{{', '.join([*shown, *(['...'] if len(value) > _ITEMS else [])])}}}"
    text = str(value)
    return f"{text[:12]}..." if len(text) > 40 else text
