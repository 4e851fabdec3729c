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
from ryot.stages.autotune.turns import BLOCK_S, LEAST_BLOCK_S, Turns, disagreement, logprobs
from ryot.stages.serve import command
from ryot.stages.serve.checkpoint import Checkpoint, read_checkpoint
from ryot.stages.serve.settings import SETTINGS, taken_of
from ryot.stages.serve.stage import ServeConfig, launch_of
from ryot.stages.serve.work import Engine, launch, ready, stop

_MARGIN = 1 << 30
"""Bytes that a second engine needs beside its weights and its cache."""
_FLAGS = {"bf16": ("avx512_bf16", "amx_bf16"), "fp16": ("avx512_fp16", "amx_fp16")}
NO_TIME = "no time was left"
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
            in_time = tuner.spent_s + tuner.engine.took_s + tuner.turns.expected_s < config.budget
            record = _try(tuner, change) if in_time else {"outcome": NO_TIME}
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
    turns = Turns(config, _block_s(config, base, engine, _room(context, config.serve.replicas)))
    turns.settle(engine.url)
    reference = kept["reference"] or logprobs(engine.url, config)
    return Tuner(config, context, base, checkpoint, best, kept["tried"], engine, turns, reference, kept["spent_s"], began_s=began)


def _block_s(config: AutotuneConfig, base: ServeConfig, engine: Engine, room: Room) -> float:
    """Seconds of a block: shorter than usual where otherwise not all that is to be tried would find time."""
    many = sum(len(alternatives(setting, base, room)) for setting in config.tries) + 1  # and the conclusion
    each = config.budget / many - engine.took_s
    return min(max(each / (2 * (config.rounds + 1) * len(config.loads)), LEAST_BLOCK_S), BLOCK_S)


def _kept(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {"spent_s": 0.0, "tried": [], "reference": []}


def _untried(tuner: Tuner) -> Iterator[Change]:
    """What is still to be tried, setting by setting, beside whatever is the best by then."""
    room = _room(tuner.context, tuner.config.serve.replicas)
    known = [record["change"] for record in tuner.tried]
    total = sum(len(alternatives(setting, tuner.base, room)) for setting in tuner.config.tries)
    for setting in tuner.config.tries:
        for change in alternatives(setting, tuner.base.model_copy(update=tuner.best), room):
            if change in known or all(getattr(tuner.base, name) == value for name, value in change.items()):
                continue  # it was held against what is the best now, or against what that was held against
            tuner.context.report(done=len(tuner.tried), total=max(total, len(tuner.tried) + 1), unit="settings", trying=_shown(change))
            yield change


def _try(tuner: Tuner, change: Change) -> Record:
    """Start an engine with a change more, and hold it against the best. The better one stays. Raises NodeError where the best has died: no
    candidate is to blame for that."""
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
        _refuse_dead(tuner.engine)
        return {"outcome": f"does not serve: {error.message.splitlines()[0]}"}
    finally:
        stop(loser.process)


def _refuse_dead(engine: Engine) -> None:
    if engine.process.poll() is not None:
        raise NodeError(f"the best engine so far ended with exit code {engine.process.returncode}", hint=f"its log is {engine.log}")


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
    taken there is nothing to compare, and a choice that is not shown again to be faster is dropped."""
    context = tuner.context
    context.evidence.pop("time_reduction", None)  # a candidate's
    again = _measured_again(tuner) if tuner.best else None
    confirmed = again is not None and again[0] > 0
    if not confirmed:
        context.evidence.pop("time_reduction", None)
    context.measure("tried", sum("time_reduction" in record for record in tuner.tried))
    told = {
        "device": context.device,
        "from": {name: getattr(tuner.base, name) for name in tuner.config.tries},
        "settings": tuner.best if confirmed else {},
        "dropped": tuner.best if tuner.best and not confirmed else None,
        "time_reduction": again,
        "rounds": tuner.config.rounds,
        "loads": [each.model_dump() for each in tuner.config.loads],
        "tried": tuner.tried,
    }
    context.write(SETTINGS, json.dumps(told, indent=1) + "\n")
    context.warn(_told(tuner, again, confirmed=confirmed))


def _measured_again(tuner: Tuner) -> tuple[float, float] | None:
    """Bounds of the time that the choice saves; None where the spec's settings could not be started beside it."""
    try:
        base = tuner.start({})
    except NodeError as error:
        tuner.context.say(f"the spec's settings do not start beside the choice: {error.message.splitlines()[0]}")
        return None
    try:
        tuner.context.measure("time_reduction", pairs=tuner.turns.pairs(base.url, tuner.engine.url, tuner.config.rounds))
    finally:
        stop(base.process)
    return tuner.context.bounds("time_reduction")


def _told(tuner: Tuner, again: tuple[float, float] | None, *, confirmed: bool) -> str:
    """The outcome in a line."""
    late = sum(record["outcome"] == NO_TIME for record in tuner.tried)
    tried = f"{len(tuner.tried) - late} of {len(tuner.tried)} changes were tried{', for want of time' if late else ''}"
    saves = f"{again[0]:.1%} to {again[1]:.1%} of the time" if again else "which could not be measured again"
    if confirmed:
        return f"chosen: {_shown(tuner.best)}, which saves {saves}; {tried}"
    return f"the spec's settings stay; {f'{_shown(tuner.best)} was not confirmed: {saves}; ' if tuner.best else ''}{tried}"


def _room(context: StageContext, replicas: int) -> Room:
    """One engine's part of the machine: there will be as many as the spec has replicas."""
    machine = command.Machine(context.device, max(context.cpus // replicas, 1))
    return Room(machine.cpus, machine.cuda, psutil.virtual_memory().available // replicas, ("bf16", "fp16") if machine.cuda else _types())


def _types() -> tuple[str, ...]:
    """What this processor multiplies itself, by its flags; what it only emulates is slower than fp32."""
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return ()
    return tuple(name for name, wanted in _FLAGS.items() if set(wanted) & set(flags))


def _start(config: ServeConfig, context: StageContext, checkpoint: Checkpoint, number: int) -> Engine:
    return ready(launch(config, context, checkpoint, number), config, context, checkpoint)


def _shown(change: Change) -> str:
    return ", ".join(f"{name}: {json.dumps(value)}" for name, value in change.items())
