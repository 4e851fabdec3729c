"""Looking again: the samples of several rounds as one, and the confidence at which each of several looks is judged. Pure.

Who looks K times at a growing sample, each time at 95 %, passes what is not so far more often than once in twenty (Armitage, McPherson
and Rowe 1969). So the number of looks is fixed before the first, and each errs with an equal share of the error: by Bonferroni's
inequality (Dunn 1961) none of the K errs with the asked confidence, however the looks depend on each other, whatever the kind of measure,
and whenever the looking stops. Pocock's constants (1977) are less strict, and hold for normal samples in rounds of equal size only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ryot.measures import Evidence, Measure, Target

ALONE = ("count", "exact")
"""The kinds that are one number a round: numbers of rounds are not added up, each round has to hold by itself."""


@dataclass(frozen=True, slots=True)
class Looks:
    """How many looks at a measure were made, and how many were promised before the first."""

    made: int = 1
    promised: int = 1

    def level(self, confidence: float) -> float:
        """The confidence of each look, so that all that were promised hold together at `confidence`."""
        return 1 - (1 - confidence) / self.promised if self.promised > 1 else confidence

    def words(self, confidence: float) -> str:
        """`look 2 of at most 4, each at 98.75 %, all together at 95 %`."""
        each, whole = f"{self.level(confidence) * 100:.6g} %", f"{confidence * 100:.6g} %"
        return f"look {self.made} of at most {self.promised}, each at {each}, all together at {whole}"


ONE = Looks()


def at_level(target: Target, looks: Looks) -> Target:
    """The target with the confidence that each of several looks at it is judged at."""
    return target.model_copy(update={"confidence": looks.level(target.confidence)}) if looks.promised > 1 else target


def pooled(measure: Measure, rounds: Sequence[Evidence]) -> Evidence:
    """The samples of all rounds, in order, as one evidence. Of a kind that is one number a round: the first round's."""
    if measure.kind in ALONE or len(rounds) == 1:
        return rounds[0]
    counted = [(part.hits, part.of) for part in rounds if part.hits is not None and part.of is not None]
    whole = measure.kind == "proportion" and len(counted) == len(rounds)
    return Evidence(
        hits=sum(hits for hits, _ in counted) if whole else None,
        of=sum(of for _, of in counted) if whole else None,
        samples=tuple(sample for part in rounds for sample in part.samples),
        pairs=tuple(pair for part in rounds for pair in part.pairs),
    )
