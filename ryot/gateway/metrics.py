"""What /metrics tells, in Prometheus' format."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

if TYPE_CHECKING:
    from ryot.gateway.app import Gateway
    from ryot.gateway.book import Ended

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_STATES = {"closed": 0, "half_open": 1, "open": 2}


class Metrics:
    """Counters and histograms of one gateway; gauges are read when they are asked for."""

    def __init__(self, gateway: Gateway) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._requests = Counter("ryot_requests", "Requests by route and status.", ("route", "status"), registry=self.registry)
        self._seconds = Histogram(
            "ryot_request_seconds", "From a whole request to the end of its answer.", ("route",), buckets=_SECONDS, registry=self.registry
        )
        self._first = Histogram(
            "ryot_first_byte_seconds", "To the first byte of a stream.", ("route",), buckets=_SECONDS, registry=self.registry
        )
        self._queue = Histogram("ryot_queue_seconds", "Waiting for a turn.", buckets=_SECONDS, registry=self.registry)
        self._tokens = Counter("ryot_generated_tokens", "Tokens of answers that were not streamed.", registry=self.registry)
        self._events = Counter(
            "ryot_stream_events", "Events of streams passed on; an engine puts a token or more into each.", registry=self.registry
        )
        self._hits = Counter("ryot_cache_hits", "Answers from the cache.", registry=self.registry)
        self._misses = Counter("ryot_cache_misses", "Requests that could have been in the cache.", registry=self.registry)
        self.retries = Counter("ryot_retries", "Requests sent to another replica.", registry=self.registry)
        self.left = Counter("ryot_clients_left", "Clients that left before their answer was whole.", registry=self.registry)
        self._children: dict[object, object] = {}
        self.registry.register(_Gauges(gateway))

    def done(self, ended: Ended) -> None:
        """A request has ended."""
        key = (ended.route, ended.status)
        counter = self._children.get(key)
        if counter is None:
            counter = self._children[key] = self._requests.labels(ended.route, str(ended.status))
        counter.inc()  # type: ignore[attr-defined]
        self._observe(self._seconds, ended.route, ended.seconds)
        if ended.queued_s is not None:
            self._queue.observe(ended.queued_s)
        if ended.cache:
            (self._hits if ended.cache == "hit" else self._misses).inc()
        if ended.tokens:
            self._tokens.inc(ended.tokens)
        if ended.events:
            self._events.inc(ended.events)

    def first_byte(self, route: str, seconds: float) -> None:
        """An engine began to answer."""
        self._observe(self._first, route, seconds)

    def _observe(self, histogram: Histogram, route: str, seconds: float) -> None:
        key = (histogram, route)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = histogram.labels(route)
        child.observe(seconds)  # type: ignore[attr-defined]

    def text(self) -> bytes:
        """All of it."""
        return generate_latest(self.registry)


class _Gauges:
    """What is so now."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterable[Metric]:
        """Prometheus' collector."""
        gateway = self._gateway
        now_s = gateway.now()
        yield GaugeMetricFamily("ryot_uptime_seconds", "Since the start.", value=gateway.uptime)
        yield GaugeMetricFamily("ryot_sequences_running", "Sequences inside.", value=gateway.admission.inside)
        yield GaugeMetricFamily("ryot_requests_waiting", "Requests that wait for their turn.", value=len(gateway.admission))
        yield GaugeMetricFamily("ryot_cache_bytes", "Bytes of answers kept.", value=gateway.cache.bytes)
        per = {
            "ryot_replica_up": ("Whether its last probe gave a token.", lambda replica: float(replica.lives)),
            "ryot_replica_in_flight": ("Sequences at this replica.", lambda replica: float(replica.in_flight)),
            "ryot_replica_breaker": (
                "0 closed, 1 half open, 2 open.", lambda replica: float(_STATES[replica.breaker.state(now_s)])
            ),
            "ryot_replica_answered": ("Answers since the start.", lambda replica: float(replica.answered)),
            "ryot_replica_probes": ("Probes begun since the start.", lambda replica: float(replica.probed)),
            "ryot_replica_probes_ended": ("Of these, those that are over.", lambda replica: float(replica.probes_ended)),
            "ryot_replica_failed": ("Failures since the start.", lambda replica: float(replica.failed)),
        }  # fmt: skip
        for name, (about, value) in per.items():
            family = GaugeMetricFamily(name, about, labels=("replica",))
            for replica in gateway.replicas.all:
                family.add_metric((replica.name,), value(replica))  # type: ignore[no-untyped-call]
            yield family
