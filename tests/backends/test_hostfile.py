"""Jobs on the hosts of a hostfile, reached by an ssh that leads here."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ryot.backends import census
from ryot.backends.hostfile import HostfileBackend, HostfileConfig, hosts
from ryot.plugins import MachineError, Wish
from ryot.plugins.backend_checks import Trial
from ryot.plugins.testing import check_backend
from tests.backends.clusters import Hosts


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    found = Hosts(tmp_path / "hosts")
    monkeypatch.setenv("FAKE_HOSTS", str(found.folder))
    return found


@pytest.fixture
def trial(two: Hosts, tmp_path: Path) -> Trial:
    return Trial(two.backend, tmp_path / "jobs", 120.0)


@pytest.mark.heavy
def test_hostfile_is_a_backend(trial: Trial) -> None:
    check_backend(trial.make, trial.folder)


@pytest.mark.heavy
def test_jobs_are_spread_over_the_hosts(two: Hosts, trial: Trial) -> None:
    with trial.backend() as backend:
        for name in ("a", "b", "c"):
            job = trial.job(name, does="meets", other=str(trial.folder / "never"))
            backend.submit(job)
            trial.told(backend, job)
        assert (len(two.connections("one")), len(two.connections("two"))) == (1, 2)


@pytest.mark.heavy
def test_job_of_a_host_that_is_gone_is_lost_and_the_next_runs_elsewhere(two: Hosts, trial: Trial) -> None:
    job = trial.job("lost", does="stubborn")
    with trial.backend() as backend:
        backend.submit(job)
        trial.told(backend, job)
        assert two.connections("two")
        two.take_away("two")
        state = trial.ended(backend, job.name)
        assert (state.lost, state.why) == (True, "the connection to two ended with exit code 255")
        trial.gone(job, within_s=60)
        backend.forget(job.name)
        again = trial.job("again")
        backend.submit(again)
        assert trial.ended(backend, "again").code == 0
    assert two.connections("one")


def test_job_of_more_machines_than_there_are_hosts_is_refused(two: Hosts, trial: Trial) -> None:
    with trial.backend() as backend, pytest.raises(MachineError, match=r"wide asks for 3 machines; .*hostfile names 2 hosts"):
        backend.submit(replace(trial.job("wide"), machines=3))


def test_hostfile_is_read_as_deepspeed_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "hostfile"
    path.write_text("# nodes\nworker-1 slots=4\n\nuser@10.0.0.2 slots=8  # slow\n")
    assert hosts(path) == {"worker-1": 4, "user@10.0.0.2": 8}


@pytest.mark.parametrize(("text", "words"), [
    ("", "names no host"),
    ("a slots=4\na slots=4\n", "hostfile:2 names a host twice: a slots=4"),
    ("a slots=none\n", "hostfile:1 is not `HOST slots=N`: a slots=none"),
    ("-oProxyCommand=x slots=1\n", "hostfile:1 is not `HOST slots=N`"),
])  # fmt: skip
def test_hostfile_that_is_none_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "hostfile"
    path.write_text(text)
    with pytest.raises(MachineError, match=words):
        hosts(path)


def test_hostfile_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cannot be read"):
        HostfileBackend(HostfileConfig(path=str(tmp_path / "none")))


def test_machine_without_ssh_says_so(two: Hosts, trial: Trial) -> None:
    config = HostfileConfig(path=str(two.folder / "hostfile"), ssh=(str(two.folder / "ssh"),))
    with pytest.raises(MachineError, match=r"cannot start .*ssh: No such file"):
        HostfileBackend(config).submit(trial.job("a"))


def test_hosts_tell_what_they_have_and_what_fits(two: Hosts) -> None:
    cpus = len(os.sched_getaffinity(0))
    wishes = [Wish("small"), Wish("timed", alone=True), Wish("large", cpus=cpus + 1), Wish("wide", machines=3)]
    outlook = two.backend().survey(wishes)
    assert [label for label, _ in outlook.has] == ["one", "two"]
    assert all(
        re.fullmatch(rf"[12] slots?, {cpus} cores of (cpu|cuda):.+, [\d.]+ of [\d.]+ GiB free, load [\d.]+", words)
        for _, words in outlook.has
    )
    assert [(fit.fits, fit.words, fit.field) for fit in outlook.fits] == [
        (True, "2 of 2 hosts are large enough", ("backend",)),
        (True, "2 of 2 hosts are large enough", ("backend",)),
        (False, f"asks for {cpus + 1} cores; the largest host has {cpus}", ("hardware", "cpus")),
        (False, "asks for 3 hosts with 1 cores; 2 of 2 are large enough", ("train", "machines")),
    ]


def test_a_host_that_does_not_answer_is_told_and_what_it_has_is_not_known(two: Hosts) -> None:
    (two.folder / "two.down").touch()
    outlook = two.backend().survey([Wish("small"), Wish("large", cpus=1 << 20), Wish("wide", machines=2)])
    assert dict(outlook.has)["two"] == "2 slots, does not answer: ssh: connect to host two port 22: No route to host"
    assert [(fit.fits, fit.words) for fit in outlook.fits] == [
        (True, "1 of 2 hosts is large enough"),
        (None, "1 of 2 hosts does not answer; the others are not enough"),
        (None, "1 of 2 hosts does not answer; the others are not enough"),
    ]


def test_speed_is_not_measured_on_hosts_of_another_device(two: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(census, "kind_here", lambda: "cuda:NVIDIA H200")
    slow, timed = two.backend().survey([Wish("small"), Wish("timed", alone=True)]).fits
    assert slow.fits is True
    assert timed.fits is False
    assert timed.words.startswith("measures the speed of cuda:NVIDIA H200; the hosts have cpu:")
    assert timed.field == ("backend", "with", "path")


def test_a_host_without_ryot_or_with_another_says_so(two: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = HostfileBackend(HostfileConfig(path=str(two.folder / "hostfile"), ssh=two.ssh, python="/nowhere/python"))
    said = dict(backend.survey([Wish("a")]).has)["one"]  # dash's words, or bash's
    assert re.search(r"does not answer: .*/nowhere/python: (not found|No such file or directory)", said)
    monkeypatch.setattr(census, "version", lambda _name: "9.9")
    assert re.search(r"; its ryot is \S+, here is 9.9$", dict(two.backend().survey([Wish("a")]).has)["one"])


def test_asking_without_ssh_says_so(two: Hosts) -> None:
    config = HostfileConfig(path=str(two.folder / "hostfile"), ssh=(str(two.folder / "ssh"),))
    with pytest.raises(MachineError, match=r"cannot start .*ssh: No such file"):
        HostfileBackend(config).survey([Wish("a")])
