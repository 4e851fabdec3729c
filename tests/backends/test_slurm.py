"""Jobs of SLURM: the fake everywhere, SLURM itself where it is installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ryot.backends import slurm_queue
from ryot.backends.slurm import SlurmBackend, SlurmConfig
from ryot.backends.watch import ending
from ryot.plugins import Job, MachineError, Wish
from ryot.plugins.backend_checks import Trial
from ryot.plugins.testing import check_backend
from tests.backends.clusters import REAL, Slurm, fake_slurm, real_slurm

pytestmark = pytest.mark.heavy
_REAL = pytest.param("real", marks=pytest.mark.skipif(not REAL, reason="SLURM is not installed"))


@pytest.fixture(scope="module", params=["fake", _REAL])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    with {"fake": fake_slurm, "real": real_slurm}[request.param](tmp_path_factory.mktemp("slurm")) as slurm:
        yield slurm


@pytest.fixture
def slurm(cluster: Slurm, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    for name, value in cluster.environ.items():
        monkeypatch.setenv(name, value)
    return cluster


def make() -> SlurmBackend:
    return SlurmBackend(SlurmConfig(ask_every=0.5))


def named(job: Job) -> list[str]:
    """What there is or was in the queue of a node."""
    return [each.id for each in slurm_queue.queue() or [] if each.name.startswith(f"ryot-{job.name}-{job.mark.partition('.')[0]}.")]


def goes_on(trial: Trial, backend: SlurmBackend, job: Job, first: Job) -> None:
    """Wait until a job is the one that `first` is, its events too."""
    deadline = time.monotonic() + trial.patience_s
    while not (job.events.exists() and job.events.samefile(first.events)):
        backend.wait(0.5)
        assert time.monotonic() < deadline


@pytest.fixture
def trial(slurm: Slurm, tmp_path: Path) -> Trial:
    return Trial(make, tmp_path / "jobs", 120.0)


def test_slurm_is_a_backend(slurm: Slurm, tmp_path: Path) -> None:
    check_backend(make, tmp_path / "jobs")


def sent_later(job: Job) -> Job:
    """The same node's job as another program would send it."""
    return replace(job, mark=f"{job.mark.partition('.')[0]}.later", events=job.events.with_name("later.jsonl"))


def test_job_goes_on_without_its_program_and_is_taken_up_by_the_next(trial: Trial) -> None:
    gate = trial.folder / "gate"
    job = trial.job("stays", does="meets", other=str(gate))
    first = make()
    first.submit(job)
    trial.told(first, job)  # and is never closed, as a program that was killed closes nothing
    note = json.loads((job.folder / "slurm.json").read_text())
    later = sent_later(job)
    with trial.backend() as backend:
        backend.submit(later)
        assert json.loads((job.folder / "slurm.json").read_text()) == note
        assert later.events.read_bytes() == job.events.read_bytes()
        gate.touch()
        assert trial.ended(backend, later.name).code == 0
    assert (job.folder / "record.json").exists()


def test_job_of_a_node_that_is_gone_is_lost(slurm: Slurm, trial: Trial) -> None:
    job = trial.job("lost", does="meets", other=str(trial.folder / "never"))
    with trial.backend() as backend:
        backend.submit(job)
        trial.told(backend, job)
        slurm.take_away_what_runs()
        state = trial.ended(backend, job.name)
    assert state.lost
    assert re.search(r"on n[12] ended as NODE_FAIL", state.why)


def test_what_slurm_refuses_is_told(slurm: Slurm, trial: Trial) -> None:
    backend = SlurmBackend(SlurmConfig(partition="nowhere"))
    with pytest.raises(MachineError, match=r"sbatch refuses a: .*partition"):
        backend.submit(trial.job("a"))


def waits(job: Job) -> list[str]:
    return [said["holder"] for said in map(json.loads, job.events.read_text().splitlines()) if said["event"] == "waiting"]


def test_job_that_was_taken_though_sbatch_was_not_told_so_is_there_once(slurm: Slurm, trial: Trial) -> None:
    job = trial.job("once", does="meets", other=str(trial.folder / "gate"))
    with trial.backend() as backend:
        slurm.deafen()
        try:
            backend.submit(job)
            assert waits(job) == ["SLURM takes no more jobs now: Batch job submission failed: Socket timed out on send/recv operation"]
            assert backend.poll(job.name).code is None
        finally:
            slurm.undeafen()
        asked = backend._asked
        while not named(job) or backend._asked == asked:  # what was found by its name is not sent again
            backend.wait(0.5)
        for _ in range(3):
            backend.wait(0.6)
        (trial.folder / "gate").touch()
        assert trial.ended(backend, job.name).code == 0
        assert len(named(job)) == 1


def test_job_that_was_told_to_end_before_its_number_was_known_is_lost(full: Path, tmp_path: Path) -> None:
    trial = Trial(make, tmp_path / "jobs", 120.0)
    job = trial.job("a")
    with trial.backend() as backend:
        backend.submit(job)
        said = {"code": 143, "told": True, "why": "", "lost": ""}
        ending(job).write_text(json.dumps(said))
        state = trial.ended(backend, job.name)
    assert (state.code, state.lost) == (143, True)


def test_job_of_an_earlier_program_is_taken_up_once_slurm_answers(slurm: Slurm, trial: Trial) -> None:
    job = trial.job("earlier", does="meets", other=str(trial.folder / "gate"))
    first = make()
    first.submit(job)
    trial.told(first, job)  # and is never closed
    later = sent_later(job)
    with trial.backend() as backend:
        slurm.deafen()
        try:
            backend.submit(later)
            assert waits(later) == ["SLURM takes no more jobs now: squeue does not answer"]
        finally:
            slurm.undeafen()
        goes_on(trial, backend, later, job)
        (trial.folder / "gate").touch()
        assert trial.ended(backend, later.name).code == 0
        assert len(named(job)) == 1


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What a queue of its own says to every sbatch, as long as the file is there."""
    with fake_slurm(tmp_path / "slurm") as slurm:
        for name, value in slurm.environ.items():
            monkeypatch.setenv(name, value)
        said = tmp_path / "slurm" / "full"
        said.write_text("QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job violates accounting/QOS policy")
        yield said


def test_job_waits_where_a_user_has_as_many_as_are_allowed(full: Path, tmp_path: Path) -> None:
    trial = Trial(make, tmp_path / "jobs", 120.0)
    first, second = trial.job("first"), trial.job("second")
    with trial.backend() as backend:
        backend.submit(first)
        backend.submit(second)
        assert backend.wait(1.5) == {"first", "second"}  # what they wait for is told
        assert backend.wait(1.5) == set()
        assert waits(first) == ["SLURM takes no more jobs now: QOSMaxSubmitJobPerUserLimit"]
        assert waits(second) == ["SLURM takes no more jobs now"]
        full.unlink()
        assert [trial.ended(backend, name).code for name in ("first", "second")] == [0, 0]


def test_job_that_waited_and_is_refused_then_has_failed(full: Path, tmp_path: Path) -> None:
    trial = Trial(make, tmp_path / "jobs", 120.0)
    job = trial.job("a")
    with trial.backend() as backend:
        backend.submit(job)
        full.write_text("invalid account")
        state = trial.ended(backend, job.name)
    assert (state.code, state.why, state.lost) == (1, "sbatch refuses a: invalid account", False)


def test_job_that_waits_can_be_cancelled(full: Path, tmp_path: Path) -> None:
    trial = Trial(make, tmp_path / "jobs", 120.0)
    job = trial.job("a")
    with trial.backend() as backend:
        backend.submit(job)
        backend.wait(0)
        backend.cancel(job.name, 1.0)
        assert backend.poll(job.name).code == 1
        full.unlink()
        asked = backend._asked
        while backend._asked - asked < 1.5:  # three times at least
            backend.wait(0)
        assert named(job) == []


def test_what_waits_longest_keeps_no_earlier_job_from_being_found(full: Path, tmp_path: Path) -> None:
    """An apply was killed while its jobs are all that a user is allowed; the next one's first squeue says nothing."""
    trial = Trial(make, tmp_path / "jobs", 120.0)
    runs, never_sent = trial.job("runs", does="meets", other=str(tmp_path / "gate")), trial.job("never")
    full.rename(full.with_suffix(".off"))
    first = make()
    first.submit(runs)
    trial.told(first, runs)
    full.with_suffix(".off").rename(full)
    later = sent_later(runs)
    with trial.backend() as backend:
        (full.parent / "deaf").touch()
        backend.submit(never_sent)
        backend.submit(later)
        (full.parent / "deaf").unlink()
        goes_on(trial, backend, later, runs)
        full.unlink()
        (tmp_path / "gate").touch()
        assert [trial.ended(backend, name).code for name in ("runs", "never")] == [0, 0]
    assert len(named(runs)) == 1


def test_queue_is_told_before_anything_runs(slurm: Slurm) -> None:
    cores = os.cpu_count() or 1
    wishes = [Wish("a"), Wish("b", cores, alone=True, seconds=9e4), Wish("c", cores + 1)]
    backend = SlurmBackend(SlurmConfig(time="24:00:00"))
    outlook = backend.survey(wishes)
    backend.close()
    has = dict(outlook.has)
    assert re.fullmatch(r"all \(the default\), 2 nodes: .*; jobs have no time limit", has["partition"])
    assert has["nodes"] == f"2 with {cores} CPU{'' if cores == 1 else 's'}, 1 MiB"
    assert re.fullmatch(r"\d+ running, \d+ pending", has["jobs"])
    a, b, c = outlook.fits
    assert (a.node, a.fits, b.node, c.node, c.fits) == ("a", True, "b", "c", False)
    assert re.match(r"sent now it would start at 20\d\d-\S+ on n[12]", a.words)
    assert b.words.endswith("; 25.0 h are predicted, and SLURM ends it after 24:00:00")
    assert (c.words, c.field) == (f"asks for {cores + 1} CPUs; nodes of all: {has['nodes']}", ("hardware", "cpus"))


@pytest.mark.parametrize(("config", "fits", "words", "field"), [
    ({"partition": "nowhere"}, False, "there is no partition nowhere", "partition"),
    ({"gpus": 1}, False, "asks for 1 CPU, 1 GPU; nodes of all: ", "gpus"),
    ({"memory": "2G"}, False, "asks for 1 CPU, 2 GiB; nodes of all: ", "memory"),
    ({"options": ("--gpus=1",)}, False, "sbatch refuses it: ", "with"),
])  # fmt: skip
def test_what_never_fits_has_a_reason_and_a_field(config: dict[str, Any], fits: bool, words: str, field: str, slurm: Slurm) -> None:
    backend = SlurmBackend(SlurmConfig(**config))
    (fit,) = backend.survey([Wish("a")]).fits
    assert (fit.fits, fit.words[: len(words)], fit.field[-1]) == (fits, words, field)
    assert fit.hint


@pytest.mark.parametrize(("state", "said", "fits"), [
    ("idle", "allocation failure: Requested node configuration is not available", False),
    ("down*", "allocation failure: Requested node configuration is not available", None),  # perhaps it is that node's absence
    ("idle", "allocation failure: Requested nodes are busy", None),
    ("idle", "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)", None),
    ("idle", "sbatch: error: Batch job submission failed: Invalid authentication credential", None),
    ("idle", "allocation failure: Invalid account or account/partition combination specified", False),
])  # fmt: skip
def test_refusal_that_may_pass_is_not_known_to_be_for_ever(
    state: str, said: str, fits: bool | None, slurm: Slurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = "\n".join(f"all*|{name}|{now}|8|1|(null)|0/8/0/8|infinite|n/a" for name, now in (("n1", "idle"), ("n2", state)))

    asked: list[str] = []

    def answer(argv: list[str], _: str = "") -> subprocess.CompletedProcess[str]:
        asked.append(argv[0])
        return subprocess.CompletedProcess(argv, argv[0] == "sbatch", nodes if argv[0] == "sinfo" else "", said)

    monkeypatch.setattr("ryot.backends.foretell._answer", answer)
    fit, again, alone = make().survey([Wish("a"), Wish("b"), Wish("c", alone=True)]).fits
    assert (fit.fits, again.fits, alone.fits, again.node) == (fits, fits, fits, "b")
    assert fit.words.endswith(said.rpartition(": ")[2])
    assert asked == ["sinfo", "squeue", "sbatch", "sbatch"]  # once for each kind of wish


def test_queue_that_does_not_answer_is_told(slurm: Slurm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, line in (("sbatch", "exit 1"), ("squeue", "exit 1"), ("scancel", "exit 1"), ("sinfo", "echo no controller >&2; exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    with pytest.raises(MachineError, match="SLURM does not answer: no controller"):
        make().survey([Wish("a")])


def test_commands_that_hang_are_asked_again_and_end_nothing(slurm: Slurm, trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """An overloaded controller; what SLURM said last stands."""
    job, other = trial.job("patient", does="meets", other=str(trial.folder / "gate")), trial.job("other")
    with trial.backend() as backend:
        backend.submit(job)
        trial.told(backend, job)
        with monkeypatch.context() as hung:
            hung.setattr(slurm_queue, "_ANSWER_S", 0.2)
            bin_folder = trial.folder / "bin"
            bin_folder.mkdir()
            for name in ("sbatch", "squeue", "scancel", "sacct"):
                (bin_folder / name).write_text("#!/bin/sh\nexec sleep 30\n")
                (bin_folder / name).chmod(0o755)
            hung.setenv("PATH", f"{bin_folder}:{os.environ['PATH']}")
            backend.wait(2.0)
            assert backend.poll(job.name).code is None
            backend.submit(other)
            assert waits(other) == ["SLURM takes no more jobs now: sbatch did not answer within 0 s"]
        (trial.folder / "gate").touch()
        assert [trial.ended(backend, name).code for name in (job.name, other.name)] == [0, 0]


def test_machine_without_slurm_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(MachineError, match="SLURM's sbatch, squeue, scancel not found"):
        make()
