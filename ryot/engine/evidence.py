"""Whether a plan's targets can be certified, reckoned with the samples that earlier runs of the same spec took. Reads the store only."""

from __future__ import annotations

from ryot.check.evidence import EvidenceRow, Expected, plan_evidence
from ryot.check.looks import ONE, Looks, at_level
from ryot.engine.survey import plan_of
from ryot.errors import NodeError
from ryot.measures import Evidence, Measure, Target
from ryot.plan.plan import Plan, PlannedNode
from ryot.store.journal import all_runs
from ryot.store.store import Store

_RUNS = 20
"""So many runs are looked back through; beyond, their plans take longer to read than they are worth."""


def planned_evidence(plan: Plan, store: Store) -> tuple[EvidenceRow, ...]:
    """What each target takes and gets, with what its measure's samples were when last taken on this kind of device."""
    return plan_evidence(shared_targets(plan), expected_of(plan), last_evidence(plan, store))


def shared_targets(plan: Plan) -> tuple[Target, ...]:
    """The targets, each with the confidence that a look at it is judged at."""
    drawn = {
        f"{node.name}/{measure.name}": Looks(1, node.looks)
        for node in plan.nodes
        for measure in node.measures
        if node.looks > 1 and not measure.fixed
    }
    return tuple(at_level(target, drawn.get(target.measure, ONE)) for target in plan.targets)


def expected_of(plan: Plan) -> dict[str, Expected]:
    """Every measure of a plan by node/name, with the number of samples it will have, of all rounds that there are."""
    return {
        f"{node.name}/{measure.name}": Expected(measure, _expected(plan, node, measure)) for node in plan.nodes for measure in node.measures
    }


def _expected(plan: Plan, node: PlannedNode, measure: Measure) -> int | None:
    each = node.samples.get(measure.name)
    return each if each is None or measure.fixed else each * (1 + len(plan.rounds(node.name)))


def last_evidence(plan: Plan, store: Store) -> dict[str, Evidence]:
    """The newest samples of every measure that has a target, by node/name: of the node itself where it is finished, else of the
    node of that name in the newest run of this spec, on this kind of device, that finished it."""
    wanted = {target.node for target in plan.targets} & set(plan.names)
    found: dict[str, Evidence] = {}
    for past in (plan, *_past_plans(plan, store)):
        for name in sorted(wanted & set(past.names)):
            evidence = evidence_of(past.node(name), store)
            if evidence is not None:
                found |= {f"{name}/{measure}": item for measure, item in evidence.items()}
                wanted.remove(name)
        if not wanted:
            break
    return found


def _past_plans(plan: Plan, store: Store) -> list[Plan]:
    runs = all_runs(store.runs, plan.name)[-_RUNS:]
    return [past for run in reversed(runs) if (past := plan_of(run)) is not None and past.device == plan.device]


def evidence_of(node: PlannedNode, store: Store) -> dict[str, Evidence] | None:
    """A finished node's samples by measure; None where it is not finished or they are damaged."""
    record = None if node.is_service else store.record(node.stage, node.key)
    try:
        return store.evidence(record) if record else None
    except NodeError:  # damaged samples; `ryot apply` says so and takes them anew
        return None
