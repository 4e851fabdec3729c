"""`ryot diff`: two runs held against each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ryot.check.difference import differences
from ryot.check.judge import judge
from ryot.cli.output import stdout
from ryot.cli.past import latest, loaded_from
from ryot.cli.request import json_option, store_option
from ryot.cli.streams import for_whoever_reads
from ryot.engine.outcome import measured
from ryot.engine.rounds import known
from ryot.engine.survey import plan_of
from ryot.errors import SpecError
from ryot.plan.plan import Plan
from ryot.report.difference_view import Pair, pair_data, show_pair
from ryot.report.json_data import escaped
from ryot.store.journal import Run, all_runs
from ryot.store.store import Store


@click.command(name="diff")
@click.argument("before", required=False)
@click.argument("after", required=False)
@click.option("--speeds", is_flag=True, help="Judge times and rates too: the machine did nothing else in either run.")
@store_option
@json_option
def command(before: str | None, after: str | None, root: Path, speeds: bool, as_json: bool) -> int:
    """Say what changed from the run BEFORE to the run AFTER: in the spec, in the measures, with bounds, and in the verdicts.

    Runs are named by their ids, or by how these begin. AFTER is by default the last run, BEFORE the one before it of the same spec.
    A target says which way its measure is worse; the bounds hold for all targets together at 95 %, and single numbers may differ by 5 %.
    Times and rates are shown and not judged, as two runs had the machine at two times; targets on them are, each in its run.

    Exit code: 1 something is worse, or a must-target that passed FAILs; else 5 one is INCONCLUSIVE, ERROR or without data; else 0.
    """
    store = Store(root)
    found = pair_of(store, *_runs(store, before, after), speeds=speeds)
    with for_whoever_reads():
        if as_json:
            click.echo(escaped(json.dumps(pair_data(found), indent=2)))
        else:
            show_pair(found, stdout())
    return found.exit_code


def pair_of(store: Store, before: tuple[Run, Plan], after: tuple[Run, Plan], *, speeds: bool) -> Pair:
    """Two runs, by the targets of the later one, from the raw samples."""
    (first, last), (plan_before, plan_after) = (before[0], after[0]), (known(plan, store) for _, plan in (before, after))
    found = [measured(plan, store) for plan in (plan_before, plan_after)]
    today = datetime.now(UTC).date()
    verdicts = [judge(plan_after.targets, samples, problems, today) for samples, problems in found]
    return Pair(
        ids=(first.id, last.id),
        devices=(plan_before.device, plan_after.device),
        fields=(*changed(_spec(first, plan_before), _spec(last, plan_after)), *_targets(plan_before, plan_after)),
        measures=differences(found[0][0], found[1][0], plan_after.targets, speeds=speeds),
        verdicts=tuple(zip(*verdicts, strict=True)),
    )


def changed(before: Any, after: Any, at: str = "") -> Iterator[tuple[str, str, str]]:
    """The leaves of two trees of plain data that differ: where, and both as JSON; empty where there is none."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            yield from changed(before.get(name, _NOTHING), after.get(name, _NOTHING), f"{at}.{name}" if at else name)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from changed(one, other, f"{at}[{number}]")
    elif before != after:
        yield at, _text(before), _text(after)


_NOTHING = object()


def _text(value: object) -> str:
    return "" if value is _NOTHING else json.dumps(value, ensure_ascii=False)


def _spec(run: Run, plan: Plan) -> Any:
    return loaded_from(run, plan).spec.model_dump(mode="json", exclude={"targets"})


def _targets(before: Plan, after: Plan) -> Iterator[tuple[str, str, str]]:
    """Targets that only one of them has, as they are written."""
    one, other = ([target.written for target in plan.targets] for plan in (before, after))
    yield from (("target", written, "") for written in one if written not in other)
    yield from (("target", "", written) for written in other if written not in one)


def _runs(store: Store, before: str | None, after: str | None) -> tuple[tuple[Run, Plan], tuple[Run, Plan]]:
    """Both runs. Raises SpecError where there is none, or more than one begins so."""
    last = _named(store, after) if after else latest(store, None, None)
    if before:
        return _named(store, before), last
    for run in reversed(all_runs(store.runs, last[1].name)):
        plan = plan_of(run) if run.id < last[0].id else None
        if plan:
            return (run, plan), last
    raise SpecError(f"{store.root} holds no run of {last[1].name} before {last[0].id}", hint="name two runs: `ryot diff BEFORE AFTER`")


def _named(store: Store, start: str) -> tuple[Run, Plan]:
    matching = [run.id for run in all_runs(store.runs) if run.id.startswith(start)]
    if len(matching) > 1 and start not in matching:
        raise SpecError(f"{len(matching)} runs begin with {start}", hint=f"one of {', '.join(matching[-5:])}")
    return latest(store, None, start if start in matching or not matching else matching[0])
