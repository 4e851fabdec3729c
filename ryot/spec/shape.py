"""How a load is shaped, and what is asked of it: lengths, pauses, arrivals, objectives, and loads in turns."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from ryot.spec.section import Section
from ryot.units import Count, Duration


class Span(Section):
    """A number of tokens that is drawn for each request anew, all between the two alike; the draws are seeded. A plain number is always
    that number."""

    least: Count = Field(ge=1, alias="from")
    """The fewest."""
    most: Count = Field(ge=1, alias="to")
    """The most; it can come, too."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"from {self.least} is above to {self.most}")
        return self

    @property
    def one(self) -> int | None:
        """The number that it always is; None where it is drawn."""
        return self.least if self.least == self.most else None

    @property
    def middle(self) -> int:
        """The number that stands for all of them."""
        return (self.least + self.most + 1) // 2

    def __str__(self) -> str:
        return f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"


def _span(written: object) -> object:
    return written if isinstance(written, dict | Span) else {"from": written, "to": written}


Length = Annotated[Span, BeforeValidator(_span, json_schema_input_type=int | str | Span)]
"""A number of tokens as a spec writes it: `32`, or `{from: 16, to: 256}`."""


def always(count: int) -> Span:
    """The length that is always this number."""
    return Span.model_validate({"from": count, "to": count})


class Think(Section):
    """How long a client waits after an answer before it asks again. A plain time is always that time."""

    mean: Duration = Field(gt=0)
    """On average."""
    distribution: Literal["constant", "exponential"] = "constant"
    """constant: always so long · exponential: as long as people's pauses that know nothing of each other; seeded."""


def _think(written: object) -> object:
    return written if isinstance(written, dict | Think) else {"mean": written}


Pause = Annotated[Think, BeforeValidator(_think, json_schema_input_type=str | Think)]
"""A pause as a spec writes it: `100ms`, or `{mean: 100ms, distribution: exponential}`."""


class Step(Section):
    """One step of a ramp."""

    rate: float = Field(gt=0, le=100_000)
    """Requests a second."""
    lasts: Duration = Field(gt=0, alias="for")
    """For how long; the rate times this is how many requests it has, which is at least one."""

    @property
    def requests(self) -> int:
        """How many it has."""
        return max(round(self.rate * self.lasts), 1)


class Arrivals(Section):
    """Requests that come at times of their own, whether or not the server keeps up: an open loop. Of rate, ramp and replay, one."""

    rate: float | None = Field(None, gt=0, le=100_000)
    """Requests a second."""
    ramp: tuple[Step, ...] | None = Field(None, min_length=2)
    """Steps of a rate, one after the other without a pause: `[{rate: 10, for: 10s}, {rate: 100, for: 10s}]`. Each has measures of its own,
    as step1_latency_p95."""
    replay: bool = False
    """At the times `at` (seconds) that the lines of the scenario's `trace` tell, counted from the first."""
    distribution: Literal["poisson", "constant"] = "poisson"
    """poisson: as many clients come that know nothing of each other · constant: one after another at equal distances."""
    max_in_flight: int = Field(2000, ge=1, le=50_000)
    """Connections at most. A request that comes when all are busy waits for one, and that counts in its latency."""

    @model_validator(mode="after")
    def _one_schedule(self) -> Self:
        if (self.rate is not None) + (self.ramp is not None) + self.replay != 1:
            raise ValueError("when do requests come? give rate, ramp, or `replay: true`, and only one of them")
        if self.replay and "distribution" in self.model_fields_set:
            raise ValueError("distribution is for a rate; a replay's times stand in its trace")
        return self


class Objective(Section):
    """What a request has to keep to be a good one; each is counted from its intended start."""

    latency: Duration | None = Field(None, gt=0)
    """The whole answer within this time."""
    ttft: Duration | None = Field(None, gt=0)
    """The first token within this time; needs `stream`."""
    tpot: Duration | None = Field(None, gt=0)
    """Each further token within this time on average; needs `stream`."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.latency is self.ttft is self.tpot is None:
            raise ValueError("says nothing; give at least one of latency, ttft and tpot")
        return self


class Scaling(Section):
    """The same load on one engine and on several, block after block in turns, each number with as many times the users. On GPUs each engine
    takes its own; on a CPU they share the cores, and the clients too."""

    replicas: tuple[int, ...] = Field((1, 2, 4), min_length=2)
    """How many engines, from 1 upwards. For more than the machine has room for there is no number, and a target on it is ERROR."""
    blocks: int = Field(8, ge=4, le=200)
    """Rounds; each has a block of requests for each number of engines."""

    @model_validator(mode="after")
    def _from_one(self) -> Self:
        if self.replicas[0] != 1 or list(self.replicas) != sorted(set(self.replicas)):
            raise ValueError(f"replicas is a list that begins with 1 and rises, as [1, 2, 4], not {list(self.replicas)}")
        return self


class Gain(Section):
    """What a change is worth: the same load before and after it, block after block in turns. Of batch, weights, gpu and kv_cache, one."""

    batch: int | None = Field(None, ge=2, le=256)
    """So many prompts in a request, against one."""
    weights: Literal["int8", "fp8", "int4"] | None = None
    """This copy of `compress`, against the export."""
    gpu: bool = False
    """The GPU, against the CPU of the same machine. On one without a GPU there is no number, and a target on it is ERROR."""
    kv_cache: bool = False
    """The cache of keys and values, against every token computed from its whole sequence anew. Needs `serve.engine: transformers`: vLLM
    cannot serve without a cache, and a target on it is ERROR there."""
    blocks: int = Field(8, ge=4, le=200)
    """Rounds; each has a block of requests before and one after."""

    @model_validator(mode="after")
    def _one_change(self) -> Self:
        if (self.batch is not None) + (self.weights is not None) + self.gpu + self.kv_cache != 1:
            raise ValueError("which change is it? give batch, weights, `gpu: true` or `kv_cache: true`, and only one of them")
        return self
