"""What a plan expects of measures, corrected by the ledger: the predictions that an apply holds against what it then measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ryot.estimate.adapters import adapter_parameters
from ryot.estimate.calibration import AS_STATED, Calibrated, Like, Past, Prediction, calibrate
from ryot.estimate.estimates import Estimates, seconds_of
from ryot.estimate.serving_memory import weights_bytes
from ryot.estimate.training import TrainingEstimate
from ryot.fingerprint import fingerprint
from ryot.plan.plan import Plan, PlannedNode
from ryot.spec.model import Model

_SPEED_OF_TRAINING = (
    *("batch_size", "accumulation", "ranks", "precision", "optimizer", "engine", "sharding", "zero_stage", "offload", "recompute"),
)
"""What of a recipe bears the time of an update; learning rates and seeds do not."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The estimates with times corrected by the ledger, and a prediction for each measure (node/name) that can be foreseen."""

    estimates: Estimates
    predictions: Mapping[str, Prediction]


def look_ahead(plan: Plan, estimates: Estimates, past: Sequence[Past], engines: Mapping[str, str]) -> Outlook:
    """`engines`: name and version of what does a stage's work, by stage; `past` as the ledger has it."""
    serving = estimates.serving.platform if estimates.serving else None
    here = (estimates.platform is not None and estimates.platform.here, serving is not None and serving.here)
    seen = _Seen(plan, past, engines, here)
    trained = tuple(_corrected(training, seen) for training in estimates.training)
    better = replace(estimates, training=trained)
    found = (*(item for training in trained for item in _of_training(training, better, seen)), *_of_serving(better, seen))
    found += (*_of_comparison(trained, seen), *_of_export(plan, better, seen), *_of_tuning(plan, seen))
    return Outlook(better, {prediction.measure: prediction for prediction in found})


@dataclass(frozen=True, slots=True)
class _Seen:
    """The plan with what was seen of its like."""

    plan: Plan
    past: Sequence[Past]
    engines: Mapping[str, str]
    here: tuple[bool, bool]
    """Whether training, and serving, is on this machine: what was measured here says nothing of other devices."""

    def predict(self, measure: str, raw: float, unit: str) -> Prediction | None:
        """A prediction of node/name, corrected; None for a node the plan has not."""
        node, name = measure.split("/")
        if node not in self.plan.names:
            return None
        planned = self.plan.node(node)
        engine, shape = self.engines.get(planned.stage, planned.stage), self._shape(planned)
        past = self.past if self.here[planned.stage == "bench"] else ()
        found = calibrate(raw, past, Like(self.plan.device, engine, planned.stage, name, shape))
        return _prediction(measure, raw, unit, engine, shape, found)

    def state(self, measure: str, value: float, unit: str) -> Prediction | None:
        """A prediction that no measurement corrects: it is exact, or made of corrected parts."""
        found = self.predict(measure, value, unit)
        return None if found is None else replace(found, value=value, basis=AS_STATED)

    def _shape(self, node: PlannedNode) -> str:
        """What bears the speed of a node, its services' settings with it, as a short fingerprint."""
        config = dict(node.payload["config"])
        if "recipe" in config:
            config["recipe"] = {name: config["recipe"].get(name) for name in _SPEED_OF_TRAINING}
        if node.machines > 1:
            config["machines"] = node.machines
        services = {slot: self.plan.node(name).payload["config"] for slot, name in node.services.items()}
        model = [other.payload["config"]["model"] for other in self.plan.nodes if other.stage == "train"][-1:]
        return fingerprint({"stage": node.stage, "config": config, "services": services, "model": model})[:12]


def _prediction(measure: str, raw: float, unit: str, engine: str, shape: str, found: Calibrated) -> Prediction:
    return Prediction(measure, raw, found.value, unit, engine, shape, found.basis, found.error)


def _corrected(training: TrainingEstimate, seen: _Seen) -> TrainingEstimate:
    if training.step is None:
        return training
    found = seen.predict(f"{training.node}/step_time", training.step.seconds, "s")
    if found is None or found.error is None:
        return training
    return replace(training, step_s=found.value, basis=found.basis, error=found.error)


def _of_training(training: TrainingEstimate, estimates: Estimates, seen: _Seen) -> Iterator[Prediction]:
    memory, node = training.memory, training.node
    saved = memory.activations + memory.logits // 3  # of the three at the loss, autograd keeps the log-probabilities
    held = memory.weights + memory.gradients + memory.optimizer + saved
    found = [
        seen.state(f"{node}/parameters", estimates.params.total, ""),
        seen.state(f"{node}/memory_tensors", held, "bytes"),
    ]
    if estimates.work.updates is not None:
        found.append(seen.state(f"{node}/updates", estimates.work.updates, ""))
    if training.step is not None and training.step_s is not None:
        found.append(seen.predict(f"{node}/step_time", training.step.seconds, "s"))
    total = seconds_of(estimates, training.step_s)
    if total is not None:
        found.append(seen.state(f"{node}/total_time", total, "s"))
    yield from (prediction for prediction in found if prediction is not None)


def _of_comparison(trained: Sequence[TrainingEstimate], seen: _Seen) -> Iterator[Prediction]:
    """The speed-up, where the updates of both sides were measured before; the roofline alone is the same for both."""
    if len(trained) != 2 or any(training.error is None or not training.step_s for training in trained):
        return
    baseline, optimized = (training.step_s or 1.0 for training in trained)
    found = (
        seen.state("compare/stack_time_reduction", 1 - optimized / baseline, "proportion"),
        seen.state("compare/speed_ratio", baseline / optimized, ""),
    )
    yield from (prediction for prediction in found if prediction is not None)


def _of_export(plan: Plan, estimates: Estimates, seen: _Seen) -> Iterator[Prediction]:
    """The checkpoint's parameters, and their bytes in the type they are stored in."""
    if "export" not in plan.names:
        return
    dtype = plan.node("export").config.get("dtype", "fp32")
    found = (
        seen.state("export/parameters", estimates.params.total, ""),
        seen.state("export/size", weights_bytes(estimates.params.total, dtype), "bytes"),
    )
    yield from (prediction for prediction in found if prediction is not None)


def _of_tuning(plan: Plan, seen: _Seen) -> Iterator[Prediction]:
    """What the adapters of `finetune` and `align` have to learn, which is exact; how long that takes is not foreseen."""
    shape = next((node.config["model"] for node in plan.nodes if node.stage == "train"), None)
    for node in plan.nodes:
        lora = node.config["lora"] if node.stage in ("finetune", "align") else None
        if lora is not None and shape is not None:
            count = adapter_parameters(Model.model_validate(shape), lora["modules"], lora["rank"])
            found = seen.state(f"{node.name}/trainable", count, "")
            yield from () if found is None else (found,)


def _of_serving(estimates: Estimates, seen: _Seen) -> Iterator[Prediction]:
    if estimates.serving is None:
        return
    for name, floor in estimates.serving.floors.items():  # floors: predictions only once they were corrected
        found = (
            seen.predict(f"bench.{name}/latency_p50", floor.latency_s, "s"),
            seen.predict(f"bench.{name}/tokens_per_s", floor.tokens_per_s, "tokens/s"),
            seen.state(f"bench.{name}/memory", estimates.serving.total, "bytes"),
        )
        yield from (prediction for prediction in found if prediction is not None)
