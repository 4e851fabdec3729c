"""What an outpost does with the request it is sent."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from ryot.backends.local import LocalBackend
from ryot.backends.outpost import request
from ryot.backends.watch import Ended, ended
from ryot.plugins import kind_here, processes
from ryot.plugins.backend_checks import Trial
from tests.test_processes import until


def sent(asked: dict[str, object], folder: Path) -> Ended | None:
    """How a job ended that an outpost was asked to run."""
    (folder / "request.json").write_text(json.dumps(asked))
    subprocess.run([sys.executable, "-P", "-m", "ryot.backends.outpost", str(folder / "request.json")], check=False, timeout=60)
    return ended(folder / "ended.json")


def test_what_measures_speed_is_refused_on_another_device(tmp_path: Path) -> None:
    job = replace(Trial(LocalBackend, tmp_path / "jobs", 60.0).job("fast"), alone=True)
    asked = json.loads(request(job, tmp_path / "ended.json", tmp_path)) | {"device": "NVIDIA H200"}
    left = sent(asked, tmp_path)
    assert left is not None
    assert left.code == 3
    assert left.why.startswith("it measures the speed of NVIDIA H200, as the plan says, and ")
    assert left.why.endswith(kind_here())
    assert not (job.folder / "record.json").exists()


def test_what_measures_no_speed_runs_on_any_device(tmp_path: Path) -> None:
    job = Trial(LocalBackend, tmp_path / "jobs", 60.0).job("any")
    asked = json.loads(request(job, tmp_path / "ended.json", tmp_path)) | {"device": "NVIDIA H200"}
    assert sent(asked, tmp_path) == Ended(0, False, "", "")
    assert (job.folder / "record.json").exists()


def test_two_signals_at_once_end_a_job_as_one_does(tmp_path: Path) -> None:
    """As those of a session's end do."""
    job = Trial(LocalBackend, tmp_path / "jobs", 60.0).job("stubborn", does="stubborn")
    (tmp_path / "request.json").write_text(request(job, tmp_path / "ended.json", tmp_path))
    outpost = subprocess.Popen([sys.executable, "-P", "-m", "ryot.backends.outpost", str(tmp_path / "request.json")])
    assert until(lambda: job.events.exists() and job.events.stat().st_size > 0, 60)
    outpost.send_signal(signal.SIGSTOP)  # so that both are there before either is acted upon
    for number in (signal.SIGTERM, signal.SIGHUP):
        outpost.send_signal(number)
    outpost.send_signal(signal.SIGCONT)
    assert outpost.wait(60) == 143
    left = ended(tmp_path / "ended.json")
    assert left is not None
    assert (left.code, left.told) == (143, True)
    assert not processes.marked(job.mark)


def test_variables_of_a_place_are_not_carried_to_another() -> None:
    here = {
        "PATH": "/bin",
        "RYOT_API_KEY": "k",
        "SLURM_JOB_ID": "1",
        "XDG_RUNTIME_DIR": "/run/user/0",
        "CUDA_VISIBLE_DEVICES": "1",
        "TMPDIR": "/t",
    }
    assert processes.carried(here) == {"PATH": "/bin", "RYOT_API_KEY": "k"}
