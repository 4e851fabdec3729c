"""Jobs on a Ray cluster. A detached actor holds each, where Ray places it, and is named after the node that it runs: it goes on when this
program dies, and the next one finds it. It holds an outpost by its standard input, which ends with it. Ray is imported when it is used."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from ryot.backends.outpost import agent, request
from ryot.backends.ray_place import NAMESPACE, could_not_begin, gone
from ryot.backends.watch import Watch, ended, ending, follow_on, title_of
from ryot.plugins import Fit, Job, JobState, MachineError, Outlook, StageConfig, Wish, look_again, processes, write_durable

NOTE = "ray.json"
_HINT = "start one with `ray start --head`, or name its head: `backend: {use: ray, with: {address: host:6379}}`"
_END_S = 30.0
"""How long an outpost may take to end a tree, beyond the grace it is given."""


class RayConfig(StageConfig):
    """Which cluster, and what is asked of it for each node, beside its cores."""

    address: str = "auto"
    """Where its head is, `host:port`; `auto` takes RAY_ADDRESS or the one on this machine."""
    gpus: float = Field(0, ge=0)
    resources: dict[str, float] = {}
    """Ray's own resources, by name: `{accelerator_type:H100: 0.001}`."""
    python: str | None = None
    """The interpreter on its nodes; by default this one's path."""


@dataclass(slots=True)
class _Held:
    job: Job
    actor: Any
    over: Any
    """Ray's promise of the outpost's exit code."""
    ending: Path
    group: str = ""
    """The name of the placement group, where the job has several machines."""
    lost: str = ""
    """Why its actor is no more."""
    unfit: bool = False
    """Whether that could not even begin."""
    cancelled: bool = False


class RayBackend:
    """Jobs on a Ray cluster."""

    name: ClassVar[str] = "ray"
    spreads: ClassVar[bool] = True
    Config: ClassVar[type[StageConfig]] = RayConfig

    def __init__(self, config: RayConfig) -> None:
        """Join the cluster. Raises MachineError where Ray is not installed, or no cluster answers."""
        self._config = config
        self._held: dict[str, _Held] = {}
        self._watch = Watch()
        try:
            self._ray: Any = importlib.import_module("ray")
        except ModuleNotFoundError:
            raise MachineError("the package ray is not installed", hint="pip install 'ryot[ray]', or use --backend local") from None
        self._joined = not self._ray.is_initialized()
        if self._joined:
            self._join()

    def submit(self, job: Job) -> None:
        """Take up the actor that is there for this node, or make one. Raises MachineError where no machine is large enough."""
        title = title_of(job)
        held = self._found(job, title) or self._made(job, title)
        self._watch.add(job)
        self._held[job.name] = held

    def wait(self, timeout_s: float) -> Collection[str]:
        """Wait for an event or an end, at most `timeout_s` seconds."""
        return self._watch.wait(timeout_s, self._over)

    def poll(self, name: str) -> JobState:
        """What the job left of its end, or that its actor is no more."""
        held = self._held[name]
        left = ended(held.ending)
        if left and (held.cancelled or not left.told):
            return left.state
        if held.lost:
            return JobState(left.code if left else 1, held.lost, lost=not (held.cancelled or held.unfit))
        return JobState(None)

    def cancel(self, name: str, grace_s: float) -> None:
        """Have the outpost end its tree, and wait until it has; then end the actor."""
        self._tell_to_end([name])
        self._end(name, grace_s)

    def forget(self, name: str) -> None:
        """Drop an ended job, and its actor."""
        held = self._held.pop(name)
        self._watch.drop(name)
        self._ray.kill(held.actor)
        self._give_back(held.group)

    def close(self) -> None:
        """End every job, and leave the cluster."""
        self._tell_to_end(list(self._held))
        for name in list(self._held):
            self._end(name, 0.0)
            self.forget(name)
        if self._joined:
            self._ray.shutdown()

    def survey(self, wishes: Sequence[Wish]) -> Outlook:
        """The cluster's resources, in all and available; and of each wish on how many machines it fits. Raises MachineError where the
        cluster does not answer."""
        try:
            machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
            total, free = self._ray.cluster_resources(), self._ray.available_resources()
        except (self._ray.exceptions.RayError, ConnectionError, TimeoutError) as error:
            raise MachineError(f"the Ray cluster does not answer: {error}", hint=_HINT) from error
        kinds = sorted(name for name in total if not name.startswith(("node:", "object_store_memory")))
        has = [("machines", str(len(machines)))]
        has += [(name, f"{_amount(name, total[name])}: {_amount(name, free.get(name, 0.0))} available") for name in kinds]
        return Outlook(tuple(has), tuple(self._foretold(wish, machines) for wish in wishes))

    def _foretold(self, wish: Wish, machines: Sequence[Mapping[str, float]]) -> Fit:
        asked = {"CPU": float(wish.cpus), "GPU": self._config.gpus, **self._config.resources}
        asked = {name: amount for name, amount in asked.items() if amount}
        able = sum(all(machine.get(name, 0.0) >= amount for name, amount in asked.items()) for machine in machines)
        if 0 < able < wish.machines:
            words = f"asks for {wish.machines} machines with {wish.cpus} cores; {able} of {len(machines)} machines are large enough"
            return Fit(wish.node, False, words, "ask for fewer with train.machines, or add machines", ("train", "machines"))
        if able:
            return Fit(wish.node, True, f"{able} of {len(machines)} machines {'is' if able == 1 else 'are'} large enough")
        most = {name: max((machine.get(name, 0.0) for machine in machines), default=0.0) for name in asked}
        short = [name for name in asked if most[name] < asked[name]] or list(asked)
        words = " and ".join(f"{asked[name]:g} {name} (the most that one machine has: {most[name]:g})" for name in short)
        field = {"CPU": ("hardware", "cpus"), "GPU": ("backend", "with", "gpus")}.get(short[0], ("backend", "with", "resources"))
        return Fit(wish.node, False, f"asks for {words}", f"ask for less with {'.'.join(field)}, or add larger machines", field)

    def _join(self) -> None:
        self._refuse_silent()
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._ray.init(self._config.address, namespace=NAMESPACE, log_to_driver=False, logging_level="error")
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise MachineError(f"no Ray cluster answers at {self._config.address}: {error}", hint=_HINT) from error
        for number, handler in handlers.items():
            signal.signal(number, handler)  # Ray puts its own in their place

    def _refuse_silent(self) -> None:
        """Raise MachineError where nothing listens at a head that is named: Ray would try for minutes."""
        address = self._config.address if self._config.address != "auto" else os.environ.get("RAY_ADDRESS", "auto")
        host, _, port = address.rpartition(":")
        if host and port.isdigit() and "/" not in host:
            try:
                socket.create_connection((host, int(port)), timeout=10.0).close()
            except OSError as error:
                raise MachineError(f"no Ray cluster answers at {address}: {error}", hint=_HINT) from None

    def _made(self, job: Job, title: str) -> _Held:
        self._refuse_too_large(job)
        last, group = ending(job), f"{title}.{job.mark.rpartition('.')[2]}" if job.machines > 1 else ""
        write_durable(job.folder / NOTE, json.dumps({"ending": str(last), "events": str(job.events), "group": group}))
        options: dict[str, Any] = {
            "name": title, "namespace": NAMESPACE, "lifetime": "detached", "max_restarts": 0, "max_concurrency": 8,
            "num_cpus": job.cpus, "num_gpus": self._config.gpus, "resources": self._config.resources or None,
        }  # fmt: skip
        if group:
            options["scheduling_strategy"] = self._spread(job, group)
        python = self._config.python or sys.executable
        argv = [python, "-P", "-m", "ryot.backends.outpost"]
        hold = [python, "-P", "-m", "ryot.backends.ray_place", group, str(self._config.gpus), *agent(job, python)] if group else []
        made = _holder(self._ray).options(**options)
        actor = made.remote(argv, request(job, last, Path.cwd()), processes.carried(os.environ), str(job.folder / "log.txt"), hold)
        return _Held(job, actor, actor.over.remote(), last, group)

    def _spread(self, job: Job, name: str) -> Any:
        """The first place of a group that Ray finds on as many machines, all at once."""
        place = {"CPU": job.cpus, "GPU": self._config.gpus, **self._config.resources}
        places = [{what: count for what, count in place.items() if count}] * job.machines
        group = self._ray.util.placement_group(places, strategy="STRICT_SPREAD", name=name, lifetime="detached")
        return self._ray.util.scheduling_strategies.PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=0)

    def _refuse_too_large(self, job: Job) -> None:
        """An actor that fits no machine would wait for one for ever."""
        cores = [node["Resources"].get("CPU", 0) for node in self._ray.nodes() if node["Alive"]]
        most = max(cores, default=0)
        hint = "hardware.cpus of the spec says how many a node takes that asks for all"
        if job.cpus > most:
            raise MachineError(f"{job.name} asks for {job.cpus} cores; the largest machine of the Ray cluster has {most:g}", hint=hint)
        if (large := sum(count >= job.cpus for count in cores)) < job.machines:
            raise MachineError(f"{job.name} asks for {job.machines} machines with {job.cpus} cores; the Ray cluster has {large}", hint=hint)

    def _found(self, job: Job, title: str) -> _Held | None:
        """The actor of an earlier program that runs this node."""
        note = job.folder / NOTE
        if not note.exists():
            return None
        known = json.loads(note.read_bytes())
        last = Path(known["ending"])
        try:
            actor = self._ray.get_actor(title, namespace=NAMESPACE)
        except ValueError:
            self._give_back(known.get("group", ""))
            return None
        if last.exists():
            self._ray.kill(actor)  # it is over, and nobody saw it end
            self._give_back(known.get("group", ""))
            self._until_free(title)
            return None
        follow_on(Path(known["events"]), job)
        return _Held(job, actor, actor.over.remote(), last, known.get("group", ""))

    def _give_back(self, group: str) -> None:
        """Let the places of a group go, if there is one of that name and it was not given back yet."""
        if group:
            with contextlib.suppress(ValueError):
                self._ray.util.remove_placement_group(self._ray.util.get_placement_group(group))

    def _until_free(self, title: str) -> None:
        deadline = time.monotonic() + _END_S
        while time.monotonic() < deadline:
            try:
                self._ray.get_actor(title, namespace=NAMESPACE)
            except ValueError:
                return
            time.sleep(0.05)  # Ray tells of no actor's end but to those who wait for an answer of it

    def _over(self) -> Collection[str]:
        """The jobs that have ended. Learns of actors that are no more."""
        by_promise = {held.over: held for held in self._held.values() if not held.lost}
        if by_promise:
            done, _ = self._ray.wait(list(by_promise), num_returns=len(by_promise), timeout=0)
            for promise in done:
                self._learn(by_promise[promise])
        return [name for name in self._held if self.poll(name).code is not None]

    def _learn(self, held: _Held) -> None:
        """Why an actor is no more, or that its outpost ended: without a word, or with its machine's, if it was not told to by us."""
        try:
            code = self._ray.get(held.over)
            look_again(held.ending.parent)
            held.lost = f"its outpost ended with exit code {code} and left no word"
        except self._ray.exceptions.ActorUnavailableError:
            held.over = held.actor.over.remote()  # for now: whether it died is told to who asks again
        except self._ray.exceptions.RayError as error:
            held.lost, held.unfit = gone(error), could_not_begin(error)

    def _tell_to_end(self, names: Sequence[str]) -> None:
        for name in names:
            held = self._held[name]
            if self.poll(name).code is None:
                held.actor.stop.remote()
            held.cancelled = True

    def _end(self, name: str, grace_s: float) -> None:
        held = self._held[name]
        if held.lost or ended(held.ending):
            return
        started, _ = self._ray.wait([held.actor.started.remote()], timeout=grace_s + 5.0)
        if started:
            self._ray.wait([held.over], timeout=grace_s + _END_S)
        self._ray.kill(held.actor)
        held.lost = "it was cancelled"


def _amount(name: str, amount: float) -> str:
    return f"{amount / 2**30:.1f} GiB" if name == "memory" else f"{amount:g}"


def _holder(ray: Any) -> Any:
    """The class of actors. Ray sends it by value, so nothing of ryot need be importable in its workers."""

    class Holder:
        """Starts an outpost, and holds it by its standard input."""

        def __init__(self, argv: Sequence[str], asked: str, environ: Mapping[str, str], log: str, hold: Sequence[str] = ()) -> None:
            """`hold` is the command that holds an agent in another place of the group, but for the cluster's address and the place."""
            if hold:
                asked = json.dumps(json.loads(asked) | {"machines": self._machines(hold)})
            # Ray sets the number of threads for its actors; here the stage sets it.
            own = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
            with Path(log).open("ab") as file:
                self._outpost = subprocess.Popen(
                    argv, env={**own, **environ}, stdin=subprocess.PIPE, stdout=file, stderr=file, start_new_session=True
                )
            assert self._outpost.stdin
            self._outpost.stdin.write(asked.encode() + b"\n")
            self._outpost.stdin.flush()

        def _machines(self, hold: Sequence[str]) -> list[dict[str, Any]]:
            """The machines of this group's places, this one first; Ray knows only now which they are."""
            places = ray.util.placement_group_table(ray.util.get_current_placement_group())["bundles_to_node_id"]
            addresses = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes()}
            head = ray.get_runtime_context().gcs_address
            holds = [[], *([*hold[:4], head, str(place), *hold[4:]] for place in range(1, len(places)))]
            nodes = [places[place] for place in range(len(places))]
            return [
                {"name": f"{addresses[node]} ({node[:8]})", "address": addresses[node], "hold": held}
                for node, held in zip(nodes, holds, strict=True)
            ]

        def started(self) -> None:
            """Answers once it is there."""

        def over(self) -> int:
            """The outpost's exit code, when it has ended."""
            return self._outpost.wait()

        def stop(self) -> None:
            """Have it end."""
            assert self._outpost.stdin
            self._outpost.stdin.close()

    return ray.remote(Holder)
