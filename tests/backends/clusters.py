"""Clusters to test on, of two machines that are this one: SLURM where it is installed and one may start it, else a fake with its manners;
and Ray."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ryot.backends.hostfile import HostfileBackend, HostfileConfig
from tests.ray_cluster import add_machine, kill_machines, ray_cluster, until_known_dead

FAKE = Path(__file__).parent.parent / "fakes" / "slurm" / "slurm.py"
SSH = FAKE.parent.parent / "ssh.py"
REAL = os.getuid() == 0 and all(map(shutil.which, ("slurmctld", "slurmd", "munged", "sbatch")))
_CONF = """
ClusterName=ryot
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/ctl
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/ctl.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/ctl.log
SlurmdLogFile={folder}/%n.log
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
NodeName=n1 NodeAddr=127.0.0.1 Port={ports[1]} CPUs={cpus}
NodeName=n2 NodeAddr=127.0.0.1 Port={ports[2]} CPUs={cpus}
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True, slots=True)
class Slurm:
    """A queue: what has to be in the environment to use it, how one of its nodes is taken away, and how its controller is kept from
    answering, and lets it answer again."""

    environ: dict[str, str]
    down: list[str]
    deafen: Callable[[], object]
    undeafen: Callable[[], object]

    def take_away_what_runs(self, only: str = "") -> None:
        """Take away every node that runs something, or one that runs a job whose name begins so."""
        environ = dict(os.environ) | self.environ
        asked = ["squeue", "--noheader", f"--user={os.getuid()}", "--states=all", f"--format=%{'j' if only else 'i'}|%T|%N"]
        listed = subprocess.run(asked, check=True, env=environ, capture_output=True, text=True).stdout.splitlines()
        jobs = [line.split("|") for line in listed]
        nodes = {node for job, state, node in jobs if state == "RUNNING" and job.startswith(only)}
        for node in sorted(nodes)[: 1 if only else None]:
            subprocess.run([word.format(node=node) for word in self.down], check=True, env=environ, capture_output=True)


@contextmanager
def fake_slurm(folder: Path) -> Iterator[Slurm]:
    """The fake."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for name in ("sbatch", "squeue", "scancel", "sinfo", "sacct", "srun", "scontrol"):
        (programs / f"{name}.py").symlink_to(FAKE)
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {programs / name}.py "$@"\n')
        (programs / name).chmod(0o755)
    environ = {"FAKE_SLURM": str(folder), "PATH": f"{programs}:{os.environ['PATH']}"}
    nodes = subprocess.Popen([sys.executable, str(FAKE), "serve"], env=dict(os.environ) | environ)
    try:
        deaf = folder / "deaf"
        yield Slurm(environ, [sys.executable, str(FAKE), "down", "{node}"], deaf.touch, deaf.unlink)
    finally:
        nodes.kill()
        nodes.wait()


@contextmanager
def real_slurm(folder: Path) -> Iterator[Slurm]:
    """SLURM's own daemons."""
    folder.chmod(0o755)
    for name in ("ctl", "n1", "n2"):
        (folder / name).mkdir()
    conf = folder / "slurm.conf"
    conf.write_text(_CONF.format(host=socket.gethostname(), ports=_free_ports(3), folder=folder, cpus=os.cpu_count()))
    environ = {"SLURM_CONF": str(conf)}
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    munged = ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", f"--key-file={key}", f"--pid-file={folder}/munge.pid",
              f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed"]  # fmt: skip
    daemons = [munged, ["slurmctld", "-D", "-c"], ["slurmd", "-D", "-N", "n1"], ["slurmd", "-D", "-N", "n2"]]
    started = []
    try:
        for argv in daemons:
            with (folder / "out.log").open("ab") as log:
                started.append(subprocess.Popen(argv, env=dict(os.environ) | environ, stdout=log, stderr=log))
            if argv is munged:
                _until((folder / "munge.socket").exists, "munged")
        _until(lambda: _idle(environ) == 2, "SLURM", 60)
        controller = psutil.Process(started[1].pid)
        yield Slurm(environ, ["scontrol", "update", "nodename={node}", "state=down", "reason=test"], controller.suspend, controller.resume)
    finally:
        for daemon in reversed(started):
            below = psutil.Process(daemon.pid).children(recursive=True) if daemon.poll() is None else []
            daemon.terminate()
            daemon.wait(30)
            psutil.wait_procs(below, 10)


def _idle(environ: dict[str, str]) -> int:
    done = subprocess.run(
        ["sinfo", "-h", "-N", "-t", "idle", "-o", "%N"], env=dict(os.environ) | environ, capture_output=True, text=True, check=False
    )
    return len(done.stdout.split())


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _until(there: object, what: str, patience_s: float = 20) -> None:
    deadline = time.monotonic() + patience_s
    while not there():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"{what} does not come up"
        time.sleep(0.1)


class Ray:
    """A Ray cluster: a head that computes nothing, and two machines with two cores each."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self._machines: list[Any] = []
        self.address: str = cluster.address
        self.add_machines()

    def add_machines(self) -> None:
        """Put two machines there."""
        self._machines += [add_machine(self._cluster, 2) for _ in range(2)]

    def take_away_one(self, doing: str) -> None:
        """Kill a machine below which a process has such a word in its command line."""
        for machine in self._machines:
            raylet = machine.all_processes["raylet"][0].process.pid
            if any(doing in " ".join(process.cmdline()) for process in psutil.Process(raylet).children(recursive=True)):
                kill_machines(self._cluster, [machine])
                self._machines.remove(machine)
                until_known_dead(self._cluster, [machine])
                return
        raise LookupError(f"no machine runs {doing}")

    def take_away_machines(self) -> None:
        """Kill all machines, with what runs there, and put others in their place; the cluster knows when this returns."""
        killed, self._machines = self._machines, []
        kill_machines(self._cluster, killed)
        self.add_machines()
        until_known_dead(self._cluster, killed)


@contextmanager
def ray_machines() -> Iterator[Ray]:
    """Ray's own daemons."""
    with ray_cluster(0) as cluster:
        yield Ray(cluster)


class Hosts:
    """Two hosts of a hostfile, `one` with one slot and `two` with two, that a fake ssh reaches on this machine."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "hostfile").write_text("one slots=1\ntwo slots=2\n")
        self.folder = folder
        self.ssh = (sys.executable, str(SSH), "-oBatchMode=yes")

    def backend(self) -> HostfileBackend:
        """The backend of these hosts."""
        return HostfileBackend(HostfileConfig(path=str(self.folder / "hostfile"), ssh=self.ssh))

    def connections(self, host: str) -> list[int]:
        """The commands that were started on a host, by their process's number."""
        return [int(path.suffix[1:]) for path in self.folder.glob(f"{host}.[0-9]*")]

    def take_away(self, host: str) -> None:
        """Cut a host off, with the end of all that runs there."""
        (self.folder / f"{host}.down").touch()
        for pid in filter(psutil.pid_exists, self.connections(host)):
            tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
            for process in tree:
                process.suspend()  # so that none sees another's end
            for process in tree:
                process.kill()
