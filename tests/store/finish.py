"""A finished node with a few files, as a worker would commit it. Run as a program, it dies by SIGKILL at its n-th fsync."""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ryot.fingerprint import fingerprint
from ryot.measures import Evidence, Measure
from ryot.store.record import Record
from ryot.store.store import Store, commit, digest_out, digest_text, evidence_text, prepare

PAYLOAD: dict[str, Any] = {"stage": "toy", "config": {}}
KEY = fingerprint(PAYLOAD)
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LOSS = Measure(name="loss", kind="exact")
FILES = {"one.txt": b"first\n", "deep/two.bin": bytes(range(256)) * 8, "empty": b""}


def finish(store: Store, evidence: dict[str, Evidence] | None = None) -> Record:
    """A finished node with a few files."""
    folder = store.folder("toy", KEY)
    out, scratch = prepare(folder)
    for name, data in FILES.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(data)
    (scratch / "checkpoint").write_text("half way")
    text = evidence_text(evidence or {"loss": Evidence(value=1.5)})
    record = Record(
        node="n",
        stage="toy",
        key=KEY,
        payload=PAYLOAD,
        measures=(LOSS,),
        evidence=digest_text(text),
        files=digest_out(folder),
        seconds=1.0,
        device="cpu:test x1",
        host="here",
        finished="2026-01-01T00:00:00+00:00",
        ryot="0",
    )
    commit(folder, record, text)
    return record


def finish_node(root: Path, payload: dict[str, Any]) -> None:
    """A finished node without measures or files in the store at `root`, by what its key is the digest of."""
    stage, key = payload["stage"], fingerprint(payload)
    folder = Store(root).folder(stage, key)
    prepare(folder)
    text = evidence_text({})
    record = Record(
        node="n",
        stage=stage,
        key=key,
        payload=payload,
        measures=(),
        evidence=digest_text(text),
        files={},
        seconds=2.5,
        device="cpu:test x1",
        host="here",
        finished=NOW.isoformat(),
        ryot="0",
    )
    commit(folder, record, text)


def die_at(count: int) -> None:
    """End this process by SIGKILL when it has made `count` files durable and is about to make the next so."""
    left, fsync = [count], os.fsync

    def counting(handle: int) -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        fsync(handle)

    os.fsync = counting  # type: ignore[assignment]


if __name__ == "__main__":
    store = Store(Path(sys.argv[1]))
    prepare(store.folder("toy", KEY))
    die_at(int(sys.argv[2]) + 1)  # after `out` was made anew, durably
    finish(store)
