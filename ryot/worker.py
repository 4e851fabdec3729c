"""The only process that runs stage work: `python -m ryot.worker JOB.json`, started by the keeper. It commits the node, or says why not."""

from __future__ import annotations

import math
import os
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from pydantic import ValidationError

from ryot import files, keeper, processes
from ryot.errors import LostMachine, NodeError, RyotError, printable
from ryot.plugins.away import Machine
from ryot.plugins.context import Endpoint, StageContext
from ryot.plugins.discover import Plugin, load_stage
from ryot.plugins.stage import Service, Stage
from ryot.store import store
from ryot.store.job import FAILURE, LOG, Failure, JobFile
from ryot.store.record import Record
from ryot.units import STORED

REVIVAL_S = 60.0
"""A replica that ends sooner after it was started again is not started once more."""

AWAY_S = 4.0
"""How long a further machine may take to end what runs there: a worker that is told to end has 5 s. Then its connection is cut."""


def main(argv: list[str]) -> int:
    """Run a job. Exit code 0 when the node is committed, 1 when failure.json says why it is not."""
    job = JobFile.model_validate_json(Path(argv[1]).read_bytes())
    folder = Path(job.folder)
    if processes.WAKE in os.environ:
        os.set_inheritable(int(os.environ[processes.WAKE]), False)
    worker = os.getpid()
    try:
        _run(job, folder)
    except RyotError as error:
        return _failed(folder, worker, error, error.message, error.hint)
    except ModuleNotFoundError as error:
        hint = f"install it for {sys.executable}; `ryot doctor` tells how"
        return _failed(folder, worker, error, f"{job.stage} needs the package {error.name}", hint)
    except Exception as error:
        if (refused := files.refused(error, _root(folder))) is not None:
            return _failed(folder, worker, refused, refused.message, refused.hint)
        return _failed(folder, worker, error, f"{type(error).__name__}: {error}", None)
    return 0


def _root(folder: Path) -> Path:
    """The store of a node's folder, `store/<stage>/<key>` below it: a run's own files lie there too."""
    return folder.parents[2]


def _failed(folder: Path, worker: int, error: Exception, message: str, hint: str | None) -> int:
    """Say why the node failed: in its file first, for the stage may have closed the log."""
    if os.getpid() != worker:
        os._exit(1)  # a child that the stage forked; what became of the node is the worker's to say
    text = message[:4000].encode(errors="backslashreplace").decode()
    machine = error.machine if isinstance(error, LostMachine) else ""
    failure = Failure(kind=type(error).__name__, message=text, hint=hint, machine=machine)
    try:
        files.write_durable(folder / FAILURE, failure.model_dump_json())
        if not isinstance(error, RyotError):
            traceback.print_exception(error)
        print(f"ryot: failed: {text}", flush=True)
    except OSError as full:
        if files.refused(full, _root(folder)) is None:
            raise
        os._exit(files.NO_ROOM)  # what is left in the buffers has no room either
    return 1


def _run(job: JobFile, folder: Path) -> None:
    stage = load_stage(Plugin(job.stage, job.plugin, "", "", job.plugin_folder))
    config = _config(stage, job)
    out, scratch = store.prepare(folder)
    worker, made = os.getpid(), os.open(out, os.O_RDONLY)  # held open, so that no folder in its stead can have its number
    context = _context(job, folder, out, scratch)
    context.say(f"{job.node} begins on {job.device}, {job.cpus} cores")
    started = time.monotonic()
    if isinstance(stage, Service):
        _serve(stage, config, context)
        return
    if job.machines:
        signal.signal(signal.SIGTERM, _told_to_end)
    try:
        stage.run(config, context)
    finally:
        for away in context.away:
            away.let_go()
        for away in context.away:
            away.end(AWAY_S)
    if os.getpid() != worker:
        os._exit(1)  # a child that the stage forked came back; only the worker may commit
    _refuse_odd(job, out, made)
    if missing := context.unmeasured:
        raise NodeError(f"{job.node} declares {', '.join(missing)} but did not measure it", hint="this is a fault of the stage")
    _refuse_taken_over(job, folder)
    _commit(folder, job, context, time.monotonic() - started)


def _told_to_end(number: int, _frame: FrameType | None) -> None:
    """Unwind, so that what runs on further machines is seen to be gone."""
    raise SystemExit(128 + number)


def _refuse_odd(job: JobFile, out: Path, made: int) -> None:
    """Raise NodeError for a result that could not be kept: its folder was removed or replaced, or holds more than files and folders."""
    if out.is_symlink() or not files.is_still_at(made, out):
        raise NodeError(
            f"the result folder of {job.node} was removed or replaced while it ran", hint="write below `context.out`, leave it there"
        )
    odd = files.odd(out)
    if odd is not None:
        hint = "a result holds regular files only, so that it stays whole when its sources are gone: copy the file"
        raise NodeError(f"{job.node} left `{printable(odd)}`, which is a link or no file at all", hint=hint)


def _config(stage: Stage, job: JobFile) -> Any:
    try:
        return stage.Config.model_validate(job.config, context=STORED)
    except ValidationError as error:
        raise NodeError(
            f"{job.stage} does not accept the settings it was planned with: {error}", hint="was the plugin changed since?"
        ) from None


def _context(job: JobFile, folder: Path, out: Path, scratch: Path) -> StageContext:
    return StageContext(
        node=job.node,
        inputs={slot: Path(path) for slot, path in job.inputs.items()},
        out=out,
        scratch=scratch,
        services={slot: Endpoint(at.url, at.model, at.info) for slot, at in job.services.items()},
        declared={measure.name: measure for measure in job.measures},
        device=job.device,
        cpus=job.cpus,
        emit=lambda event: keeper.emit(Path(job.events), event),
        log=folder / LOG,
        machines=tuple(Machine(at.name, at.address, at.hold) for at in job.machines),
    )


def _serve(service: Service, config: Any, context: StageContext) -> None:
    """Bring a service up, say where it is, and stay until it ends by itself. The keeper ends it when it is time."""
    endpoint = service.start(config, context)
    context.say(f"ready at {endpoint.url}")
    context.emit({"event": "ready", "url": endpoint.url, "model": endpoint.model, "info": dict(endpoint.info)})
    with selectors.DefaultSelector() as watched:
        for child in context.children:
            if child.returncode is None:  # whose end the stage has not seen: one that ended since tells so at once
                watched.register(os.pidfd_open(child.pid), selectors.EVENT_READ, child)
        if not watched.get_map():
            signal.pause()
        code = _first_end(watched, service, config, context)
    raise NodeError(f"the service {context.node} ended by itself with exit code {code}", hint=f"its last words are in {context.log}")


def _first_end(watched: selectors.BaseSelector, service: Service, config: Any, context: StageContext) -> int:
    """Wait until the service is no more, and say its exit code. One of several replicas that ends is told, gone past, and started again,
    but not one that has ended a short while before."""
    revived: dict[int, float] = {}
    while True:
        key, _ = watched.select()[0]
        watched.unregister(key.fileobj)
        code: int = key.data.wait()
        left = [child for child in context.replicas if child.poll() is None]
        if key.data not in context.replicas or not left:
            return code
        number, now = context.replicas.index(key.data), time.monotonic()
        again = now - revived.get(number, -math.inf) > REVIVAL_S and service.revive(config, context, number)
        what = "it is started again" if again else "it is left"
        context.warn(f"one of {len(context.replicas)} replicas ended with exit code {code}; {len(left)} go on, and {what}")
        if again:
            revived[number] = now
            watched.register(os.pidfd_open(context.replicas[number].pid), selectors.EVENT_READ, context.replicas[number])


def _refuse_taken_over(job: JobFile, folder: Path) -> None:
    """Raise NodeError where another machine has the node's lock: the file server gives it to the next one when it has not heard of a
    machine for a while, and that one does not hear of it."""
    holder = files.Lock(folder / "lock").holder()
    if holder not in ("", files.whoami(os.getppid())):
        raise NodeError(f"the lock of {job.node} was lost, and {holder} has it now", hint="apply again when that one is done")


def _commit(folder: Path, job: JobFile, context: StageContext, seconds: float) -> None:
    # The evidence's digest goes into the record, so that a sample cannot change unnoticed.
    text = store.evidence_text(context.evidence)
    record = Record(
        node=job.node,
        stage=job.stage,
        key=job.key,
        payload=job.payload,
        measures=job.measures,
        evidence=store.digest_text(text),
        files=store.digest_out(folder),
        seconds=seconds,
        device=job.device,
        host=socket.gethostname(),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        ryot=version("ryot"),
        lacking=context.lacking,
    )
    store.commit(folder, record, text)
    context.say(f"{job.node} finished after {seconds:.1f} s")


def _end(code: int) -> NoReturn:
    """End this process, though a thread that the stage left may go on for ever."""
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    _end(main(sys.argv))
