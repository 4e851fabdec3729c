"""Trains three steps with a checkpoint after each, and exports what was learnt: the disk work of a training without its arithmetic."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hello import start_stray

from ryot.plugins import Facts, Measure, Node, NodeError, Stage, StageConfig, StageContext, digest_file, write_durable

if TYPE_CHECKING:  # a worker needs no spec, and it takes half as long to start without
    from ryot.plugins import Spec


class LearnConfig(StageConfig):
    what: Literal["train", "export", "call"] = "export"
    steps: int = 3


class Learn(Stage):
    """Brings its first node along; `{use: learn, after: learn, name: export}` puts the export behind it."""

    name = "learn"
    Config = LearnConfig
    takes = "weights"
    gives = "weights"
    measures = (Measure(name="loss", kind="exact"), Measure(name="checksum", kind="exact"))

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        yield Node("learn", "learn", LearnConfig(what="train"), measures=self.measures)
        if any(insert.use == "hello" for insert in spec.stages):
            calls = LearnConfig(what="call")
            yield Node("call", "learn", calls, services={"hello": "hello"}, measures=self.measures, after=("learn",))

    def run(self, config: LearnConfig, context: StageContext) -> None:
        if config.what == "call":
            start_stray(context)
            _call(context.services["hello"].url)
        weights = _exported(context) if config.what == "export" else _train(config, context)
        context.write("weights.bin", weights)
        context.write("about/config.json", json.dumps({"steps": config.steps, "sha256": hashlib.sha256(weights).hexdigest()}))
        context.measure("loss", sum(weights) / len(weights) / 255)
        context.measure("checksum", int.from_bytes(hashlib.sha256(weights).digest()[:4]))


def _call(url: str) -> None:
    for _ in range(20):
        with urllib.request.urlopen(url, timeout=20) as answer:
            if answer.read() != b"hello":
                raise NodeError("the service said something else")


def _train(config: LearnConfig, context: StageContext) -> bytes:
    step, weights = _resumed(context.scratch, config.steps)
    while step < config.steps:
        step, weights = step + 1, hashlib.shake_128(weights).digest(20_000)
        path = context.scratch / f"step-{step}.bin"
        write_durable(path, weights)
        write_durable(context.scratch / f"step-{step}.json", json.dumps({"sha256": digest_file(path)}))
        context.report(done=step, total=config.steps, unit="step", force=True)
    return weights


def _resumed(scratch: Path, steps: int) -> tuple[int, bytes]:
    """The newest checkpoint; a seal without the bytes that it vouches for is a fault of the store."""
    for step in range(steps, 0, -1):
        seal, path = scratch / f"step-{step}.json", scratch / f"step-{step}.bin"
        if seal.exists():
            if not path.exists() or digest_file(path) != json.loads(seal.read_bytes())["sha256"]:
                raise NodeError(f"{seal} was kept, {path} was not")
            return step, path.read_bytes()
    return 0, b"seed"


def _exported(context: StageContext) -> bytes:
    weights = (context.inputs["weights"] / "weights.bin").read_bytes()
    if len(weights) != 20_000:
        raise NodeError("half a result was given for a whole one")
    return weights[::2]
