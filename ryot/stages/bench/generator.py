"""Starts Locust in its own process with what a scenario asks of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ryot.plugins import NodeError, StageContext
from ryot.stages.bench.orders import VARIABLE, Orders
from ryot.stages.bench.stage import BenchConfig, Span, Trace
from ryot.stages.bench.trace import Traced, parse

_LOCUSTFILE = Path(__file__).with_name("locustfile.py")


def orders(config: BenchConfig, context: StageContext, **more: object) -> Orders:
    """What the generator is told; `more` are other fields of Orders. What an earlier try left is removed. Raises NodeError for a trace that
    cannot be used."""
    alike = {field.name for field in dataclasses.fields(Orders)} & set(BenchConfig.model_fields)
    shaped = {"page", "think", "trace", "prompt_tokens", "output_tokens", "duration"}
    fields = config.model_dump(include=alike - shaped) | _lengths(config)
    if config.arrivals:
        steps = tuple((step.rate, step.lasts, step.requests) for step in config.arrivals.ramp)
        fields |= config.arrivals.model_dump(exclude={"ramp"}) | {"users": config.generators, "steps": steps}
    fields["duration"] = config.duration or 0.0
    if config.think:
        fields |= {"think": config.think.mean, "pauses": config.think.distribution}
    folder, endpoint = context.scratch.resolve(), context.services["serve"]
    if config.trace:
        fields["trace"] = str(folder / "trace.json")
        rows = _traced(config, config.trace)
        Path(fields["trace"]).write_text(json.dumps(rows))
    for name in ("samples.jsonl", "summary.json"):
        (folder / name).unlink(missing_ok=True)
    fields |= {"workers": config.generators, "port": str(folder / "master.port")}
    fields |= {"samples": str(folder / "samples.jsonl"), "summary": str(folder / "summary.json")}
    return Orders(url=endpoint.url, model=endpoint.model, **(fields | more))


def _lengths(config: BenchConfig) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in ("prompt", "output"):
        length = getattr(config, f"{name}_tokens")
        least, most = (length.least, length.most) if isinstance(length, Span) else (length, 0)
        found |= {f"{name}_tokens": least, f"{name}_most": most}
    return found


def _traced(config: BenchConfig, trace: Trace) -> list[Traced]:
    """The requests of a trace. Raises NodeError, which names the lines that are wrong."""
    replayed = bool(config.arrivals and config.arrivals.replay)
    try:
        data = Path(trace.path).read_bytes()
        found = parse(data.decode().splitlines(), trace.context, timed=replayed)
    except OSError as error:
        raise NodeError(f"the trace {trace.written} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise NodeError(f"the trace {trace.written} cannot be used: {error}", hint="mend the lines, and apply again") from None
    if hashlib.sha256(data).hexdigest() != trace.digest:
        raise NodeError(f"the trace {trace.written} has changed since the plan was made", hint="apply again")
    if replayed and len(found) < config.requests:
        message = f"the trace {trace.written} has {len(found):,} requests, and {config.requests:,} are to be replayed"
        raise NodeError(message, hint=f"set requests to {len(found)} or fewer in {config.scenario}")
    return found


def locust(told: Orders, context: StageContext, how: Sequence[str], name: str = "orders.json") -> subprocess.Popen[bytes]:
    """Start Locust, `how` being with or without its page, or one of several. It spawns all users at once; an error among the answers is
    ours to judge, not its exit code's."""
    path = context.scratch.resolve() / name
    told.save(path)
    users = ("--users", str(told.users), "--spawn-rate", str(told.users), "--host", told.url)
    quiet = ("--exit-code-on-error", "0", "--only-summary", "--loglevel", "WARNING")
    argv = [context.python, "-m", "locust", "-f", str(_LOCUSTFILE), *how, *users, *quiet]
    return context.spawn(argv, env={VARIABLE: str(path)}, log=context.scratch / "locust.log")


def last_words(context: StageContext) -> str:
    """The end of what Locust logged."""
    return "\n".join((context.scratch / "locust.log").read_text(errors="replace").splitlines()[-15:])
