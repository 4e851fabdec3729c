"""Runs there have been, and what they were: for the verbs that look back."""

from __future__ import annotations

from pathlib import Path

from ryot.cli.machine import probe
from ryot.cli.request import compile_with, resolve
from ryot.engine.survey import plan_of
from ryot.errors import SpecError
from ryot.plan.plan import Plan
from ryot.plugins.stage import Facts
from ryot.spec.load import Loaded, load, load_text
from ryot.spec.spec import Spec
from ryot.store.journal import Run, all_runs
from ryot.store.store import Store


def latest(store: Store, name: str | None, run_id: str | None) -> tuple[Run, Plan]:
    """The last run, of one spec if named; or the one of an id. Raises SpecError when there is none."""
    for run in reversed(all_runs(store.runs, name)):
        plan = plan_of(run) if run_id in (None, run.id) else None
        if plan:
            return run, plan
    if run_id:
        known = ", ".join(run.id for run in all_runs(store.runs, name)[-5:]) or "none"
        raise SpecError(f"{store.root} holds no run {run_id}", hint=f"the last ones are: {known}")
    what = f"run of {name}" if name else "run"
    raise SpecError(f"{store.root} holds no {what}", hint="`ryot apply SPEC` makes one; `--store DIR` names another folder")


def loaded_from(run: Run, plan: Plan) -> Loaded:
    """The spec of a run as it was, with the profile and the overrides it was run with. Raises SpecError where it cannot be read."""
    try:
        text = run.spec.read_text(encoding="utf8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"the run {run.id} has no spec that can be read: {error}") from error
    return load_text(text, str(run.spec), profile=plan.profile or "none", sets=plan.sets)


def replan(spec: Path, sets: tuple[str, ...], folders: tuple[Path, ...], store: Store, run_id: str | None) -> tuple[Plan, Spec, Run | None]:
    """The plan of a spec as it is now, under the facts of its last run: same profile, device and input digests.

    Without such a run the facts are this machine's. Returns the plan, the spec and the run, if there is one.
    """
    loaded = load(spec, wanted=probe().profile, sets=sets)
    try:
        run, past = latest(store, loaded.spec.name, run_id)
    except SpecError:
        if run_id:
            raise
        planned = resolve(spec, None, sets, folders, store.root)
        return planned.plan, planned.loaded.spec, None
    loaded = load(spec, profile=past.profile or "none", sets=sets)
    facts = Facts(device=past.device, profile=past.profile, digests=past.digests, paths={written: written for written in past.digests})
    plan, _ = compile_with(loaded, facts, folders)
    return plan.model_copy(update={"here": past.here}), loaded.spec, run
