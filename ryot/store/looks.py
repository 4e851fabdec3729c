"""How many looks at a node's samples were promised, and how many rounds of it were begun: `store/<stage>/<key>.looks.json`.

A promise is made before the first samples are there, or not at all, and stands from then on: what is judged again and again, with the whole
error each time, passes some day. It lies beside the node's folder, so that it stays when a damaged node is set aside; and what shows that
there were samples is cleared only after it is written down here.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ryot.errors import NodeError
from ryot.files import locked, whoami, write_durable
from ryot.store.store import Store

_LOCK = Path("locks") / ".looks.lock"


class Promise(BaseModel):
    """`looks` at most, after each of as many rounds; `rounds` were begun, the node itself the first. One look is no promise: it is the
    trace of samples that were taken without one. `taken`: there were samples, and what held them was cleared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    looks: int = Field(ge=1)
    rounds: int = Field(1, ge=1)
    taken: bool = False


def file_of(store: Store, stage: str, key: str) -> Path:
    """Where the promise of a node is kept, whether there is one or not."""
    folder = store.folder(stage, key)
    return folder.with_name(f"{folder.name}.looks.json")


def promise_of(store: Store, stage: str, key: str) -> Promise | None:
    """What was promised of a node; None where nothing was. Raises NodeError where that cannot be read: no verdict can be known then."""
    found = _read(store, stage, key)
    return found if found is not None and found.looks > 1 else None


def samples_were_taken(store: Store, stage: str, key: str) -> bool:
    """Whether a node had samples, though they were set aside or cleared since: it is too late for a promise. Raises as `promise_of`."""
    found = _read(store, stage, key)
    return store.was_finished(stage, key) or (found is not None and found.taken)


def keep_trace(store: Store, stage: str, key: str) -> None:
    """Write down that a node had samples, before what shows it is cleared. What was promised of it stays. Raises as `promise_of`."""
    with _alone(store):
        found = _read(store, stage, key) or Promise(looks=1)
        if not found.taken:
            _write(store, stage, key, found.model_copy(update={"taken": True}))


def _read(store: Store, stage: str, key: str) -> Promise | None:
    path = file_of(store, stage, key)
    try:
        return Promise.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        hint = "restore it, or remove it with the node's folder beside it: then its samples are taken anew"
        raise NodeError(f"{path}, which says how many looks were promised, cannot be read", hint=hint) from error


def promise(store: Store, stage: str, key: str, looks: int) -> Promise | None:
    """Promise so many looks of a node, where it has no samples yet. Returns what stands: the promise that was made before them, None where
    they were taken without one."""
    with _alone(store):
        if samples_were_taken(store, stage, key):
            return promise_of(store, stage, key)
        return _write(store, stage, key, Promise(looks=looks))


def begin_round(store: Store, stage: str, key: str, number: int) -> None:
    """Write down that a further round is about to begin: from then on it counts, whatever becomes of it."""
    with _alone(store):
        found = promise_of(store, stage, key)
        if found is None or not found.rounds < number <= found.looks:
            raise NodeError(f"round {number} of {stage} {key[:12]} was not promised, or was begun by another apply", hint="apply again")
        _write(store, stage, key, found.model_copy(update={"rounds": number}))


def _alone(store: Store) -> AbstractContextManager[None]:
    return locked(store.root / _LOCK, whoami())


def _write(store: Store, stage: str, key: str, promised: Promise) -> Promise:
    write_durable(file_of(store, stage, key), promised.model_dump_json())
    return promised
