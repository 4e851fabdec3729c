"""Jobs of SLURM: the fake everywhere, SLURM itself where it is installed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ryot.backends.slurm import SlurmBackend, SlurmConfig
from ryot.plugins import Job, MachineError
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


@pytest.fixture
def trial(slurm: Slurm, tmp_path: Path) -> Trial:
    return Trial(make, tmp_path / "jobs", 120.0)


def test_slurm_is_a_backend(slurm: Slurm, tmp_path: Path) -> None:
    check_backend(make, tmp_path / "jobs")


def test_job_goes_on_without_its_program_and_is_taken_up_by_the_next(trial: Trial) -> None:
    gate = trial.folder / "gate"
    job = trial.job("stays", does="meets", other=str(gate))
    first = make()
    first.submit(job)
    trial.told(first, job)  # and is never closed, as a program that was killed closes nothing
    note = json.loads((job.folder / "slurm.json").read_text())
    later = Job(job.name, job.file, job.folder, f"{job.mark.partition('.')[0]}.later", job.python, job.events.with_name("later.jsonl"))
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


def test_machine_without_slurm_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(MachineError, match="SLURM's sbatch, squeue, scancel not found"):
        make()
