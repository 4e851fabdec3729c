"""What the store and this installation tell a plan about what is to come; and what stops it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ryot.cli.request import Planned
from ryot.engine.evidence import evidence_of, last_evidence
from ryot.errors import MachineError
from ryot.estimate.catalogue import by_driver_name
from ryot.estimate.platform import Platform
from ryot.plan.plan import Plan
from ryot.plugins import serving_engine
from ryot.report.foresight import Foresight, Seen, foresee
from ryot.store.ledger import read
from ryot.store.store import Store

_ORDER = "train.order"
"""What a tokens folder has for an epoch: the number of each document in turn, in 8 bytes."""
_PACKED = (".gz", ".zst", ".parquet")
_ENGINES = {
    "train": ("deepspeed",),
    "compare": ("deepspeed",),
    "ablate": ("deepspeed",),
    "sweep": ("optuna",),
    "finetune": ("trl",),
    "align": ("trl",),
}
"""The distributions that do a stage's work; the first that is installed counts. A server's are those of its engine."""
_SERVED = ("serve", "bench")


def foresight_of(planned: Planned) -> Foresight:
    """What this plan foresees. Raises SpecError for a device or an instance that nobody knows."""
    spec, plan, store = planned.loaded.spec, planned.plan, planned.store
    seen = Seen(
        documents=_documents(plan, store, whole=spec.data.tokenizer.long == "cut"),
        past=tuple(entry.past for entry in read(store.root)),
        text_bytes=_text_bytes(planned),
        evidence=last_evidence(plan, store),
    )
    found = foresee(spec, plan, seen, engines(spec.serve.engine if spec.serve else None))
    assert found is not None  # `resolve` says on what machine
    return found


def engines(serving: str | None) -> dict[str, str]:
    """Name and version of the engine of each stage that has one, as far as it is installed here; `serving` names the server's."""
    served = dict.fromkeys(_SERVED, serving_engine(serving).distributions) if serving else {}
    return {stage: found for stage, names in (_ENGINES | served).items() if (found := next(filter(None, map(_installed, names)), None))}


def uses_devices(plan: Plan) -> bool:
    """Whether the plan trains or serves at all: what is foreseen, and refused, is about that."""
    return any(node.stage in _ENGINES or node.stage in _SERVED for node in plan.nodes)


def refuse(planned: Planned, foresight: Foresight) -> None:
    """Raise MachineError for what stops an apply: refusals the spec does not allow, and devices that are not here."""
    if not uses_devices(planned.plan):
        return
    stops = foresight.stops
    if stops:
        message = "\n".join(f"refused: {stop.name}: {stop.message}\n    hint: {stop.hint}" for stop in stops)
        names = ", ".join(dict.fromkeys(stop.name for stop in stops))
        raise MachineError(message, hint=f"to go on all the same, give a reason in the spec: `allow: {{{names}: because ...}}`")
    serving = foresight.estimates.serving
    _same_devices(planned, "trains", ("hardware", "device"), foresight.estimates.platform)
    if serving is not None:
        _same_devices(planned, "serves", ("hardware", "serve", "device"), serving.platform)


def _same_devices(planned: Planned, does: str, field: tuple[str, ...], platform: Platform | None) -> None:
    """Raise MachineError where a spec's devices are not this machine's, or more than it has."""
    here = planned.plan.here
    if platform is None or here is None:
        return
    accelerator = by_driver_name(here.accelerator, planned.loaded.spec.hardware.catalogue) if here.accelerator else None
    same = platform.here or (accelerator is not None and accelerator.name == platform.device.name)
    if not same or (here.accelerator and platform.count > here.devices):
        raise MachineError(
            f"the spec {does} on {platform.count} x {platform.words}; this machine is {planned.plan.device}",
            at=planned.loaded.place(*field),
            hint=f"leave {'.'.join(field)} out, or set it to `here`, to do so on this machine",
        )


def _installed(name: str) -> str | None:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return None


def _text_bytes(planned: Planned) -> int | None:
    """The size of the texts, where all sources are local and none is packed."""
    paths = [source.path for source in planned.loaded.spec.data.sources]
    files = [file for path in paths if path is not None for file in _files(planned.inputs[path])]
    if None in paths or any(file.suffix in _PACKED for file in files):
        return None
    return sum(file.stat().st_size for file in files)


def _files(path: Path) -> list[Path]:
    return [file for file in (path.rglob("*") if path.is_dir() else (path,)) if file.is_file()]


def _documents(plan: Plan, store: Store, *, whole: bool) -> int | None:
    """Documents of the training split as training takes them, once the tokenizer has cut them into pieces; where it leaves them `whole`,
    once `data` is finished and nothing stands between the two."""
    if "tokenizer" not in plan.names:
        return None
    tokenizer = plan.node("tokenizer")
    record = store.record(tokenizer.stage, tokenizer.key)
    if record is not None and _ORDER in record.files:
        return record.files[_ORDER].size // 8
    if not whole or tokenizer.inputs.get("documents") != "data":
        return None
    counted = evidence_of(plan.node("data"), store) or {}
    kept, *aside = (counted[name].value if name in counted else None for name in ("examples", "heldout", "test"))
    apart = [documents for documents in aside if documents is not None]
    return None if kept is None or not apart else int(kept - sum(apart))
