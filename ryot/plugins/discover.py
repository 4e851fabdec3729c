"""Which stages, backends and engines are installed or lie in plugin folders. Listing reads metadata only; loading imports one of them."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from ryot.errors import MachineError, Place, SpecError, SpecErrors
from ryot.plugins.stage import Stage

STAGES = "ryot.stages"
BACKENDS = "ryot.backends"
ENGINES = "ryot.engines"


@dataclass(frozen=True, slots=True)
class Plugin:
    """Something a package or folder offers. `value` is `module:attribute`; `folder` is put on the import path first, if given.

    `broken` says why its metadata could not be read, if so.
    """

    name: str
    value: str
    origin: str
    version: str
    folder: str | None = None
    broken: str | None = None

    @property
    def builtin(self) -> bool:
        """Whether ryot itself brings it."""
        return self.origin == "ryot"


def discover(group: str, folders: Sequence[Path] = ()) -> tuple[Plugin, ...]:
    """Everything on offer in an entry-point group: installed packages, then folders that hold a pyproject.toml, or such folders."""
    installed = [Plugin(point.name, point.value, *_owner(point)) for point in entry_points(group=group)]
    local = [plugin for folder in folders for plugin in _in_folder(group, folder)]
    known = {(plugin.name, plugin.value) for plugin in local}
    # A folder may be named twice, and an installed package may lie in one.
    return (*(plugin for plugin in installed if (plugin.name, plugin.value) not in known), *dict.fromkeys(local))


def _owner(point: Any) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else ("unknown", "")


def _in_folder(group: str, folder: Path) -> Iterable[Plugin]:
    for project in sorted([folder / "pyproject.toml", *folder.glob("*/pyproject.toml")]):
        if project.is_file():
            yield from _declared(group, project)


def _declared(group: str, project: Path) -> Iterable[Plugin]:
    here = str(project.parent.resolve())
    try:
        about = tomllib.loads(project.read_text(encoding="utf8")).get("project", {})
        points = about.get("entry-points", {}).get(group, {})
        for name, value in points.items():
            yield Plugin(str(name), str(value), str(about.get("name", project.parent.name)), str(about.get("version", "")), here)
    except (OSError, ValueError, AttributeError) as error:
        yield Plugin(project.parent.name, "", str(project), "", here, f"{project} cannot be read: {error}")


def find(name: str, plugins: Iterable[Plugin]) -> Plugin | None:
    """The one plugin of a name; None where there is none. Raises MachineError when two packages offer it."""
    found = [plugin for plugin in plugins if plugin.name == name]
    if len(found) > 1:
        offers = " and ".join(f"{plugin.origin} ({plugin.folder or 'installed'})" for plugin in found)
        raise MachineError(f"{name} is offered by {offers}", hint="uninstall one, or rename its entry point")
    return found[0] if found else None


def load_stage(plugin: Plugin) -> Stage:
    """The stage itself. Raises MachineError, naming the plugin, for whatever its import raises."""
    stage = load(plugin)
    if not (isinstance(stage, type) and issubclass(stage, Stage)):
        raise MachineError(
            f"the plugin {plugin.name} of {plugin.origin}: {plugin.value} is not a Stage", hint="subclass ryot.plugins.Stage"
        )
    missing = [name for name in ("name", "Config") if not hasattr(stage, name)]
    if missing:
        raise MachineError(f"the plugin {plugin.name} of {plugin.origin}: {plugin.value} sets no {' and no '.join(missing)}")
    return _made(plugin, stage)


def _made(plugin: Plugin, stage: type[Stage]) -> Stage:
    try:
        return stage()
    except (Exception, SystemExit) as error:
        raise MachineError(
            f"the plugin {plugin.name} of {plugin.origin} does not begin: {type(error).__name__}: {error}", hint=f"mend {plugin.origin}"
        ) from error


def load(plugin: Plugin) -> Any:
    """What the entry point names. Raises MachineError for whatever the import raises: the plugin's code is not ours."""
    if plugin.broken:
        raise MachineError(f"the plugin {plugin.name} is broken: {plugin.broken}", hint="mend or remove it")
    if plugin.folder and plugin.folder not in sys.path:
        sys.path.insert(0, plugin.folder)
    module, _, attribute = plugin.value.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:
        raise MachineError(
            f"the plugin {plugin.name} of {plugin.origin} does not load: {type(error).__name__}: {error}",
            hint=f"mend or uninstall {plugin.origin}, or leave {plugin.name} out of the spec",
        ) from error


def stages_for(used: Mapping[str, Place], folders: Sequence[Path] = ()) -> tuple[dict[str, Stage], dict[str, Plugin]]:
    """ryot's own stages and those a spec names in `stages: [{use: ...}]`, with where each comes from; no other plugin is imported.

    `used` says where each is named. Raises SpecErrors for those that are not there, MachineError for one that does not load.
    """
    offered = discover(STAGES, folders)
    wanted = dict.fromkeys([*(plugin.name for plugin in offered if plugin.builtin), *used])
    found = {name: find(name, offered) for name in wanted}
    have = ", ".join(plugin.name for plugin in offered if not plugin.builtin and not plugin.broken) or "none"
    looked = ", ".join(map(str, ["installed packages", *folders]))
    hint = f"install it, or name the folder that holds its folder with --plugins; looked in {looked}; there are: {have}"
    unknown = [SpecError(f"there is no plugin with a stage {name!r}", at=used[name], hint=hint) for name in used if found[name] is None]
    if unknown:
        raise SpecErrors(unknown)
    chosen = {name: plugin for name, plugin in found.items() if plugin}
    return {name: _loaded(plugin, used.get(name)) for name, plugin in chosen.items()}, chosen


def _loaded(plugin: Plugin, at: Place | None) -> Stage:
    try:
        return load_stage(plugin)
    except MachineError as error:
        error.at = at
        raise
