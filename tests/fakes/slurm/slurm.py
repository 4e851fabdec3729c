"""A queue with SLURM's manners, for machines without it: sbatch, squeue, scancel, sinfo, sacct, srun and scontrol as far as ryot uses
them, on two nodes n1 and n2 that are this machine: `slurm.py serve`. `slurm.py down NODE` takes one away with all that runs there.
FAKE_SLURM names its folder. A step that srun has begun goes on without srun, and ends with its job."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(os.environ.get("FAKE_SLURM", "/nonexistent"))


@contextmanager
def jobs() -> Iterator[dict[str, dict]]:
    """What is known of every job, to be read and changed."""
    with (ROOT / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = ROOT / "jobs.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        yield known
        path.with_suffix(".part").write_text(json.dumps(known))
        path.with_suffix(".part").replace(path)


def options(argv: list[str]) -> dict[str, str]:
    """`--name=value` by name."""
    return {name.lstrip("-"): value for name, _, value in (word.partition("=") for word in argv if word.startswith("--"))}


def sbatch(argv: list[str]) -> None:
    """Put a job into the queue; refuse a partition that is not there."""
    asked = options(argv)
    if asked.get("partition", "all") != "all":
        sys.exit("sbatch: error: invalid partition specified: " + asked["partition"])
    if "test-only" in asked:
        test_only(asked)
        return
    if (ROOT / "full").exists():
        sys.exit("sbatch: error: " + (ROOT / "full").read_text())
    with jobs() as known:
        identity = str(100 + len(known))
        busy = [job["node"] for job in known.values() if job["state"] == "RUNNING"]
        down = {job["node"] for job in known.values() if job["state"] == "NODE_FAIL"}
        nodes = sorted({"n1", "n2"} - down, key=lambda name: (busy.count(name), name))[: int(asked["nodes"])]
        known[identity] = {"name": asked["job-name"], "state": "PENDING", "node": nodes[0], "argv": argv, "steps": []}
        # The submitter's environment goes with it, as --export=ALL asks.
        known[identity]["environ"] = dict(os.environ) | {"SLURM_JOB_ID": identity}
        known[identity]["environ"] |= {"SLURM_JOB_NODELIST": ",".join(nodes), "SLURMD_NODENAME": nodes[0]}
        (ROOT / f"{identity}.sh").write_text(sys.stdin.read())
    if (ROOT / "deaf").exists():  # as a controller that has too much to do: it takes the job when sbatch has given up
        sys.exit("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation")
    print(identity)


def test_only(asked: dict[str, str]) -> None:
    """Say when a job would start. Where no node has so many CPUs it is refused."""
    if "gpus" in asked:
        sys.exit("allocation failure: Invalid generic resource (gres) specification")
    if int(asked["cpus-per-task"]) > (os.cpu_count() or 1):
        sys.exit("allocation failure: Requested node configuration is not available")
    where = f"using {asked['cpus-per-task']} processors on nodes n1 in partition all"
    print(f"sbatch: Job 1 to start at 2026-11-28T17:30:00 {where}", file=sys.stderr)


def sinfo(argv: list[str]) -> None:
    """The two nodes in their one partition."""
    assert options(argv)["format"] == "%P|%N|%T|%c|%m|%G|%C|%l|%L"
    cpus = os.cpu_count() or 1
    with jobs() as known:
        for name in ("n1", "n2"):
            states = [job["state"] for job in known.values() if job["node"] == name]
            busy = min(states.count("RUNNING"), cpus)
            down = "NODE_FAIL" in states
            state, use = ("down*", f"0/0/{cpus}") if down else ("mixed" if busy else "idle", f"{busy}/{cpus - busy}/0")
            print("all*", name, state, cpus, 1, "(null)", f"{use}/{cpus}", "infinite", "n/a", sep="|")


def serve() -> None:
    """Be the nodes: start what is in the queue, for ever."""
    while True:
        with jobs() as known:
            waiting = [identity for identity, job in known.items() if job["state"] == "PENDING"]
            for identity in waiting:
                job = known[identity] | {"state": "RUNNING"}
                with Path(options(job["argv"])["output"]).open("ab") as log:
                    argv = ["sh", str(ROOT / f"{identity}.sh")]
                    script = subprocess.Popen(
                        argv, env=job["environ"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                    )
                known[identity] = job | {"pid": script.pid}
                threading.Thread(target=follow, args=(identity, script)).start()
        time.sleep(0.05)


def follow(identity: str, script: subprocess.Popen) -> None:
    """Say how a job ended."""
    code = script.wait()
    with jobs() as known:
        for step in filter(psutil.pid_exists, known[identity]["steps"]):
            for process in [psutil.Process(step), *psutil.Process(step).children(recursive=True)]:
                process.kill()
        state = known[identity]["state"]
        if state in ("COMPLETING", "RUNNING"):
            known[identity]["state"] = "CANCELLED" if state == "COMPLETING" else "FAILED" if code else "COMPLETED"


def squeue(argv: list[str]) -> None:
    """Every job there has been, in the format that is asked for."""
    asked = options(argv)
    if (ROOT / "deaf").exists():
        sys.exit("slurm_load_jobs error: Unable to contact slurm controller (connect failure)")
    if asked["format"] == "%P|%T":
        with jobs() as known:
            for job in known.values():
                if job["state"] in ("PENDING", "RUNNING"):
                    print("all", job["state"], sep="|")
        return
    with jobs() as known:
        for identity, job in known.items():
            has = {"%i": identity, "%T": job["state"], "%N": job["node"], "%j": job["name"]}
            print(*(has[field] for field in asked["format"].split("|")), sep="|")


def scancel(argv: list[str]) -> None:
    """Have jobs told to end."""
    with jobs() as known:
        for identity in argv:
            job = known[identity]
            if job["state"] == "PENDING":
                job["state"] = "CANCELLED"
            elif job["state"] == "RUNNING":
                job["state"] = "COMPLETING"
                os.kill(job["pid"], signal.SIGTERM)


def srun(argv: list[str]) -> None:
    """Run a step of the job that this is called in, on a node of it; its input and output are srun's, and its exit code."""
    command = next(word for word in argv if not word.startswith("--"))
    argv = argv[argv.index(command) :]
    with jobs() as known:
        step = subprocess.Popen(argv, start_new_session=True)
        known[os.environ["SLURM_JOB_ID"]]["steps"].append(step.pid)
    code = step.wait()
    sys.exit(code if code >= 0 else 128 - code)


def scontrol(argv: list[str]) -> None:
    """`--oneliner show hostnames LIST` and `show node LIST`."""
    _, _, what, listed = argv
    for node in listed.split(","):
        print(node if what == "hostnames" else f"NodeName={node} Arch=x86_64 NodeAddr=127.0.0.1 NodeHostName={node}")


def down(node: str) -> None:
    """Take a node away: all that runs there is gone at once."""
    with jobs() as known:
        for job in known.values():
            if job["node"] == node and job["state"] == "RUNNING":
                tree = [psutil.Process(job["pid"]), *psutil.Process(job["pid"]).children(recursive=True)]
                for process in tree:
                    process.suspend()  # so that none sees another's end
                for process in tree:
                    process.kill()
                job["state"] = "NODE_FAIL"


if __name__ == "__main__":
    verb = Path(sys.argv[0]).stem
    programs = {
        "sbatch": sbatch,
        "squeue": squeue,
        "scancel": scancel,
        "sinfo": sinfo,
        "sacct": lambda _: None,
        "srun": srun,
        "scontrol": scontrol,
    }
    programs.get(verb, lambda argv: globals()[argv[0]](*argv[1:]))(sys.argv[1:])
