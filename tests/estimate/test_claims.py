"""The audit: claims that hold, claims that arithmetic refutes."""

import pytest

from ryot.estimate.claims import audit
from ryot.spec import Spec


def spec(params: str | None, **model: object) -> Spec:
    return Spec.model_validate(
        {
            "version": 1,
            "name": "claimed",
            "claims": {} if params is None else {"params": params},
            "model": {"preset": "ryot-scaled", **model},
            "data": {"sources": [{"generate": {}}]},
            "train": {"epochs": 1},
        }
    )


def test_a_claim_that_arithmetic_refutes_is_shown_with_both_numbers() -> None:
    (row,) = audit(spec("1.1M"))
    assert (row.claim, row.claimed, row.computed, row.ok) == ("params", 1_100_000, 9_526_272, False)
    assert row.factor == pytest.approx(8.66, abs=0.01)
    assert "4 d^2" in row.formula
    assert "9,460,736 of them trainable" in row.formula


@pytest.mark.parametrize("params", ["9.5M", "9.53M", "10M"])
def test_a_rounded_claim_holds(params: str) -> None:
    assert audit(spec(params))[0].ok


@pytest.mark.parametrize("params", ["9M", "10.5M", "0"])
def test_a_claim_of_another_number_does_not_hold(params: str) -> None:
    assert not audit(spec(params))[0].ok


def test_a_spec_without_claims_has_nothing_to_audit() -> None:
    assert audit(spec(None)) == ()
