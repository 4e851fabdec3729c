"""How a lie ends: the verdicts on what a run recorded, as `ryot check` reckons them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from ryot.check.judge import Measured, judge
from ryot.check.verdict import Verdict, exit_code
from ryot.engine.outcome import measured
from ryot.measures import Target, parse_target
from ryot.plan.plan import Plan
from ryot.plugins.testing import StageResult
from ryot.store.store import Store

CAUGHT = {"FAIL", "ERROR"}


def verdicts(plan: Plan, store: Store) -> tuple[Verdict, ...]:
    """On every target of a plan, from what the store holds now."""
    found, problems = measured(plan, store)
    return judge(plan.targets, found, problems, datetime.now(UTC).date())


def caught(plan: Plan, store: Store) -> str:
    """The reasons of the verdicts, each of which must be FAIL or ERROR."""
    found = verdicts(plan, store)
    assert found
    assert {verdict.status for verdict in found} <= CAUGHT, found
    assert exit_code(found) in (1, 5)
    return "; ".join(verdict.reason for verdict in found)


def statuses(result: StageResult, targets: Iterable[str]) -> list[str]:
    """What the targets, written `measure < 5ms`, amount to on the evidence of a stage that was run alone."""
    asked = [Target.model_validate(parse_target(f"node/{text}")) for text in targets]
    found = {f"node/{name}": Measured(result.declared[name], item) for name, item in result.evidence.items()}
    return [verdict.status for verdict in judge(asked, found, {}, datetime.now(UTC).date())]
