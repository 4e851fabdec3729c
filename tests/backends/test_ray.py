"""Jobs on a Ray cluster of two nodes on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from ryot.backends.ray import RayBackend, RayConfig
from ryot.backends.ray_place import NAMESPACE
from ryot.plugins import Job, MachineError, Wish
from ryot.plugins.backend_checks import Trial
from ryot.plugins.testing import check_backend
from tests.backends.clusters import Ray, ray_machines

pytestmark = pytest.mark.e2e

NOT_THERE = "its Ray actor could not begin: FileNotFoundError: [Errno 2] No such file or directory: '/nowhere/python'"


@pytest.fixture(scope="module")
def ray() -> Iterator[Ray]:
    with ray_machines() as cluster:
        yield cluster


@pytest.fixture
def trial(ray: Ray, tmp_path: Path) -> Trial:
    return Trial(lambda: RayBackend(RayConfig(address=ray.address)), tmp_path / "jobs", 120.0)


def test_ray_is_a_backend(trial: Trial) -> None:
    check_backend(trial.make, trial.folder)


def test_job_goes_on_without_its_program_and_is_taken_up_by_the_next(trial: Trial) -> None:
    gate = trial.folder / "gate"
    job = trial.job("stays", does="meets", other=str(gate))
    first = trial.make()
    first.submit(job)
    trial.told(first, job)
    import_module("ray").shutdown()  # as when a program is killed: it leaves the cluster, and closes nothing
    later = Job(job.name, job.file, job.folder, f"{job.mark.partition('.')[0]}.later", job.python, job.events.with_name("later.jsonl"))
    with trial.backend() as backend:
        backend.submit(later)
        assert later.events.read_bytes() == job.events.read_bytes()
        gate.touch()
        assert trial.ended(backend, later.name).code == 0
    assert (job.folder / "record.json").exists()


def test_job_of_a_machine_that_is_gone_is_lost(ray: Ray, trial: Trial) -> None:
    job = trial.job("lost", does="stubborn")
    with trial.backend() as backend:
        backend.submit(job)
        trial.told(backend, job)
        ray.take_away_machines()
        state = trial.ended(backend, job.name)
        trial.gone(job, within_s=60)
    assert state.lost
    assert "its Ray actor is gone: The actor died unexpectedly before finishing this task. ip: 127.0.0.2 The actor" in state.why


def test_interpreter_that_is_not_there_fails_the_job_and_is_no_loss(ray: Ray, trial: Trial) -> None:
    wrong = replace(trial, make=lambda: RayBackend(RayConfig(address=ray.address, python="/nowhere/python")))
    with wrong.backend() as backend:
        backend.submit(wrong.job("wrong"))
        state = wrong.ended(backend, "wrong")
    assert (state.code, state.lost, state.why) == (1, False, NOT_THERE)


def test_further_machine_without_the_interpreter_is_refused(ray: Ray) -> None:
    """As its first machine hears it, in the place of the agent there."""
    library = import_module("ray")
    library.init(ray.address, namespace=NAMESPACE, log_to_driver=False, logging_level="error")
    try:
        group = library.util.placement_group([{"CPU": 1}], name="place", lifetime="detached")
        argv = [sys.executable, "-m", "ryot.backends.ray_place", ray.address, "0", "place", "0", "/nowhere/python"]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        library.util.remove_placement_group(group)
    finally:
        library.shutdown()
    assert (done.returncode, json.loads(done.stdout)) == (1, {"refused": NOT_THERE})


def test_node_that_fits_no_machine_is_refused(trial: Trial) -> None:
    job = trial.job("large")
    with trial.backend() as backend, pytest.raises(MachineError, match="large asks for 999 cores; the largest machine of the Ray cluster"):
        backend.submit(Job(job.name, job.file, job.folder, job.mark, job.python, job.events, cpus=999))


def test_cluster_is_told_before_anything_runs(ray: Ray) -> None:
    backend = RayBackend(RayConfig(address=ray.address, resources={"moon": 1}))
    (moon,) = backend.survey([Wish("a")]).fits
    assert (moon.fits, moon.words, moon.field[-1]) == (False, "asks for 1 moon (the most that one machine has: 0)", "resources")
    backend.close()
    backend = RayBackend(RayConfig(address=ray.address))
    outlook = backend.survey([Wish("a", 2), Wish("b", 3)])
    backend.close()
    assert dict(outlook.has)["machines"] == "3"
    assert dict(outlook.has)["CPU"].startswith("4: ")
    assert [(fit.node, fit.fits) for fit in outlook.fits] == [("a", True), ("b", False)]
    assert outlook.fits[0].words == "2 of 3 machines are large enough"
    assert outlook.fits[1].field == ("hardware", "cpus")


def test_node_of_more_machines_than_there_are_is_refused(trial: Trial) -> None:
    with trial.backend() as backend, pytest.raises(MachineError, match="wide asks for 3 machines with 1 cores; the Ray cluster has 2"):
        backend.submit(replace(trial.job("wide"), machines=3))


def test_cluster_that_is_not_there_is_told() -> None:
    with pytest.raises(MachineError, match=r"no Ray cluster answers at 127\.0\.0\.1:1"):
        RayBackend(RayConfig(address="127.0.0.1:1"))
