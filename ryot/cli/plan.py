"""`ryot plan`: what would run and why, what it takes, and what is wrong with it. No side effects."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from ryot.cli.backend import chosen, refuse_spread
from ryot.cli.foresight import foresight_of, uses_devices
from ryot.cli.machine import here, probe
from ryot.cli.output import stdout
from ryot.cli.queue import queue_of
from ryot.cli.request import Planned, json_option, known_hardware, resolve, spec_options, until_option
from ryot.cli.share import share_option, sharer_of, sharing_of
from ryot.engine.rounds import known
from ryot.engine.sharing import Sharing
from ryot.engine.survey import NodeState, plan_of, survey
from ryot.errors import MachineError, SpecError
from ryot.estimate.comparison import Subject, compare
from ryot.estimate.estimates import estimate
from ryot.estimate.fit import Room, fit, nearest
from ryot.plan.plan import PlannedNode
from ryot.report.compare_view import comparison_json, show_comparison
from ryot.report.fit_view import fits_json, show_fits
from ryot.report.live import line
from ryot.report.plan_json import plan_json
from ryot.report.plan_view import show_plan
from ryot.report.queue_view import show_queue
from ryot.spec.load import load
from ryot.spec.model import Model
from ryot.spec.presets import MODELS
from ryot.store.journal import all_runs

REFUSED = 3
_UNKNOWN = 1 << 60
"""Bytes of a host whose memory nobody said: taken to be enough."""


@click.command(name="plan")
@spec_options
@click.option("--compare", "other", metavar="OTHER", help="Set the figures of SPEC beside those of OTHER; both are specs or presets.")
@click.option("--fit", "fitting", is_flag=True, help="Instead: the micro-batches, ZeRO stages, offloading and recomputation that fit.")
@click.option("--backend", metavar="NAME", help="Where nodes would run, whatever the spec says: slurm, ray, hostfile, or a plugin's.")
@until_option
@share_option
@json_option
def command(
    spec: Path,
    profile: str | None,
    sets: tuple[str, ...],
    folders: tuple[Path, ...],
    root: Path,
    other: str | None,
    fitting: bool,
    backend: str | None,
    until: str | None,
    url: str | None,
    as_json: bool,
) -> int:
    """Show the nodes of SPEC: which are finished, which run, which wait, and why, and which a share has; what it takes in memory, time and
    money; its claims, audited; what cannot be met or certified; where nodes run on a cluster, what that has, and whether they fit. Changes
    nothing.

    Exit code: 3 when the plan is refused, or nothing fits, or a node can never run on the cluster, else 0.
    """
    if other is not None and fitting:
        raise SpecError("--compare and --fit are two questions", hint="ask one at a time")
    if other is not None:
        return _compare(_subject(str(spec), profile, sets), _subject(other, profile, sets), as_json)
    planned = resolve(spec, profile, sets, folders, root).until(until)
    loaded = chosen(planned.loaded, backend, planned.folders)
    planned = replace(planned, plan=known(planned.plan, planned.store), loaded=loaded)
    if fitting:
        return _fit(planned, as_json)
    sharing = sharing_of(sharer_of(planned.loaded, url), planned.plan, planned.store)
    states, foresight = states_of(planned, sharing), foresight_of(planned)
    for event in sharing.told():
        click.echo(line(event), err=True)
    missing = to_run(planned, states)
    refuse_spread(planned.loaded, missing, planned.folders)
    queue = queue_of(planned, missing, foresight.estimates)
    if as_json:
        click.echo(plan_json(planned.plan, states, foresight, queue))
    else:
        show_plan(stdout(), planned.plan, states, foresight if uses_devices(planned.plan) else None)
        if planned.aside:
            stdout().print(f"Not looked at, as their nodes come after {until}: {'; '.join(planned.aside)}", markup=False, highlight=False)
        if queue is not None:
            show_queue(stdout(), queue)
    never = queue is not None and queue.problems
    return REFUSED if never or (foresight.stops and uses_devices(planned.plan)) else 0


def states_of(planned: Planned, sharing: Sharing | None = None) -> dict[str, NodeState]:
    """Every node's state, with what changed since the last run of this spec as the reason; what a share has need not run."""
    runs = all_runs(planned.store.runs, planned.plan.name)
    return survey(planned.plan, planned.store, plan_of(runs[-1]) if runs else None, sharing.has if sharing else None)


def to_run(planned: Planned, states: Mapping[str, NodeState]) -> list[PlannedNode]:
    """The nodes that have to run."""
    return [node for node in planned.plan.nodes if states[node.name].state != "cached"]


def _subject(name: str, profile: str | None, sets: tuple[str, ...]) -> Subject:
    """A preset by its name, or a spec by its path. Raises SpecError where there is neither."""
    if name in MODELS:
        if sets:
            raise SpecError(f"--set changes a spec; {name} is a preset", hint="write a spec with `ryot init --preset`, or leave --set out")
        return Subject(name, Model.model_validate({"preset": name}))
    if not Path(name).exists():
        near = difflib.get_close_matches(name, MODELS, 1)
        hint = f"did you mean {near[0]}?" if near else f"presets: {', '.join(MODELS)}"
        raise SpecError(f"{name} is neither a file nor a preset", hint=hint)
    machine = probe()
    loaded = load(Path(name), profile=profile, wanted=machine.profile, sets=sets)
    around = here(machine)
    known_hardware(loaded, around)
    return Subject(loaded.spec.name, loaded.spec.model, estimate(loaded.spec, around))


def _compare(first: Subject, second: Subject, as_json: bool) -> int:
    names, figures = (first.name, second.name), compare(first, second)
    if as_json:
        click.echo(comparison_json(names, figures))
    else:
        show_comparison(stdout(), names, figures)
    return 0


def _fit(planned: Planned, as_json: bool) -> int:
    """The ways to train within the devices of the spec. Raises MachineError for a device that is in no catalogue."""
    spec, estimates = planned.loaded.spec, foresight_of(planned).estimates
    platform = estimates.platform
    if platform is None:
        raise MachineError("this machine's accelerator is in no catalogue", hint="describe it under hardware.catalogue.here")
    room = Room(
        memory=platform.device.memory,
        host_memory=_UNKNOWN if platform.host_memory is None else platform.host_memory,
        devices=platform.count,
        device=platform.device.kind,
        flops=platform.flops(spec.train.precision) / platform.count,
    )
    level = max(training.kernel_level for training in estimates.training)
    ways = fit(spec.model, spec.train, room, kernel_level=level)
    miss = None if ways else nearest(spec.model, spec.train, room, kernel_level=level)
    if as_json:
        click.echo(fits_json(ways, miss, room))
    else:
        show_fits(stdout(), ways, miss, room, spec.train)
    return 0 if ways else REFUSED
