"""The outpost of a SLURM job of several nodes: `python -P -m ryot.backends.slurm_nodes REQUEST.json`, on the first of them. Only here is it
known which they are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from ryot.backends import outpost
from ryot.plugins import Job, Machine, write_durable

_ADDRESS = re.compile(r"NodeName=(\S+).*? NodeAddr=(\S+)")


def main(argv: list[str]) -> int:
    """Name the machines in the request, and carry it out. Exit code: as an outpost's."""
    path = Path(argv[1])
    asked = json.loads(path.read_bytes())
    machines = machines_of(outpost.job_of(asked["job"]), os.environ)
    write_durable(path, json.dumps(asked | {"machines": list(map(asdict, machines))}))
    return outpost.main(argv)


def machines_of(job: Job, environ: Mapping[str, str]) -> tuple[Machine, ...]:
    """The nodes of the SLURM job that this process is in, its own first. Each other is reached by a step of the job, which ends with it."""
    listed, own = environ["SLURM_JOB_NODELIST"], environ["SLURMD_NODENAME"]
    addresses = dict(_ADDRESS.findall(_scontrol("node", listed)))
    names = _scontrol("hostnames", listed).split()
    step = ["--nodes=1", "--ntasks=1", "--overlap", f"--cpus-per-task={job.cpus}"]
    holds = {name: ("srun", f"--nodelist={name}", *step, *outpost.agent(job, sys.executable)) for name in names if name != own}
    return tuple(Machine(name, addresses[name], holds.get(name, ())) for name in [own, *holds])


def _scontrol(what: str, names: str) -> str:
    return subprocess.run(["scontrol", "--oneliner", "show", what, names], capture_output=True, text=True, check=True, timeout=120).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv))
