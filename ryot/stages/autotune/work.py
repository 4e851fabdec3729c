"""Tries settings one after the other beside the best so far, and writes the choice. A run that was killed goes on with what is untried."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from ryot.plugins import NodeError, StageContext, serving_engine, write_durable
from ryot.stages.autotune.candidates import Change, Room, alternatives
from ryot.stages.autotune.stage import AutotuneConfig
from ryot.stages.autotune.turns import BLOCK_S, Turns, disagreement, logprobs
from ryot.stages.serve import command
from ryot.stages.serve.checkpoint import Checkpoint, read_checkpoint
from ryot.stages.serve.settings import SETTINGS, taken_of
from ryot.stages.serve.stage import ServeConfig, launch_of
from ryot.stages.serve.work import Engine, launch, ready, stop

_MARGIN = 1 << 30
"""Bytes that a second engine needs beside its weights and its cache."""
_FLAGS = {"bf16": ("avx512_bf16", "amx_bf16"), "fp16": ("avx512_fp16", "amx_fp16")}
Record = dict[str, Any]


@dataclass
class Tuner:
    """The best settings so far (as they differ from `base`), the engine that has them, what was tried and how long that took, and the
    log-probabilities that every candidate's are held against."""

    config: AutotuneConfig
    context: StageContext
    base: ServeConfig
    checkpoint: Checkpoint
    best: Change
    tried: list[Record]
    engine: Engine
    turns: Turns
    reference: list[float]
    spent_before_s: float = 0.0
    number: int = 0
    began_s: float = field(default_factory=time.monotonic)

    @property
    def spent_s(self) -> float:
        """Of the budget, with what an earlier try of this node spent."""
        return self.spent_before_s + time.monotonic() - self.began_s

    def start(self, change: Change) -> Engine:
        """An engine with the base's settings but for these. Raises NodeError."""
        self.number += 1
        return _start(self.base.model_copy(update=change), self.context, self.checkpoint, self.number)

    def keep(self) -> None:
        """What a later try of this node needs."""
        state = {"spent_s": self.spent_s, "tried": self.tried, "reference": self.reference}
        write_durable(self.context.scratch / "tried.json", json.dumps(state, indent=1))


def run(config: AutotuneConfig, context: StageContext) -> None:
    """Try, choose, and measure the choice against the spec's own settings. Raises NodeError where these do not serve."""
    tuner = _begin(config, context)
    try:
        for change in _untried(tuner):
            record = _try(tuner, change) if tuner.spent_s + _expected_s(tuner) < config.budget else {"outcome": "no time was left"}
            tuner.tried.append({"change": change} | record)
            context.say(f"{_shown(change)}: {record['outcome']}")
            tuner.keep()
        _conclude(tuner)
    finally:
        stop(tuner.engine.process)


def _begin(config: AutotuneConfig, context: StageContext) -> Tuner:
    """The first engine: with the spec's settings, or with the best that an earlier try of this node found."""
    checkpoint = read_checkpoint(context.inputs["model"])
    machine = command.Machine(context.device, context.cpus)
    base = config.serve.model_copy(update={"threads": command.threads(config.serve, machine), "replicas": 1})
    kept = _kept(context.scratch / "tried.json")
    best = taken_of(kept["tried"])
    began = time.monotonic()
    engine = _start(base.model_copy(update=best), context, checkpoint, 0)
    turns = Turns(config)
    turns.settle(engine.url)
    reference = kept["reference"] or logprobs(engine.url, config)
    return Tuner(config, context, base, checkpoint, best, kept["tried"], engine, turns, reference, kept["spent_s"], began_s=began)


def _kept(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {"spent_s": 0.0, "tried": [], "reference": []}


def _untried(tuner: Tuner) -> Iterator[Change]:
    """What is still to be tried, setting by setting, beside whatever is the best by then."""
    room = _room(tuner)
    known = [record["change"] for record in tuner.tried]
    total = sum(len(alternatives(setting, tuner.base, room)) for setting in tuner.config.tries)
    for setting in tuner.config.tries:
        for change in alternatives(setting, tuner.base.model_copy(update=tuner.best), room):
            if change in known or all(getattr(tuner.base, name) == value for name, value in change.items()):
                continue  # it was held against what is the best now, or against what that was held against
            tuner.context.report(done=len(tuner.tried), total=max(total, len(tuner.tried) + 1), unit="settings", trying=_shown(change))
            yield change


def _try(tuner: Tuner, change: Change) -> Record:
    """Start an engine with a change more, and hold it against the best. The better one stays."""
    context = tuner.context
    wanted = tuner.base.model_copy(update=tuner.best | change)
    refusal = serving_engine(wanted.engine).refusal(launch_of(wanted, context.device, wanted.threads or 1))
    needed = tuner.checkpoint.weight_bytes + wanted.kv_cache + _MARGIN
    if refusal:
        return {"outcome": f"refused: {refusal}"}
    if psutil.virtual_memory().available < needed:
        return {"outcome": f"no memory for a second engine: it needs {needed >> 20} MiB"}
    try:
        engine = tuner.start(tuner.best | change)
    except NodeError as error:
        return {"outcome": f"does not start: {error.message.splitlines()[0]}"}
    loser = engine
    try:
        record = _compared(tuner, engine, rounded="dtype" in tuner.best | change)
        if record["outcome"] == "taken":
            loser, tuner.engine, tuner.best = tuner.engine, engine, tuner.best | change
        return record
    except NodeError as error:
        return {"outcome": f"does not serve: {error.message.splitlines()[0]}"}
    finally:
        stop(loser.process)


def _compared(tuner: Tuner, engine: Engine, *, rounded: bool) -> Record:
    """By the lower bound of the time it saves, as a verdict reckons it."""
    if differs := disagreement(tuner.reference, logprobs(engine.url, tuner.config), rounded=rounded):
        return {"outcome": f"answers otherwise: {differs}"}
    pairs = tuner.turns.pairs(tuner.engine.url, engine.url, tuner.config.rounds)
    tuner.context.measure("time_reduction", pairs=pairs)
    low, high = tuner.context.bounds("time_reduction")
    outcome = "taken" if low >= tuner.config.gain else f"not taken: {tuner.config.gain:.0%} saved is not shown"
    return {"outcome": outcome, "time_reduction": [low, high], "start_s": round(engine.took_s, 1)}


def _conclude(tuner: Tuner) -> None:
    """The choice against the spec's own settings, with new requests: of many candidates the best looks better than it is. Where nothing was
    taken, the one engine is asked in both turns."""
    context, base = tuner.context, tuner.start({}) if tuner.best else tuner.engine
    try:
        pairs = tuner.turns.pairs(base.url, tuner.engine.url, tuner.config.rounds)
    finally:
        if base is not tuner.engine:
            stop(base.process)
    context.measure("time_reduction", pairs=pairs)
    context.measure("tried", sum("time_reduction" in record for record in tuner.tried))
    low, high = context.bounds("time_reduction")
    told = {"device": context.device, "settings": tuner.best, "time_reduction": [low, high], "tried": tuner.tried}
    context.write(SETTINGS, json.dumps(told, indent=1) + "\n")
    context.say(f"{_shown(tuner.best) or 'the settings of the spec'}: {low:.1%} to {high:.1%} of the time saved")


def _room(tuner: Tuner) -> Room:
    machine = command.Machine(tuner.context.device, tuner.context.cpus)
    return Room(machine.cpus, machine.cuda, psutil.virtual_memory().available, ("bf16", "fp16") if machine.cuda else _types())


def _types() -> tuple[str, ...]:
    """What this processor multiplies itself, by its flags; what it only emulates is slower than fp32."""
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return ()
    return tuple(name for name, wanted in _FLAGS.items() if set(wanted) & set(flags))


def _expected_s(tuner: Tuner) -> float:
    """Seconds that a candidate takes, and after it the conclusion."""
    rounds = 2 * (tuner.config.rounds + 1) * len(tuner.config.loads) * BLOCK_S
    return 2 * (tuner.engine.took_s + rounds)


def _start(config: ServeConfig, context: StageContext, checkpoint: Checkpoint, number: int) -> Engine:
    return ready(launch(config, context, checkpoint, number), config, context, checkpoint)


def _shown(change: Change) -> str:
    return ", ".join(f"{name}: {json.dumps(value)}" for name, value in change.items())
