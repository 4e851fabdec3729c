"""`ryot gc`: clears what is left over in a store."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from ryot.cli.output import stdout
from ryot.cli.request import json_option, plugins_option, resolve, store_option
from ryot.engine.leftovers import Leftover, clear, clearing, elsewhere, find
from ryot.engine.present import Piece, pieces, seen
from ryot.engine.rounds import known
from ryot.engine.survey import plan_of
from ryot.errors import MachineError, SpecError, printable
from ryot.files import Lock
from ryot.store.journal import all_runs
from ryot.store.store import Store
from ryot.units import show_bytes

_RUNS = ("runs", "serving", "benches")
"""The folders of a store that hold runs."""


@click.command(name="gc")
@click.option("--dry-run", is_flag=True, help="Only show what would be cleared, and its size.")
@click.option("--yes", is_flag=True, help="Clear it without asking.")
@click.option("--keep-scratch", is_flag=True, help="Leave what unfinished nodes have made; `ryot apply` goes on from it.")
@click.option("--unused-for", "days", type=click.FloatRange(min=0), metavar="DAYS", help="Also results that no run of the last DAYS used.")
@click.option(
    "--unused-by",
    "specs",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="SPEC",
    help="Also results SPEC has no use for. Repeatable.",
)
@plugins_option
@store_option
@json_option
def command(
    dry_run: bool,
    yes: bool,
    keep_scratch: bool,
    days: float | None,
    specs: tuple[Path, ...],
    folders: tuple[Path, ...],
    root: Path,
    as_json: bool,
) -> int:
    """Clear what is left over in the store: processes of nodes that nobody would end, results that were set aside as damaged,
    half-written files, and what unfinished nodes have made.

    With --unused-for or --unused-by also results that are not used; with both, only those that neither uses. What an apply or a server
    that is running uses, or may come to use, is left. Asks before it clears anything.

    Exit code: 3 when something could not be cleared, else 0.
    """
    store, present = Store(root), pieces(seen())
    used = _used(store, days, specs, folders) if days is not None or specs else None
    with ExitStack() as held:
        running = list(_running(store, present, held))
        found = list(find(store, present, scratch=not keep_scratch, used=used))
        kept = [item for item in found if running and item.of_a_run]
        wanted = [item for item in found if item not in kept]
        if not as_json:
            _show(wanted, kept, running)
        left: dict[int, str] = {}
        if wanted and not dry_run:
            if not yes:
                held.close()  # who thinks it over keeps nobody waiting
                if not _agreed(len(wanted)):
                    click.echo("nothing was cleared")
                    return 0
                late = list(_running(store, pieces(seen()), held))
                left = {id(item): f"it may be used by what runs since: {', '.join(late)}" for item in wanted if late and item.of_a_run}
            left |= dict(_clear([item for item in wanted if id(item) not in left]))
    if as_json:
        told = [_data(item, "found" if dry_run else "left" if id(item) in left else "cleared", left.get(id(item))) for item in wanted]
        click.echo(json.dumps([*told, *(_data(item, "in use", ", ".join(running)) for item in kept)], indent=2))
    for item in wanted:
        if id(item) in left:
            click.echo(f"left: {printable(item.what)} ({printable(str(item.path))}): {printable(left[id(item)])}", err=True)
    if wanted and not dry_run and not as_json:
        cleared = [item for item in wanted if id(item) not in left]
        click.echo(f"cleared {len(cleared)}: {show_bytes(sum(item.size for item in cleared if item.kind != 'process'))} on disk")
    return MachineError.exit_code if left else 0


def _used(store: Store, days: float | None, specs: Sequence[Path], folders: tuple[Path, ...]) -> set[str]:
    """The keys that runs of the last days, and the plans of specs, have, further rounds too. Raises MachineError where such a run's plan
    cannot be read."""
    plans = [known(resolve(spec, None, (), folders, store.root).plan, store) for spec in specs]
    keys = {node.key for plan in plans for node in plan.nodes}
    since = datetime.now(UTC) - timedelta(days=days) if days is not None else None
    for run in (run for name in _RUNS for run in all_runs(store.root / name)) if since else ():
        if since is not None and run.plan.stat().st_mtime >= since.timestamp():
            plan = plan_of(run)
            if plan is None:
                raise MachineError(
                    f"{run.plan} cannot be read: what it uses is not known", hint="remove that run's folder, or use --unused-by"
                )
            keys |= {node.key for node in plan.nodes}
    return keys


def _running(store: Store, present: Collection[Piece], held: ExitStack) -> Iterator[str]:
    """What is running from a store, in words. The locks of the applies that are not are held: none begins before `held` lets go."""
    for path in sorted((store.root / "locks").glob("[!.]*.lock")):
        lock = Lock(path)
        if lock.acquire(wait=False, note=clearing()):
            held.callback(lock.release)
        else:
            yield f"an apply of {path.stem} ({lock.holder()})"
    here = [piece for piece in present if not piece.left_over and piece.root and _same(piece.root, store.root)]
    yield from elsewhere(store)
    yield from sorted({f"the run {piece.run}" if piece.run else f"pid {piece.pid}" for piece in here})


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _agreed(count: int) -> bool:
    if sys.stdin is None or not sys.stdin.isatty():
        raise SpecError("nobody is there to be asked", hint="--yes clears it without asking, --dry-run only shows it")
    return click.confirm(f"clear {'all of it' if count > 1 else 'it'}?", err=True)


def _clear(wanted: Sequence[Leftover]) -> Iterator[tuple[int, str]]:
    """Clear what can be cleared; what was left, and why."""
    for item in wanted:
        try:
            why = clear(item)
        except OSError as error:
            why = error.strerror or str(error)
        if why is not None:
            yield id(item), why


def _show(wanted: Sequence[Leftover], kept: Sequence[Leftover], running: Sequence[str]) -> None:
    console = stdout()
    for item in wanted:
        line = f"{show_bytes(item.size):>10}  {printable(item.what)}  ({printable(str(item.path))})"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if not wanted:
        console.print("nothing is left over")
    if kept:
        size = show_bytes(sum(item.size for item in kept))
        text = f"{len(kept)} more ({size}) may be used by what is running: {printable(', '.join(running))}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def _data(item: Leftover, state: str, why: str | None) -> dict[str, object]:
    return {"kind": item.kind, "what": item.what, "bytes": item.size, "path": str(item.path), "state": state, "why": why}
