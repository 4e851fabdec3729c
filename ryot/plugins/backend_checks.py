"""What every backend is held to, check by check. `ryot.plugins.testing.check_backend` runs them all.

A check sees of a job what the engine sees, and what it left in its folder: the job may run on another machine. Whether a tree of processes
is gone is told by a lock that all of it holds.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ryot import files, processes
from ryot.fingerprint import fingerprint
from ryot.plugins.backend import Backend, Fit, Foretelling, Job, JobState, Wish
from ryot.plugins.context import StageContext
from ryot.plugins.stage import Stage, StageConfig
from ryot.store.job import LOG, JobFile

VARIABLE = "RYOT_CHECK_OF_A_BACKEND"
_GRACE_S = 1.0
_STUBBORN = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
if os.fork(): os._exit(0)
os.setsid()
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(3600)
"""


_THERE = """
import fcntl, os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
lock = open(sys.argv[1], "a")
fcntl.flock(lock, fcntl.LOCK_EX)
if sys.argv[2] == "alone":
    os.kill(os.getppid(), signal.SIGKILL)
elif not os.fork():
    os.setsid()
    open(sys.argv[2], "w").write(str(os.getpid()))
time.sleep(3600)
"""


class ProbeConfig(StageConfig):
    """What the job of a check does: `tells` of itself, `exits` with `code`, is `killed`, is `stubborn`, `meets` another, kills its keeper
    and stays (`orphaned`), has programs on a second machine (`spreads`), or has what holds one there killed (`bereft`)."""

    does: str = "tells"
    code: int = 0
    other: str = ""
    """The file of the job that it meets."""


class Probe(Stage):
    """The stage of the checks."""

    name = "probe"
    Config = ProbeConfig

    def run(self, config: ProbeConfig, context: StageContext) -> None:
        """Do what the config says."""
        folder = context.scratch.parent
        match config.does:
            case "exits":
                os._exit(config.code)
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stubborn" | "orphaned":
                _stay(folder, context, orphaned=config.does == "orphaned")
            case "spreads" | "bereft":
                _spread(folder, context, bereft=config.does == "bereft")
            case "meets":
                files.write_durable(folder / "here", b"")
                context.report(done=0, total=1, force=True)
                while not Path(config.other).exists():
                    time.sleep(0.02)  # the other may be on another machine, whose files tell no one that they come
        print("the log has this line", flush=True)
        about = {"mark": os.environ.get(processes.MARK), "variable": os.environ.get(VARIABLE)}
        context.write("about.json", json.dumps(about))


def _stay(folder: Path, context: StageContext, *, orphaned: bool) -> None:
    """Hold the lock together with a process that ignores signals and has left its session, for ever."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    handle = files.hold(folder / "tree.lock", lambda _: None)
    context.spawn([sys.executable, "-c", _STUBBORN, str(folder / "stray")], pass_fds=(handle,))
    while not (folder / "stray").exists() or not (folder / "stray").read_text():
        time.sleep(0.02)
    context.report(done=1, total=1, force=True)
    if orphaned:
        os.kill(os.getppid(), signal.SIGKILL)
    while True:
        signal.pause()


def _spread(folder: Path, context: StageContext, *, bereft: bool) -> None:
    """Have a program's exit code and words from the second machine, then one that stays there with a child; wait for its end."""
    here, there = context.machines
    short = [sys.executable, "-c", "import os; print(os.environ['RYOT_MARK'], flush=True); os._exit(5)"]
    away = context.spawn_at(there, short, log=folder / "short.log")
    away.begin(60.0, context.emit)
    while (code := away.poll()) is None:
        time.sleep(0.02)
    about = {"names": [here.name, there.name], "code": code, "mark": (folder / "short.log").read_text().strip()}
    files.write_durable(folder / "away.json", json.dumps(about))
    long = [sys.executable, "-c", _THERE, str(folder / "tree.lock"), "alone" if bereft else str(folder / "stray")]
    away = context.spawn_at(there, long, log=folder / "long.log")
    away.begin(60.0, context.emit)
    while not bereft and (not (folder / "stray").exists() or not (folder / "stray").read_text()):
        time.sleep(0.02)
    context.report(done=1, total=1, force=True)
    while away.poll() is None:
        time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Trial:
    """A backend that is being checked, the folder (of all its machines) its jobs lie in, and the time that anything may take."""

    make: Callable[[], Backend]
    folder: Path
    patience_s: float

    @contextmanager
    def backend(self) -> Iterator[Backend]:
        """A backend of one check."""
        made = self.make()
        try:
            yield made
        finally:
            made.close()

    def job(self, name: str, **config: Any) -> Job:
        """A job with a folder of its own."""
        key = fingerprint([name, secrets.token_hex(8)])
        folder = self.folder / name / key
        folder.mkdir(parents=True)
        events, file = folder.parent / f"{key}.events.jsonl", folder.parent / f"{key}.json"
        settings = ProbeConfig(**config).model_dump()
        told = JobFile(
            node=name, stage="probe", key=key, folder=str(folder), events=str(events), payload={}, config=settings,
            plugin=f"{__name__}:Probe", plugin_folder=None, inputs={}, services={}, measures=(), device="test", cpus=1,
            is_service=False, measures_speed=False,
        )  # fmt: skip
        files.write_durable(file, told.model_dump_json())
        return Job(name, file, folder, f"{key[:32]}.{secrets.token_hex(4)}", sys.executable, events)

    def ended(self, backend: Backend, name: str) -> JobState:
        """Wait until a job has ended."""
        deadline = time.monotonic() + self.patience_s
        while (state := backend.poll(name)).code is None:
            _hold(time.monotonic() < deadline, f"{name} had not ended after {self.patience_s:.0f} s")
            backend.wait(1.0)
        return state

    def told(self, backend: Backend, job: Job) -> None:
        """Wait, as the engine does, until a job that stays has said something."""
        deadline = time.monotonic() + self.patience_s
        while True:
            woken = job.name in backend.wait(self.patience_s)
            if job.events.exists() and job.events.stat().st_size:
                return _hold(woken, f"`wait` did not return {job.name}, which had written an event")
            _hold(backend.poll(job.name).code is None, f"{job.name} ended before it said anything; its log: {_log(job)}")
            _hold(time.monotonic() < deadline, f"{job.name} said nothing in {self.patience_s:.0f} s; its log: {_log(job)}")

    def gone(self, job: Job, *, within_s: float = 0.0) -> None:
        """Hold that nothing of a job's tree is left, `within_s` seconds from now."""
        deadline = time.monotonic() + within_s
        lock = files.Lock(job.folder / "tree.lock")
        while not lock.acquire(wait=False):
            _hold(time.monotonic() < deadline, f"a process of {job.name} outlived it")
            time.sleep(0.05)
        lock.release()


def finishes(trial: Trial) -> None:
    """A job ends with 0 and its record; its words are in log.txt; its mark and this program's environment reached it."""
    job = trial.job("finishes")
    os.environ[VARIABLE] = word = secrets.token_hex(4)
    try:
        with trial.backend() as backend:
            backend.submit(job)
            state = trial.ended(backend, job.name)
            _hold(state == JobState(0), f"a job that finished is {state}; its log: {_log(job)}")
            backend.forget(job.name)
    finally:
        del os.environ[VARIABLE]
    _hold((job.folder / "record.json").exists(), "a finished job has a record")
    _hold("the log has this line" in _log(job), "what a job prints is in the log.txt of its folder")
    about = json.loads((job.folder / "out" / "about.json").read_text())
    _hold(about["mark"] == job.mark, f"the job's {processes.MARK} is {about['mark']}, not {job.mark}")
    _hold(about["variable"] == word, "a variable of this program's environment did not reach the job")


def fails(trial: Trial) -> None:
    """Exit codes and signals come through, as `lost` by none; a job whose interpreter is not there ends too."""
    codes, killed = trial.job("exits", does="exits", code=7), trial.job("killed", does="killed")
    absent = replace(trial.job("absent"), python=str(trial.folder / "no-such-python"))
    with trial.backend() as backend:
        for job, expected in ((codes, (7,)), (killed, (-signal.SIGKILL, 128 + signal.SIGKILL)), (absent, None)):
            backend.submit(job)
            state = trial.ended(backend, job.name)
            right = state.code in expected if expected else state.code != 0
            _hold(right, f"the job that {job.name} ended with {state.code}; expected {expected or 'anything but 0'}; its log: {_log(job)}")
            _hold(not state.lost, f"the job that {job.name} failed by itself, and is not lost")
            backend.forget(job.name)


def wakes(trial: Trial) -> None:
    """Two jobs run at once; an event of either ends `wait`; an ended job that was forgotten frees its name."""
    first = trial.job("first", does="meets")
    second = trial.job("second", does="meets", other=str(first.folder / "here"))
    _rewrite(first, other=str(second.folder / "here"))
    with trial.backend() as backend:
        backend.submit(first)
        trial.told(backend, first)
        backend.submit(second)
        codes = [trial.ended(backend, job.name).code for job in (first, second)]
        _hold(codes == [0, 0], f"two jobs that met ended with {codes}; the second one's log: {_log(second)}")
        for job in (first, second):
            backend.forget(job.name)
        again = replace(trial.job("again"), name="first")
        backend.submit(again)
        _hold(trial.ended(backend, "first").code == 0, "a name that was forgotten may be used again")


def cancels(trial: Trial) -> None:
    """`cancel` ends a tree that ignores SIGTERM and has left its session, and returns when it is gone. So does `close`."""
    for how in ("cancel", "close"):
        job = trial.job(how, does="stubborn")
        with trial.backend() as backend:
            backend.submit(job)
            trial.told(backend, job)
            if how == "cancel":
                backend.cancel(job.name, _GRACE_S)
                trial.gone(job)
                _hold(backend.poll(job.name).code not in (0, None), "a job that was cancelled has not ended with 0")
                backend.forget(job.name)
        trial.gone(job)
        _hold(not (job.folder / "record.json").exists(), f"`{how}` ended a job, and it has a record")


def survives(trial: Trial) -> None:
    """A job whose keeper is killed has ended, not with 0, and nothing of its tree is left."""
    job = trial.job("orphaned", does="orphaned")
    with trial.backend() as backend:
        backend.submit(job)
        state = trial.ended(backend, job.name)
        _hold(state.code != 0, "a job whose keeper was killed has not ended with 0")
        trial.gone(job, within_s=trial.patience_s)
        backend.forget(job.name)


def surveys(trial: Trial) -> None:
    """What has a `survey` answers every wish in order: one core may be had, more than any machine has never is; with reason and mend."""
    wishes = (Wish("one"), Wish("endless", cpus=1 << 24), Wish("alone", alone=True), Wish("one more"))
    with trial.backend() as backend:
        if not isinstance(backend, Foretelling):
            return
        outlook = backend.survey(wishes)
    _hold(bool(outlook.has), "`survey` tells nothing of what there is")
    _hold(
        [fit.node for fit in outlook.fits] == [wish.node for wish in wishes], f"`survey` does not answer each wish in order: {outlook.fits}"
    )
    one, endless, *more = outlook.fits
    for fit in (one, *more):
        _hold(fit.fits is not False, f"`survey` says that a job of one core never fits: {fit.words}")
    _hold(endless.fits is not True, "`survey` says that a job of sixteen million cores fits")
    _hold(
        all(fit.fits is True or _said(fit) for fit in outlook.fits), f"what does not fit, or is not known to, has no reason: {outlook.fits}"
    )


def _said(fit: Fit) -> bool:
    return bool(fit.words and (fit.fits is None or (fit.hint and fit.field)))


def spreads(trial: Trial) -> None:
    """A job of two machines starts programs on the second, whose exit codes it learns; `cancel` returns when nothing is left on either; a
    job whose second machine is lost is lost. Only for a backend that `spreads`."""
    with trial.backend() as backend:
        if not getattr(backend, "spreads", False):
            return
        job = replace(trial.job("spread", does="spreads"), machines=2)
        backend.submit(job)
        trial.told(backend, job)
        backend.cancel(job.name, _GRACE_S)
        trial.gone(job)
        about = json.loads((job.folder / "away.json").read_text())
        _hold(about["code"] == 5, f"a program that ended with 5 on the second machine is told to have ended with {about['code']}")
        _hold(len(set(about["names"])) == 2, f"the machines of a job are two, not {about['names']}")
        _hold(about["mark"].partition(".")[2] == job.mark.partition(".")[2], "what runs on the second machine has the mark of its try")
        backend.forget(job.name)
        bereft = replace(trial.job("bereft", does="bereft"), machines=2)
        backend.submit(bereft)
        state = trial.ended(backend, bereft.name)
        _hold(state.lost, f"a job whose second machine is lost is {state}; its log: {_log(bereft)}")
        trial.gone(bereft, within_s=trial.patience_s)
        backend.forget(bereft.name)


def _rewrite(job: Job, **config: Any) -> None:
    told = JobFile.model_validate_json(job.file.read_bytes())
    files.write_durable(job.file, told.model_copy(update={"config": {**told.config, **config}}).model_dump_json())


def _log(job: Job) -> str:
    log = job.folder / LOG
    return log.read_text(errors="replace")[-2000:] if log.exists() else "there is none"


def _hold(truth: bool, words: str) -> None:
    if not truth:
        raise AssertionError(words)


CHECKS = (surveys, finishes, fails, wakes, cancels, survives, spreads)
