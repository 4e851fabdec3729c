"""What the dashboard shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: its title, Grafana's unit, and pairs of a legend and a PromQL expression."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]


def panels(job: str) -> list[Panel]:
    """Throughput, latency, errors, queue, cache and engines of a job."""
    of = f'{{job="{job}"}}'
    asked = f'job="{job}", route=~"/infer|/v1/.*completions"'

    def quantile(share: float) -> str:
        return f"histogram_quantile({share}, sum by (le) (rate(ryot_request_seconds_bucket{{{asked}}}[1m])))"

    hits, misses = (f"sum(rate(ryot_cache_{what}_total{of}[1m]))" for what in ("hits", "misses"))
    return [
        Panel("Requests", "reqps", (("{{route}} {{status}}", f"sum by (route, status) (rate(ryot_requests_total{of}[1m]))"),)),
        Panel("Latency", "s", (("p50", quantile(0.5)), ("p95", quantile(0.95)), ("p99", quantile(0.99)))),
        Panel("Tokens a second, not streamed", "short", (("tokens", f"sum(rate(ryot_generated_tokens_total{of}[1m]))"),)),
        Panel("Errors", "percentunit", (("5xx", _share(job, "5..")), ("429", _share(job, "429")), ("4xx", _share(job, "4..")))),
        Panel(
            "Inside and waiting", "short", (("running", f"sum(ryot_sequences_running{of})"), ("waiting", f"sum(ryot_requests_waiting{of})"))
        ),
        Panel("Answers from the cache", "percentunit", (("hits", f"{hits} / ({hits} + {misses})"),)),
        Panel("Engines that give tokens", "short", (("replica {{replica}}", f"min by (replica) (ryot_replica_up{of})"),)),
        Panel("Breakers: 1 half open, 2 open", "short", (("replica {{replica}}", f"max by (replica) (ryot_replica_breaker{of})"),)),
    ]


def _share(job: str, status: str) -> str:
    return f'sum(rate(ryot_requests_total{{job="{job}", status=~"{status}"}}[1m])) / sum(rate(ryot_requests_total{{job="{job}"}}[1m]))'
