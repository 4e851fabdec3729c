"""The highest load that meets a scenario's targets: every try a load of its own, audited and judged like any other, all of it kept.

Each of at most N tries is judged at 1 - (1 - confidence) / N, so that what is said of all of them together holds at the confidence.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from ryot.plugins import NodeError, StageContext, Target
from ryot.stages.bench import samples, work
from ryot.stages.bench.backlog import MOST_LEFT, left_over
from ryot.stages.bench.results import QUEUE
from ryot.stages.bench.search import Border, Limits, search
from ryot.stages.bench.stage import BenchConfig, FindMax, measures_of

FOUND = "search.json"
_MOST_USERS, _MOST_RATE = 4096, 1e6
_EACH_USER = 10
"""Requests that each user makes at least, so that they are side by side for most of the time."""
_FURTHER = 1000
"""Tries have seeds that follow each other; one that is made once more has its own."""

Outcome = Literal["met", "too little", "missed", "invalid"]
"""`too little`: only floors of a rate are missed, which more load may meet."""


@dataclass(frozen=True, slots=True)
class Step:
    """One load that was tried: requests a second or users, what came of it and why, seconds it took; the rest is its raw evidence."""

    level: float
    requests: int
    outcome: Outcome
    reasons: list[str]
    seconds: float
    verdicts: list[dict[str, Any]]
    measures: dict[str, Any]
    folder: str


@dataclass
class _Search:
    config: BenchConfig
    find: FindMax
    context: StageContext
    steps: list[Step] = field(default_factory=list)
    began_s: float = field(default_factory=time.monotonic)
    requests_per_s: float = 0.0
    """Of the last load that was measured."""

    def bears(self, level: float) -> bool:
        """Try a load, and keep what came of it. Raises NodeError where the server is gone."""
        config = _at(self.config, level, self._requests(level), len(self.steps) + 1)
        step = self._tried(config, level)
        self.steps.append(step)
        self.context.say(f"{level:g} {unit(self.config)}: {step.outcome}{''.join(f'; {reason}' for reason in step.reasons)}")
        self.keep(None)
        return step.outcome in ("met", "too little")

    def in_time(self) -> bool:
        """Whether as long a try as the last one would end within the budget."""
        return time.monotonic() - self.began_s + self.steps[-1].seconds <= self.find.budget_s

    def keep(self, border: Border | None) -> None:
        """Write what is known so far: a search that is ended by force leaves its tries."""
        told = {
            "scenario": self.config.scenario,
            "unit": unit(self.config),
            "targets": [target.written for target in self.find.targets],
            "tries": self.find.steps,
            "seconds": round(time.monotonic() - self.began_s, 3),
            **_said(border, self.steps),
            "steps": [asdict(step) for step in self.steps],
        }
        self.context.write(FOUND, json.dumps(told, indent=1) + "\n")

    def _requests(self, level: float) -> int:
        """Enough for the targets' confidence, and for `step_s` seconds: a queue that grows needs time to be seen."""
        pace = level if self.config.arrivals else self.requests_per_s
        each = 0 if self.config.arrivals else _EACH_USER * int(level)
        return max(self.config.requests, self.find.least_requests, each, math.ceil(pace * self.find.step_s))

    def _tried(self, config: BenchConfig, level: float) -> Step:
        context, name = self._inside(f"{level:g} {unit(config)}")
        began_s = time.monotonic()
        outcome: Outcome
        try:
            kept = work.load(config, context)
            if QUEUE in context.lacking and any(target.name == QUEUE for target in self.find.targets):
                more = {"requests": 10 * config.requests, "seed": config.seed + _FURTHER}
                return self._tried(config.model_copy(update=more), level)
            outcome, reasons, verdicts = self._judged(context, kept)
        except work.NotValid as problem:
            outcome, reasons, verdicts = "invalid", [problem.message], []
        except work.NoneRight as problem:
            outcome, reasons, verdicts = "missed", [problem.message], []
        found = {key: evidence.model_dump(exclude_defaults=True) for key, evidence in context.evidence.items()}
        return Step(level, config.requests, outcome, reasons, time.monotonic() - began_s, verdicts, found, name)

    def _inside(self, load: str) -> tuple[StageContext, str]:
        """A context for one try, below this one's folders, and where that is."""
        name = f"steps/{len(self.steps) + 1:02d}"
        out, scratch = self.context.out / name, self.context.scratch / name
        for folder in (out, scratch):
            folder.mkdir(parents=True, exist_ok=True)
        declared = {measure.name: measure for measure in measures_of(self.config)}

        def emit(event: dict[str, object]) -> None:
            numbers = event.get("numbers")
            self.context.emit(event | {"numbers": {"load": load, **numbers}} if isinstance(numbers, dict) else event)

        return replace(self.context, out=out, scratch=scratch, declared=declared, evidence={}, lacking={}, emit=emit), name

    def _judged(self, context: StageContext, kept: Sequence[samples.Sample]) -> tuple[Outcome, list[str], list[dict[str, Any]]]:
        self.requests_per_s = len(kept) / max(*(sample.end_s for sample in kept), 1e-9)
        verdicts = [(target, context.judged(target)) for target in self.find.targets]
        missed = [target for target, verdict in verdicts if verdict.status != "PASS"]
        reasons = [f"{verdict.target}: {verdict.status}, {verdict.reason}" for _, verdict in verdicts if verdict.status != "PASS"]
        left = left_over(kept) if self.config.arrivals else 0.0
        if left > MOST_LEFT:
            reasons.append(f"it does not keep up: {left:.0%} of what came was left over, and the queue grew")
        told = [asdict(verdict) for _, verdict in verdicts]
        if not reasons:
            return "met", reasons, told
        return ("too little" if left <= MOST_LEFT and all(map(_is_floor, missed)) else "missed"), reasons, told


def find(config: BenchConfig, asked: FindMax, context: StageContext) -> None:
    """Search, and write FOUND. Raises NodeError where the server is gone, or the load has no rate that could be raised."""
    if config.arrivals and config.arrivals.rate is None:
        raise NodeError(f"{config.scenario} has no one rate that could be raised", hint="search with a scenario of `rate` or of users")
    seeking = _Search(config, asked, context)
    start = config.arrivals.rate if config.arrivals and config.arrivals.rate else float(config.users)
    least, most = (min(start, 1.0) / 64, _MOST_RATE) if config.arrivals else (1.0, float(_MOST_USERS))
    limits = Limits(least, most, asked.steps, asked.precision, whole=not config.arrivals)
    border = search(start, limits, seeking.bears, seeking.in_time)
    seeking.keep(border)


def unit(config: BenchConfig) -> str:
    """What the load is told in."""
    return "requests/s" if config.arrivals else "users"


def _at(config: BenchConfig, level: float, requests: int, number: int) -> BenchConfig:
    """The scenario under another load, with prompts that no try before it had: the server's cache would answer those."""
    load = {"arrivals": config.arrivals.model_copy(update={"rate": level})} if config.arrivals else {"users": int(level)}
    return config.model_copy(update={**load, "requests": requests, "seed": config.seed + number, "find": None, "duration": None})


def _is_floor(target: Target) -> bool:
    """Whether a target asks for at least so much a second."""
    return target.comparison in (">", ">=") and target.unit.endswith("/s")


def _said(border: Border | None, steps: Sequence[Step]) -> dict[str, Any]:
    """The highest load that met all, the lowest above it that did not and why, and why the search ended; nothing before its end."""
    if border is None:
        return {"ended": None}
    met = [step.level for step in steps if step.outcome == "met"]
    over = [step for step in steps if step.level == border.too_much]
    first = {"level": over[0].level, "outcome": over[0].outcome, "reasons": over[0].reasons} if over else None
    return {"ended": border.ended, "highest": max(met, default=None), "first_missed": first}
