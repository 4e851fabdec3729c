"""`ryot apply`: runs what is not finished, shows it, and ends with the verdict."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from ryot.cli.backend import chosen, refuse_spread, surroundings
from ryot.cli.foresight import foresight_of, refuse
from ryot.cli.outcome import show_outcome, write_reports
from ryot.cli.output import stdout
from ryot.cli.plan import states_of, to_run
from ryot.cli.request import Planned, json_option, resolve, spec_options, until_option
from ryot.cli.share import share_option, sharer_of
from ryot.cli.streams import for_whoever_reads
from ryot.engine import events
from ryot.engine.apply import Surroundings, apply
from ryot.engine.ledger import keep, settle
from ryot.engine.looks import MOST, promised
from ryot.engine.rounds import known
from ryot.engine.sharing import Sharer
from ryot.errors import MachineError, NodeError, SpecError
from ryot.files import Lock, whoami
from ryot.plugins.discover import load_stage
from ryot.report.as_json import to_json
from ryot.report.gather import gather
from ryot.report.live import display
from ryot.store.journal import Run, all_runs, begin
from ryot.store.mount import lone

ROUNDS = 4
"""Looks that are promised by default: each has a quarter of the error, which takes up to 1.9 times the samples of a single look."""
_PRODUCTS = {
    "documents": "documents",
    "tokens": "token shards",
    "weights": "weights",
    "model": "model",
    "validation": "deployment checklist",
}
"""What a finished plan leaves to take away, by what its stages give."""


@click.command(name="apply")
@spec_options
@until_option
@json_option
@click.option(
    "--until-conclusive",
    is_flag=True,
    help="Draw further rounds of samples (bench, compare) while a target is INCONCLUSIVE. The looks share the error of its confidence.",
)
@click.option(
    "--rounds",
    type=click.IntRange(2, MOST),
    help=f"Looks at most with --until-conclusive, promised before the first samples; by default {ROUNDS}.",
)
@click.option("--backend", metavar="NAME", help="Where nodes run, whatever the spec says: local, slurm, ray, hostfile, or a plugin's.")
@share_option
@click.option("--no-wait", is_flag=True, help="If another apply of this spec is running, end with exit code 4 instead of waiting.")
def command(
    spec: Path,
    profile: str | None,
    sets: tuple[str, ...],
    folders: tuple[Path, ...],
    root: Path,
    until: str | None,
    as_json: bool,
    until_conclusive: bool,
    rounds: int | None,
    backend: str | None,
    url: str | None,
    no_wait: bool,
) -> int:
    """Run what SPEC asks for and is not finished; then judge. Run it again after any crash: finished work is never repeated.

    With --until-conclusive, what INCONCLUSIVE targets stand on is measured again, as bench.single#2, bench.single#3, and all samples are
    judged together, until every target is decided, the promised looks are made, or the rounds left could hardly decide one.

    Exit code: 4 a node failed (3 where only the machine kept one from finishing, as a full disk does), else 1 a must-target FAILs,
    else 5 one is INCONCLUSIVE or ERROR, else 0.
    """
    if rounds and not until_conclusive:
        raise SpecError("--rounds is about further rounds", hint="add --until-conclusive, or leave it out")
    console = Console(stderr=True, soft_wrap=False)
    planned = resolve(spec, profile, sets, folders, root).until(until)
    planned = replace(planned, loaded=chosen(planned.loaded, backend, planned.folders))
    run, failed = carry_out(planned, console, no_wait=no_wait, looks=(rounds or ROUNDS) if until_conclusive else None, url=url)
    result = gather(planned.plan, planned.store, planned.loaded.spec, run, datetime.now(UTC))
    page = write_reports(result, run)
    with for_whoever_reads():
        if as_json:
            click.echo(to_json(result), nl=False)
        else:
            show_outcome(result, stdout())
            if planned.aside:
                console.print(Text(f"not looked at, as their nodes come after {until}: {'; '.join(planned.aside)}"))
            console.print()
            for what, folder in products(planned):
                console.print(f"{what}: {folder}", markup=False, highlight=False, soft_wrap=True)
            console.print(f"report: {page} (and .md, .json, .xml beside it)", markup=False, highlight=False, soft_wrap=True)
        if failed:
            again = shlex.join(["ryot", *sys.argv[1:]])
            console.print(f"to continue after mending: {again}", markup=False, highlight=False, soft_wrap=True)
    return failed or result.exit_code


def carry_out(
    planned: Planned, console: Console, *, no_wait: bool = False, looks: int | None = None, url: str | None = None
) -> tuple[Run, int]:
    """Run what is not finished of a plan, showing it; with further rounds where `looks` are to be promised, and with the share at `url`, or
    the spec's. Returns the run, and the exit code of what failed."""
    sharer = sharer_of(planned.loaded, url)
    foresight = foresight_of(planned)
    refuse(planned, foresight)
    if any(node.machines > 1 for node in planned.plan.nodes):
        refuse_spread(planned.loaded, to_run(planned, states_of(planned)), planned.folders)
    with closing(_Held(planned, console, no_wait)):
        planned = _with_rounds(planned, console, looks)
        if (why := lone(planned.store.root)) is not None:
            text = f"note: {planned.store.root} is for one machine at a time: {why} (docs/sharing.md)"
            console.print(text, markup=False, highlight=False, soft_wrap=True)
        count = unfinished(planned)
        used = f"profile {planned.plan.profile}" if planned.plan.profile else "no profile"
        console.print(
            f"{planned.plan.name}: {count} of {len(planned.plan.nodes)} nodes to run"
            f"{f' or to fetch from {sharer.share.url}' if sharer and count else ''} ({used}, {planned.plan.device})",
            markup=False,
        )
        run = begin(planned.store.runs, planned.plan.name, datetime.now(UTC), planned.loaded.text, planned.plan.model_dump_json(indent=1))
        keep(foresight.predictions, run)
        stopped = "nothing that was finished is lost, `ryot apply` continues"
        failed = run_through(planned, run, console, stopped, until_conclusive=looks is not None, sharer=sharer)
        settle(planned.store, all_runs(planned.store.runs, planned.plan.name)[-5:])  # killed applies' finished nodes too
    return run, failed


def _with_rounds(planned: Planned, console: Console, looks: int | None) -> Planned:
    """With the rounds that the store knows; and with the looks that are promised now, said before anything runs."""
    if looks is None:
        return replace(planned, plan=known(planned.plan, planned.store))
    plan, notes = promised(planned.plan, planned.store, looks, datetime.now(UTC).date())
    for note in notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    return replace(planned, plan=plan)


def unfinished(planned: Planned) -> int:
    """How many nodes have to run."""
    return sum(state.state != "cached" and not planned.plan.node(name).is_service for name, state in states_of(planned).items())


def products(planned: Planned) -> Iterator[tuple[str, Path]]:
    """What is finished and worth taking away: the last documents, token shards, weights and model, each with its folder."""
    last: dict[str, Path] = {}
    for node in planned.plan.nodes:
        gives = load_stage(planned.plugins[node.stage]).gives
        if gives in _PRODUCTS and planned.store.record(node.stage, node.key):
            copy = f" ({node.name})" if node.name.startswith("compress.") else ""
            last[_PRODUCTS[gives] + copy] = planned.store.folder(node.stage, node.key) / "out"
    yield from last.items()


def run_through(
    planned: Planned, run: Run, console: Console, stopped: str, *, until_conclusive: bool = False, sharer: Sharer | None = None
) -> int:
    """Run the plan, showing it, and sharing what is finished; `stopped` is said where it is interrupted. Returns the exit code of what
    failed: 0 nothing, 3 by the machine alone, else 4."""
    kinds: set[str] = set()
    try:
        with display(console) as shown, closing(start(planned, run, until_conclusive=until_conclusive, sharer=sharer)) as happening:
            for event in happening:
                shown.show(event)
                if isinstance(event, events.Failed):
                    kinds.add(event.kind)
    except BaseException:
        console.print(f"stopped; {stopped}", markup=False)
        raise
    return code_of(kinds)


def start(
    planned: Planned, run: Run, *, until_conclusive: bool = False, sharer: Sharer | None = None
) -> Generator[events.Event, None, None]:
    """The events of a plan that is carried out on the spec's backend."""
    hardware = planned.loaded.spec.hardware
    cores = Surroundings(planned.plugins, hardware.cpus or planned.machine.cpus, hardware.python, sharer=sharer)
    backend, around = surroundings(cores, planned.loaded, planned.folders)
    return apply(planned.plan, planned.store, backend, around, run, until_conclusive=until_conclusive)


def code_of(kinds: set[str]) -> int:
    """The exit code of failures by the classes of their errors: 0 none, 3 by the machine alone, else 4."""
    if kinds == {MachineError.__name__}:
        return MachineError.exit_code
    return NodeError.exit_code if kinds else 0


class _Held:
    """The lock of a spec's applies; while another has it, says whose it is and waits."""

    def __init__(self, planned: Planned, console: Console, no_wait: bool) -> None:
        self._lock = Lock(planned.store.root / "locks" / f"{planned.plan.name}.lock")
        note = whoami()
        if self._lock.acquire(wait=False, note=note):
            return
        holder = self._lock.holder()
        if no_wait:
            raise NodeError(f"another apply of {planned.plan.name} is running: {holder}", hint="leave out --no-wait to wait for it")
        console.print(f"waiting for another apply of {planned.plan.name}: {holder}", markup=False, highlight=False)
        self._lock.acquire(wait=True, note=note)

    def close(self) -> None:
        """Let the next one in."""
        self._lock.release()
