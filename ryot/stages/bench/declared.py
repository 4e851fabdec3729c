"""What a scenario can find out: its measures, as they are declared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ryot.plugins import Measure

_COUNTED = "over every counted request; one that failed counts as the whole timeout"
MEASURES = (
    Measure(name="latency_p50", kind="percentile", quantile=0.5, unit="s", about=_COUNTED, sample="request"),
    Measure(name="latency_p95", kind="percentile", quantile=0.95, unit="s", about=_COUNTED, sample="request"),
    Measure(name="latency_p99", kind="percentile", quantile=0.99, unit="s", about=_COUNTED, sample="request"),
    Measure(name="errors", kind="count", about="failed requests, wrong and late answers, of all counted requests", sample="request"),
    Measure(name="success_rate", kind="proportion", unit="proportion", about="requests answered rightly and in time", sample="request"),
    Measure(
        name="tokens_per_s", kind="mean", unit="tokens/s", about="tokens generated, over consecutive equal windows of time", sample="window"
    ),
    Measure(
        name="requests_per_s",
        kind="mean",
        unit="requests/s",
        about="right answers, over the same windows",
        sample="window",
    ),
    Measure(
        name="queue_depth_p95",
        kind="percentile",
        quantile=0.95,
        about="prompts that wait in the server, seen several times a second while the load lasts",
        sample="look",
        optional=True,
    ),
    Measure(name="memory", kind="exact", unit="bytes", about="weights and the cache reserved for keys and values"),
    Measure(
        name="degradation",
        kind="ratio",
        form="reduction",
        unit="proportion",
        about="tokens/s lost from the first half of the time to the second, window against window",
        sample="pair",
    ),
    *(
        Measure(name=name, kind="mean", unit="proportion", about=f"{about}, seen twice a second", sample="look", optional=True)
        for name, about in (
            ("server_cpu", "CPU time of the server's processes, as a share of all cores"),
            ("gpu_utilisation", "the share of the time in which the GPUs worked"),
        )
    ),
    *(
        Measure(name=name, kind="exact", unit="bytes", about=f"{about}, the most that was seen", optional=True)
        for name, about in (
            ("server_memory", "resident memory of the server's processes, pages that they share counted in each"),
            ("gpu_memory", "memory in use on the GPUs, by anyone"),
        )
    ),
)


def _percentiles(name: str, about: str) -> tuple[Measure, ...]:
    return tuple(
        Measure(name=f"{name}_p{percent}", kind="percentile", quantile=percent / 100, unit="s", about=about, sample="request")
        for percent in (50, 95, 99)
    )


FIRST_TOKEN = _percentiles(
    "ttft", "from the intended start to the first token of a stream; a request that failed counts as the whole timeout"
)
FURTHER_TOKENS = (
    *_percentiles("tpot", "for each token after the first, averaged over a request; one that failed counts as the whole timeout"),
    *_percentiles("itl", "between chunks of a stream, one gap drawn from each request; one that failed counts as the whole timeout"),
)
OBJECTIVE = (
    Measure(name="goodput", kind="mean", unit="requests/s", about="requests that kept the slo, over the same windows", sample="window"),
    Measure(name="slo_attainment", kind="proportion", unit="proportion", about="requests that kept the slo", sample="request"),
)


DRIFTS = (
    Measure(
        name="latency_drift",
        kind="mean",
        unit="s/h",
        about="how fast the median latency grows, from the first half of the time to the second, group of requests against group",
        sample="pair",
        optional=True,
    ),
    Measure(
        name="memory_drift",
        kind="mean",
        unit="bytes/h",
        about="how fast the resident memory of the server's processes grows, likewise, from looks twice a second",
        sample="pair",
        optional=True,
    ),
)


def of_step(number: int, rate: float, lasts_s: float, *, slo: bool) -> tuple[Measure, ...]:
    """What one step of a ramp measures, counted from 1."""
    name, at = f"step{number}", f"of the requests that were to start at {rate:g} requests/s, for {lasts_s:g} s"
    errors = Measure(name=f"{name}_errors", kind="count", about=f"failed ones {at}", sample="request")
    kept = Measure(name=f"{name}_slo_attainment", kind="proportion", unit="proportion", about=f"those that kept it, {at}", sample="request")
    return (*_percentiles(f"{name}_latency", at), errors, *((kept,) if slo else ()))


def of_scaling(replicas: Sequence[int]) -> tuple[Measure, ...]:
    """What the same load on so many replicas measures; what the machine has no room for stays without a number."""
    return tuple(measure for number in replicas for measure in _of_replicas(number))


def _of_replicas(number: int) -> Iterator[Measure]:
    yield Measure(
        name=f"throughput_{number}",
        kind="mean",
        unit="tokens/s",
        about=f"tokens generated by {number} replicas with {number} times the users, block after block",
        sample="block",
        optional=number > 1,
    )
    if number == 1:
        return
    yield Measure(
        name=f"overhead_{number}",
        kind="ratio",
        form="reduction",
        unit="proportion",
        pair_unit="tokens/s",
        about=f"what {number} replicas lack of {number} times the throughput of one, in turns",
        sample="round",
        optional=True,
    )
    yield Measure(
        name=f"evenness_{number}",
        kind="exact",
        unit="proportion",
        about=f"answers of the replica that gave the fewest, over an even share among {number}, as the gateway counts",
        optional=True,
    )


OF_GAIN = (
    Measure(
        name="speedup",
        kind="ratio",
        form="speedup",
        pair_unit="s",
        about="time a token before the change over that after it, block against block in turns",
        sample="round",
        optional=True,
    ),
    *(
        Measure(
            name=f"tokens_per_s_{name}",
            kind="mean",
            unit="tokens/s",
            about=f"tokens generated {name} the change",
            sample="block",
            optional=True,
        )
        for name in ("before", "after")
    ),
)
