"""What most verbs begin with: a spec and its options, resolved against this machine into a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import BaseModel

from ryot import files
from ryot.cli.backend import known
from ryot.cli.inputs import look, refuse_unusable
from ryot.cli.machine import Machine, here, probe
from ryot.errors import MachineError, SpecError
from ryot.estimate.catalogue import devices
from ryot.estimate.platform import serving_platform, training_platform
from ryot.estimate.processor import Here
from ryot.plan.compile import compile_plan
from ryot.plan.plan import Plan
from ryot.plugins.discover import Plugin, stages_for
from ryot.plugins.stage import Facts
from ryot.spec.load import Loaded, load
from ryot.spec.section import LocalInput
from ryot.store.store import Store
from ryot.units import show_bytes

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Planned:
    """A spec on this machine: the loaded spec, its plan, where its stages come from, the machine, the store, its local inputs."""

    loaded: Loaded
    plan: Plan
    plugins: Mapping[str, Plugin]
    machine: Machine
    store: Store
    inputs: Mapping[str, Path]
    folders: tuple[Path, ...] = ()
    """Where plugins are looked for, beside those that are installed."""
    aside: tuple[str, ...] = ()
    """The targets that are not looked at, for their nodes come after those that are asked for."""

    def until(self, node: str | None) -> Planned:
        """Only a node and what it needs; all where none is named."""
        if node is None:
            return self
        plan = self.plan.until(node)
        aside = tuple(target.written for target in self.plan.targets if target not in plan.targets)
        return replace(self, plan=plan, aside=aside)


MUCH = 4 << 30
"""Bytes of local files from which on it is said that they are read: it takes a while."""


def spec_options(function: F) -> F:
    """SPEC, --profile, --set, --plugins, --store."""
    for decorate in reversed(
        [
            click.argument("spec", type=click.Path(path_type=Path)),
            click.option("--profile", metavar="NAME", help="Use this profile of the spec, or `none`; by default the one for this machine."),
            click.option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help="Override a field, e.g. train.lr=3e-4. Repeatable."),
            plugins_option,
            store_option,
        ]
    ):
        function = decorate(function)
    return function


def until_option(function: F) -> F:
    """--until."""
    return click.option("--until", metavar="NODE", help="Only NODE and what it needs, and the targets on these: `--until tokenizer`.")(
        function
    )


def plugins_option(function: F) -> F:
    """--plugins."""
    return click.option(
        "--plugins",
        "folders",
        multiple=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="A folder with plugins, beside ./plugins. Repeatable.",
    )(function)


def store_option(function: F) -> F:
    """--store."""
    return click.option(
        "--store",
        "root",
        default=".ryot",
        show_default=True,
        envvar="RYOT_STORE",
        show_envvar=True,
        type=click.Path(file_okay=False, path_type=Path),
        help="The folder where results are kept.",
    )(function)


def json_option(function: F) -> F:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(function)


def resolve(spec: Path, profile: str | None, sets: tuple[str, ...], folders: tuple[Path, ...], root: Path) -> Planned:
    """Load the spec, find out what is not pure, and compile. Raises RyotError."""
    machine = probe()
    loaded = load(spec, profile=profile, wanted=machine.profile, sets=sets)
    inputs = dict(local_inputs(loaded, spec.parent))
    refuse_unusable(loaded, inputs)
    facts = Facts(
        device=machine.device,
        profile=loaded.profile,
        digests={written: files.digest_path(path) for written, path in inputs.items()},
        paths={written: str(path.resolve()) for written, path in inputs.items()},
    )
    known(loaded, plugin_folders(folders))
    plan, plugins = compile_with(loaded, facts, folders)
    around = here(machine)
    known_hardware(loaded, around)
    return Planned(
        loaded,
        plan.model_copy(update={"sets": sets, "here": around}),
        plugins,
        machine,
        Store(root),
        inputs,
        tuple(plugin_folders(folders)),
    )


def known_hardware(loaded: Loaded, around: Here) -> None:
    """Raise SpecError, with its place, for a device or an instance that nobody knows or that is not sold so."""
    hardware = loaded.spec.hardware
    try:
        devices(hardware.catalogue)
        for platform in (training_platform(hardware, around), serving_platform(hardware, around)):
            if platform is not None:
                _ = platform.hourly
    except SpecError as error:
        error.at = error.at or loaded.place("hardware")
        raise


def compile_with(loaded: Loaded, facts: Facts, folders: tuple[Path, ...]) -> tuple[Plan, dict[str, Plugin]]:
    """The plan under given facts, and where its stages come from."""
    used = {insert.use: loaded.place("stages", index, "use") for index, insert in enumerate(loaded.spec.stages)}
    stages, plugins = stages_for(used, plugin_folders(folders))
    return compile_plan(loaded.spec, stages, facts, loaded.place), plugins


def plugin_folders(folders: tuple[Path, ...]) -> list[Path]:
    """The folders plugins are looked for in: those named, and ./plugins."""
    here = Path("plugins")
    return [*folders, *([here] if here.is_dir() and here not in folders else [])]


def local_inputs(loaded: Loaded, beside: Path) -> Iterator[tuple[str, Path]]:
    """Every local file or folder the spec names, as written and where it lies. Raises MachineError for all that are missing, have no
    end, or are larger than what may be read for a plan. Where there is much to read that is said, on stderr."""
    looked = [(path, written, look(beside / written)) for path, written in _marked(loaded.spec, ())]
    wrong = [
        MachineError(f"{'.'.join(map(str, path))}: {beside / written} {found.wrong}", at=loaded.place(*path), hint=found.hint)
        for path, written, found in looked
        if found.wrong
    ]
    if len(wrong) > 1:
        raise MachineError("\n".join(map(str, wrong)))
    if wrong:
        raise wrong[0]
    size = sum({written: found.size for _, written, found in looked}.values())
    if size > MUCH:
        click.echo(f"reading {show_bytes(size)} of local files for their digests", err=True)
    yield from ((written, beside / written) for _, written, _ in looked)


def _marked(section: BaseModel, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for name, info in type(section).model_fields.items():
        value = getattr(section, name)
        marked = LocalInput in info.metadata or _marked_inside(info.annotation)
        if isinstance(value, str) and marked:
            yield (*path, name), value
        elif isinstance(value, BaseModel):
            yield from _marked(value, (*path, name))
        elif isinstance(value, tuple | dict):
            for index, item in value.items() if isinstance(value, dict) else enumerate(value):
                if isinstance(item, BaseModel):
                    yield from _marked(item, (*path, name, index))
                elif isinstance(item, str) and marked:
                    yield (*path, name, index), item


def _marked_inside(annotation: object) -> bool:
    """Whether a `LocalPath | None` or a `tuple[LocalPath, ...]`: the mark then sits inside."""
    return any(LocalInput in getattr(argument, "__metadata__", ()) for argument in getattr(annotation, "__args__", ()))
