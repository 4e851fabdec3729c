"""`targets`: how one is written as a map. Only described here; ryot.measures reads it."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ryot.measures import Target, parse_target
from ryot.spec.section import Section

Bound = str | float


class WaiverMap(Section):
    """A must-target let go for a while."""

    owner: str = Field(min_length=1)
    """Who answers for it."""
    reason: str = Field(min_length=1)
    """Why it is let go."""
    expires: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    """The last day it holds, as YYYY-MM-DD; after it the target fails."""


class TargetMap(Section):
    """A target as a map: its measure, and exactly one bound."""

    measure: str = Field(pattern=r"^[^/\s]+/[^/\s]+$")
    """What is demanded of: node/measure, as in bench.single/latency_p95."""
    at_least: Bound | None = None
    """The measure is this or more."""
    at_most: Bound | None = None
    """The measure is this or less."""
    more_than: Bound | None = None
    """The measure is above this."""
    less_than: Bound | None = None
    """The measure is below this."""
    equals: Bound | None = None
    """The measure is exactly this."""
    priority: Literal["must", "should"] = "must"
    """A must-target decides the exit code; a should-target is only shown."""
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """The confidence of the verdict."""
    waiver: WaiverMap | None = None
    """Lets a must-target go for a while."""


WrittenTarget = Annotated[Target, BeforeValidator(parse_target, json_schema_input_type=str | TargetMap)]
