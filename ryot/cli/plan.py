"""`ryot plan`: what would run and why. No side effects."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ryot.cli.output import stdout
from ryot.cli.request import Planned, json_option, resolve, spec_options
from ryot.engine.survey import NodeState, plan_of, survey
from ryot.estimate.claims import audit
from ryot.estimate.parameters import count_parameters
from ryot.report.plan_view import plan_json, show_plan
from ryot.store.journal import all_runs


@click.command(name="plan")
@spec_options
@json_option
def command(spec: Path, profile: str | None, sets: tuple[str, ...], folders: tuple[Path, ...], root: Path, as_json: bool) -> None:
    """Show the nodes of SPEC: which are finished, which run, which wait, and why; and its claims, audited. Changes nothing."""
    planned = resolve(spec, profile, sets, folders, root)
    states = states_of(planned)
    model = planned.loaded.spec.model
    if as_json:
        click.echo(
            json.dumps(plan_json(planned.plan, states, count_parameters(model), audit(planned.loaded.spec)), indent=2, allow_nan=False)
        )
    else:
        show_plan(stdout(), planned.plan, states, count_parameters(model), audit(planned.loaded.spec))


def states_of(planned: Planned) -> dict[str, NodeState]:
    """Every node's state, with what changed since the last run of this spec as the reason."""
    runs = all_runs(planned.store.runs, planned.plan.name)
    return survey(planned.plan, planned.store, plan_of(runs[-1]) if runs else None)
