"""All that a plan says before anything runs: nodes with their states, estimates, claims, refusals, warnings, evidence. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ryot.check.evidence import EvidenceRow, plan_evidence
from ryot.engine.evidence import expected_of, shared_targets
from ryot.engine.predict import look_ahead
from ryot.estimate.calibration import Past, Prediction
from ryot.estimate.claims import ClaimRow, audit
from ryot.estimate.doubts import Doubt, doubts
from ryot.estimate.estimates import Estimates, estimate
from ryot.estimate.refusals import Refusal, refusals
from ryot.measures import Evidence
from ryot.plan.plan import Plan
from ryot.spec.spec import Spec


@dataclass(frozen=True, slots=True)
class Seen:
    """What a plan is told: the documents of the training split, past predictions, the size of its texts where all are local, and each
    measure's samples (node/name) when it was last taken."""

    documents: int | None = None
    past: tuple[Past, ...] = ()
    text_bytes: int | None = None
    evidence: Mapping[str, Evidence] | None = None


@dataclass(frozen=True, slots=True)
class Foresight:
    """What a plan foresees. `refused` holds also what the spec allows."""

    estimates: Estimates
    predictions: Mapping[str, Prediction]
    claims: tuple[ClaimRow, ...]
    refused: tuple[Refusal, ...]
    doubts: tuple[Doubt, ...]
    evidence: tuple[EvidenceRow, ...]

    @property
    def stops(self) -> tuple[Refusal, ...]:
        """The refusals that the spec does not allow."""
        return tuple(refusal for refusal in self.refused if refusal.allowed is None)


def foresee(spec: Spec, plan: Plan, seen: Seen, engines: Mapping[str, str]) -> Foresight | None:
    """What is to be expected of a plan; None for one of an earlier version, which does not say on what machine it was made."""
    if plan.here is None:
        return None
    ahead = look_ahead(plan, estimate(spec, plan.here, seen.documents), seen.past, engines)
    return Foresight(
        estimates=ahead.estimates,
        predictions=ahead.predictions,
        claims=audit(spec, ahead.estimates),
        refused=refusals(spec, ahead.estimates),
        doubts=doubts(spec, ahead.estimates, _shown(ahead.predictions), seen.text_bytes),
        evidence=plan_evidence(shared_targets(plan), expected_of(plan), seen.evidence),
    )


def _shown(predictions: Mapping[str, Prediction]) -> dict[str, Prediction]:
    """Those that say what will be. What is bound by a floor alone says only what cannot be."""
    floors = {"latency_p50", "tokens_per_s"}
    return {
        name: prediction
        for name, prediction in predictions.items()
        if prediction.error is not None or not (name.startswith("bench.") and name.split("/")[1] in floors)
    }
