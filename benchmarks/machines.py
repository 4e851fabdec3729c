"""Trains a tiny model on two machines of each backend that spreads jobs, and holds the weights against those of one machine.

Run it as `python benchmarks/machines.py [hostfile] [slurm] [ray]` from the repository, with the packages of its tests. All machines are
this one: hosts of a fake ssh; two nodes of SLURM's own daemons where it is installed and one may start it, else of the fake; two of Ray's.

same     Four updates of two ranks with a core each: the weights and the history have to be those of two ranks on one machine of two cores,
         byte for byte. Seconds are those from submitting the job to its end.
killed   In a long run the rank on the second machine is killed: the job fails, naming rank, machine, signal and update.
bereft   What holds the second machine's ranks is killed: the job is lost with its machine, and may be tried again.
orphaned The worker on the first machine is killed: the job fails, and nothing may be left on either.
cancel   A long run is cancelled, and when that returns nothing may be left.

After each, what still runs with the node's mark is counted; anything makes the script end with 1.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

from ryot.backends.hostfile import HostfileBackend, HostfileConfig
from ryot.backends.local import LocalBackend
from ryot.backends.ray import RayBackend, RayConfig
from ryot.backends.slurm import SlurmBackend, SlurmConfig
from ryot.plugins import Backend, Job, JobState, digest_path, processes
from ryot.stages.train.stage import Recipe, TrainConfig, TrainStage
from ryot.store.job import JobFile
from tests.backends.clusters import REAL, SSH, fake_slurm, ray_machines, real_slurm
from tests.stages.conftest import write_tokens
from tests.stages.train.conftest import SHAPES

SHORT, LONG = 4, 5000
PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where runs are made: a backend, on how many machines, and the folder of all its jobs."""

    backend: Backend
    machines: int
    folder: Path
    tokens: Path

    def submitted(self, name: str, steps: int) -> Job:
        """A training that is under way."""
        config = TrainConfig(model=SHAPES["gpt"], recipe=Recipe(batch_size=4, steps=steps, lr=3e-3, ranks=2, zero_stage=2))
        key, folder = secrets.token_hex(32), self.folder / name
        folder.mkdir(parents=True)
        events, file = folder.with_suffix(".events.jsonl"), folder.with_suffix(".json")
        told = JobFile(
            node=name, stage="train", key=key, folder=str(folder), events=str(events), payload={}, config=config.model_dump(mode="json"),
            plugin="ryot.stages.train.stage:TrainStage", plugin_folder=None, inputs={"tokens": str(self.tokens)}, services={},
            measures=TrainStage.measures, device="cpu:any x2", cpus=2 // self.machines, is_service=False, measures_speed=False,
        )  # fmt: skip
        file.write_text(told.model_dump_json())
        job = Job(name, file, folder, f"{key[:32]}.1", sys.executable, events, cpus=2 // self.machines, machines=self.machines)
        self.backend.submit(job)
        return job

    def until(self, there: Callable[[], object], job: Job) -> None:
        """Wait for something. Raises RuntimeError with the job's log where it does not come."""
        deadline = time.monotonic() + PATIENCE_S
        while not there():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{job.name} hangs; its log: {(job.folder / 'log.txt').read_text()[-2000:]}")
            self.backend.wait(0.2)

    def ended(self, job: Job) -> JobState:
        """A job's state at its end."""
        self.until(lambda: self.backend.poll(job.name).code is not None, job)
        state = self.backend.poll(job.name)
        self.backend.forget(job.name)
        return state


def same(place: Place) -> tuple[str, float]:
    """Digests of what a short run leaves, and its seconds."""
    begun = time.monotonic()
    job = place.submitted("same", SHORT)
    state = place.ended(job)
    if state.code != 0:
        raise RuntimeError(f"it ended with {state}: {(job.folder / 'log.txt').read_text()[-2000:]}")
    left(job)
    return " ".join(digest_path(job.folder / "out" / name)[:12] for name in ("model.safetensors", "history.json")), time.monotonic() - begun


def training(place: Place, name: str) -> Job:
    """A long run that has made its third update."""
    job = place.submitted(name, LONG)
    place.until(lambda: job.events.exists() and '"done": 3' in job.events.read_text(), job)
    return job


def failure(job: Job) -> str:
    """What a job left of its end, in words."""
    return str(json.loads((job.folder / "failure.json").read_text())["message"])


def killed(place: Place) -> None:
    """The rank on the second machine."""
    job = training(place, "killed")
    os.kill(int(json.loads((job.folder / "scratch" / "ranks" / "pace-1").read_text())["pid"]), signal.SIGKILL)
    state = place.ended(job)
    hold(state.code != 0 and not state.lost and "was killed by signal 9 at update" in failure(job), f"{state}: {failure(job)}")
    print(f"  killed  {failure(job)}; {left(job)}")


def bereft(place: Place) -> None:
    """What holds the second machine's ranks."""
    job = training(place, "bereft")
    only("ryot.agent", str(job.file), away(job)).kill()
    state = place.ended(job)
    hold(state.lost, f"{state}: {failure(job)}")
    print(f"  bereft  {state.why}; {left(job, within_s=10)}")


def orphaned(place: Place) -> None:
    """The worker."""
    job = training(place, "orphaned")
    only("ryot.worker", str(job.file)).kill()
    state = place.ended(job)
    hold(state.code != 0 and not state.lost, f"{state}")
    print(f"  orphaned  {state}; {left(job, within_s=60)}")


def only(*words: str) -> psutil.Process:
    """The process that was started as `python -P -m` and these words."""
    (found,) = [process for process in psutil.process_iter(["cmdline"]) if (process.info["cmdline"] or [])[1:] == ["-P", "-m", *words]]
    return found


def cancelled(place: Place) -> None:
    """All of it, by ryot."""
    job = training(place, "cancelled")
    begun = time.monotonic()
    place.backend.cancel(job.name, 10.0)
    print(f"  cancel  {time.monotonic() - begun:.1f} s; {left(job)}")
    place.backend.forget(job.name)


def away(job: Job) -> str:
    """The mark on the further machines."""
    node, _, attempt = job.mark.partition(".")
    return f"{node}~.{attempt}"


def left(job: Job, within_s: float = 0.0) -> str:
    """That nothing of a job runs any more. Raises RuntimeError."""
    deadline = time.monotonic() + within_s
    while found := [*processes.marked(job.mark), *processes.marked(away(job))]:
        hold(time.monotonic() < deadline, f"left of {job.name}: {[process.pid for process in found]}")
        time.sleep(0.1)
    return "nothing left"


def hold(truth: bool, words: str) -> None:
    """Raise RuntimeError with the words where they are true."""
    if not truth:
        raise RuntimeError(words)


@contextmanager
def hosts(folder: Path) -> Iterator[Backend]:
    """Two hosts that the fake ssh reaches."""
    folder.mkdir()
    (folder / "hostfile").write_text("127.0.0.1 slots=1\n127.0.0.2 slots=1\n")
    os.environ["FAKE_HOSTS"] = str(folder)
    yield HostfileBackend(HostfileConfig(path=str(folder / "hostfile"), ssh=(sys.executable, str(SSH), "-oBatchMode=yes")))


@contextmanager
def queue(folder: Path) -> Iterator[Backend]:
    """Two nodes of SLURM."""
    folder.mkdir()
    with (real_slurm if REAL else fake_slurm)(folder) as slurm:
        os.environ.update(slurm.environ)
        yield SlurmBackend(SlurmConfig(ask_every=0.5))


@contextmanager
def rays(folder: Path) -> Iterator[Backend]:
    """Two machines of Ray."""
    del folder
    with ray_machines() as cluster:
        yield RayBackend(RayConfig(address=cluster.address))


def main(names: list[str]) -> None:
    """All of it, on the backends named, by default on all."""
    kinds = {"hostfile": hosts, "slurm": queue, "ray": rays}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.environ["RYOT_RUNTIME_DIR"] = made
        tokens = write_tokens(folder / "tokens")
        expected, seconds = same(Place(LocalBackend(), 1, folder / "one", tokens))
        print(f"one machine   {expected}  {seconds:.1f} s", flush=True)
        for name in names or list(kinds):
            with kinds[name](folder / f"{name}-cluster") as backend, closing(backend):
                place = Place(backend, 2, folder / name, tokens)
                found, seconds = same(place)
                hold(found == expected, f"{name}: {found}")
                print(f"{name:12s}  {found}  {seconds:.1f} s", flush=True)
                for trial in (killed, bereft, orphaned, cancelled):
                    trial(place)
                    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
