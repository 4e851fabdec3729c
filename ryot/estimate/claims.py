"""The audit of what the author believes: each claim beside what arithmetic finds. A refuted claim is shown and changes no exit code."""

from dataclasses import dataclass

from ryot.estimate.parameters import count_parameters
from ryot.spec import Spec

TOLERANCE = 0.05
"""Claims are rounded: two digits, as in 1.1M, leave up to 4.8 % of the claim open. What is further off is another number."""


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One claim: what was claimed, what was computed, whether they agree within TOLERANCE, and how the latter came about."""

    claim: str
    claimed: float
    computed: float
    ok: bool
    formula: str

    @property
    def factor(self) -> float | None:
        """Computed over claimed; None for a claim of nothing."""
        return self.computed / self.claimed if self.claimed else None


def audit(spec: Spec) -> tuple[ClaimRow, ...]:
    """A row for each claim that the spec makes."""
    return () if spec.claims.params is None else (_parameters(spec, spec.claims.params),)


def _parameters(spec: Spec, claimed: int) -> ClaimRow:
    """The claim is held against all parameters, the frozen ones included, because that is what loaders and papers count."""
    found, model = count_parameters(spec.model), spec.model
    shape = f"V {model.vocab_size:,}, d {model.hidden_size:,}, L {model.layers}, f {model.ffn_size:,}"
    frozen = f", C {model.context:,}; {found.trainable:,} of them trainable" if found.frozen else ""
    keys = f", k {model.hidden_size // model.heads * (model.kv_heads or model.heads):,}" if model.family == "llama" else ""
    ok = abs(found.total - claimed) <= TOLERANCE * claimed
    return ClaimRow("params", claimed, found.total, ok, f"{found.formula} with {shape}{keys}{frozen}")
