"""Starts the gateway before the engines, and waits until it listens."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ryot.plugins import NodeError, StageContext, digest_path
from ryot.stages.serve import failures
from ryot.stages.serve.checkpoint import Checkpoint
from ryot.stages.serve.stage import MODEL, ServeConfig

MODULE = ("-m", "ryot.gateway.main")
KEY = "RYOT_API_KEY"
_START_S = 60.0
_ANY_TOKEN = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Front:
    """The gateway's process, and where it listens."""

    process: subprocess.Popen[bytes]
    url: str


def start(config: ServeConfig, told: Mapping[str, object], context: StageContext) -> Front:
    """A gateway with these settings. Raises NodeError, with its last words, when it does not come to listen."""
    path, log = context.scratch / "gateway.json", context.scratch / "gateway.log"
    path.write_text(json.dumps(told, indent=1))
    log.unlink(missing_ok=True)
    reader, writer = os.pipe()
    argv = [context.python, *MODULE, str(path), "--host", config.host, "--port", str(config.port), "--ready-fd", str(writer)]
    # A key that the user has set for something else does not close a server that only this apply talks to.
    process = context.spawn(argv, env={} if config.keyed else {KEY: ""}, log=log, pass_fds=(writer,))
    os.close(writer)
    with os.fdopen(reader, encoding="ascii") as said:  # its end closes when the gateway ends, or has told
        url = said.read() if select.select([said], [], [], _START_S)[0] else ""
    if url:
        return Front(process, url)
    process.kill()
    process.wait()
    raise NodeError(f"the gateway did not come to listen\n{failures.last_lines(log.read_text(errors='replace'))}", hint=f"its log is {log}")


def settings(config: ServeConfig, checkpoint: Checkpoint, engines: Sequence[str]) -> dict[str, object]:
    """What the gateway is told. Reads the whole model, for its digest."""
    fields = config.gateway.model_dump()
    fields["retry_share"] = fields.pop("retries")
    return fields | {
        "replicas": list(engines),
        "model": MODEL,
        "digest": digest_path(checkpoint.folder),
        "context": config.context,
        "vocab_size": checkpoint.vocab_size or _ANY_TOKEN,
        "sequences": config.max_concurrency,
        "chats": checkpoint.chats,
    }
