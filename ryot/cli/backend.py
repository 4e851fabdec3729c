"""Which backend a spec's nodes run on: looked at by every verb, made by those that run something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ryot.engine.apply import Surroundings
from ryot.errors import MachineError, Place, SpecError, SpecErrors
from ryot.plan.compile import words_of
from ryot.plan.plan import PlannedNode
from ryot.plugins.backend import Backend
from ryot.plugins.discover import BACKENDS, discover, find, load
from ryot.spec.load import Loaded

LOCAL = "local"


def known(loaded: Loaded, folders: Sequence[Path]) -> None:
    """Raise SpecError, with its place, for a backend that is not there or takes no such settings, MachineError for what does not load."""
    if loaded.spec.backend.use != LOCAL or loaded.spec.backend.with_:
        _settings(loaded, _class(loaded.spec.backend.use, loaded.place("backend"), folders))


def chosen(loaded: Loaded, name: str | None, folders: Sequence[Path]) -> Loaded:
    """The spec with another backend, whose settings the spec keeps only if they are meant for it. Raises as `known`."""
    if name is None or name == loaded.spec.backend.use:
        return loaded
    backend = loaded.spec.backend.model_copy(update={"use": name, "with_": {}})
    other = replace(loaded, spec=loaded.spec.model_copy(update={"backend": backend}))
    _settings(other, _class(name, None, folders))
    return other


def refuse_spread(loaded: Loaded, nodes: Iterable[PlannedNode], folders: Sequence[Path]) -> None:
    """Raise SpecError where one of the nodes, which are to run, takes several machines, and the spec's backend gives a job one."""
    wide = [node for node in nodes if node.machines > 1]
    use = loaded.spec.backend.use
    if wide and not getattr(_class(use, loaded.place("backend"), folders), "spreads", False):
        names = ", ".join(node.name for node in wide)
        raise SpecError(
            f"{names} would run on {wide[0].machines} machines, and the backend {use} has one for a job",
            at=loaded.place("train", "machines"),
            hint="write `backend: slurm`, `ray` or `hostfile`, or give it to apply (--backend NAME); or write train.machines: 1",
        )


def surroundings(around: Surroundings, loaded: Loaded, folders: Sequence[Path]) -> tuple[Backend, Surroundings]:
    """The backend itself, and what an apply on it needs to know. Raises MachineError where it cannot be had here."""
    asked = loaded.spec.backend
    home = _class(LOCAL, None, folders)()
    if asked.use == LOCAL:
        return home, around
    return made(loaded, folders), replace(around, home=home, at_once=asked.at_once, retries=asked.retries)


def made(loaded: Loaded, folders: Sequence[Path]) -> Backend:
    """The spec's backend, with its settings. Raises MachineError where it cannot be had here."""
    kind = _class(loaded.spec.backend.use, loaded.place("backend"), folders)
    settings = _settings(loaded, kind)
    backend: Backend = kind() if settings is None else kind(settings)
    return backend


def _class(name: str, at: Place | None, folders: Sequence[Path]) -> Any:
    offered = discover(BACKENDS, folders)
    found = find(name, offered)
    if found is None:
        there = ", ".join(plugin.name for plugin in offered)
        raise SpecError(f"there is no backend {name!r}", at=at, hint=f"there are: {there}; a package offers one under {BACKENDS}")
    try:
        return load(found)
    except MachineError as error:
        error.at = at
        raise


def _settings(loaded: Loaded, kind: Any) -> Any:
    """The backend's Config as the spec writes it; None where it takes no settings."""
    written, config = loaded.spec.backend.with_, getattr(kind, "Config", None)
    if config is None and not written:
        return None
    if config is None:
        raise SpecError(f"the backend {kind.name} takes no settings", at=loaded.place("backend", "with"), hint="leave backend.with out")
    try:
        return config.model_validate(written)
    except ValidationError as error:
        hint = f"settings of {kind.name}: {', '.join(config.model_fields)}"
        raise SpecErrors(
            [
                SpecError(f"backend.with.{'.'.join(map(str, item['loc']))}: {words_of(item['type'], item['msg'])}",
                          at=loaded.place("backend", "with", *item["loc"]), hint=hint)
                for item in error.errors(include_url=False)
            ]
        ) from None  # fmt: skip
