"""Runs what is not finished: a generator of events. The journal is written before each event is told.

Whatever ends the generator (its end, an error, an interrupt, the caller), no process it started is left.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field

from ryot import processes
from ryot.engine import events
from ryot.engine.damage import set_damaged_aside
from ryot.engine.jobs import Active, backend_job, events_file, heard, last_lines, unsaid, write_job
from ryot.engine.places import Places
from ryot.engine.survey import last_failure, survey
from ryot.plan.plan import Plan, PlannedNode
from ryot.plugins.backend import Backend, JobState
from ryot.plugins.discover import Plugin
from ryot.store.job import LOG, ServiceAt
from ryot.store.journal import Journal, Run
from ryot.store.store import Store

GRACE_S = 15.0
_TICK_S = 1.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an apply needs besides plan and store: where stages come from, which interpreter each has, how many cores there are.

    Where there is a `home`, servers and what asks them run there, and everything else away, on the backend: `at_once` nodes at most, each
    on a machine of its own. A node that is lost is tried again `retries` times."""

    plugins: Mapping[str, Plugin]
    cpus: int
    pythons: Mapping[str, str] = field(default_factory=dict)
    home: Backend | None = None
    at_once: int = 1
    retries: int = 2

    def at_home(self, node: PlannedNode) -> bool:
        """Whether a node runs beside this program."""
        return self.home is None or node.is_service or bool(node.services)


def apply(plan: Plan, store: Store, backend: Backend, around: Surroundings, run: Run) -> Generator[events.Event, None, None]:
    """Run every node that has to run, telling what happens. Failed nodes leave `Failed`, what needs them `Skipped`."""
    with closing(Journal(run.folder)) as journal:
        journal.write({"event": "began", "pid": os.getpid(), "birth": processes.birth(os.getpid()), "host": socket.gethostname()})
        try:
            for event in _Schedule(plan, store, backend, around, run).run():
                if not isinstance(event, events.Progress):
                    journal.write(events.as_json(event))
                yield event
        except BaseException as error:
            journal.write({"event": "interrupted", "by": type(error).__name__})
            raise
        journal.write({"event": "ended"})


class _Schedule:
    """Which node may start when. One object lives as long as one apply."""

    def __init__(self, plan: Plan, store: Store, backend: Backend, around: Surroundings, journaled: Run) -> None:
        self.plan, self.store, self.around, self.journaled = plan, store, around, journaled
        self.places = Places(backend, around.home)
        self.waiting: list[PlannedNode] = []
        self.active: dict[str, Active] = {}
        self.up: dict[str, ServiceAt] = {}
        self.failed: dict[str, str] = {}
        self.tries_left: dict[str, int] = {}

    def run(self) -> Iterator[events.Event]:
        yield from set_damaged_aside(self.plan, self.store)
        states = survey(self.plan, self.store)
        self.waiting = [node for node in self.plan.nodes if states[node.name].state != "cached" and not node.is_service]
        try:
            while self.waiting or self._working():
                yield from self._skip_hopeless()
                yield from self._stop_unneeded()
                yield from self._start()
                if self.active:
                    for name in self.places.wait(_TICK_S):
                        yield from self._look(name)
            yield from self._stop_unneeded()
        finally:
            self.places.close()

    def _working(self) -> list[Active]:
        return [active for active in self.active.values() if not active.node.is_service]

    def _skip_hopeless(self) -> Iterator[events.Event]:
        """Give up on the nodes that need a failed one, or come after it."""
        for node in list(self.waiting):
            needed = self._needs(node)
            broken = [name for name in (*needed, *node.after) if name in self.failed]
            if broken:
                self.waiting.remove(node)
                skipped = events.Skipped(node.name, broken[0], ordered=broken[0] not in needed)
                self.failed[node.name] = skipped.words
                yield skipped

    def _start(self) -> Iterator[events.Event]:
        for node in list(self.waiting):
            if not self._inputs_there(node):
                continue
            missing = [other for name in self._needs(node) if (other := self.plan.node(name)).is_service and name not in self.up]
            if missing and self._may_start(missing[0]):
                yield from self._submit(missing[0])
            elif not missing and self._may_start(node):
                self.waiting.remove(node)
                yield from self._submit(node)

    def _inputs_there(self, node: PlannedNode) -> bool:
        unfinished = {other.name for other in self.waiting} | {active.node.name for active in self._working()}
        return not any(name in unfinished for name in (*self._needs(node), *node.after))

    def _needs(self, node: PlannedNode) -> list[str]:
        """What a node needs itself and through its services; what a service needs stands before it."""
        below = [name for service in node.services.values() for name in (*self._needs(self.plan.node(service)), service)]
        return [*node.inputs.values(), *below]

    def _may_start(self, node: PlannedNode) -> bool:
        """Whether the machine has room for a node beside what is running on it."""
        if node.name in self.active:
            return False
        if not self.around.at_home(node):
            return sum(not self.around.at_home(active.node) for active in self._working()) < self.around.at_once
        coming_up = [active.node for active in self.active.values() if active.node.name not in self.up and active.node.is_service]
        working = [active.node for active in self._working() if self.around.at_home(active.node)] + coming_up
        if not working:
            return not (node.measures_speed and self._idle_services(node))
        if node.is_service or node.measures_speed or any(other.measures_speed or other.is_service for other in working):
            return False
        return sum(self._cpus(other) for other in [*working, node]) <= self.around.cpus

    def _cpus(self, node: PlannedNode) -> int:
        return node.cpus or self.around.cpus

    def _idle_services(self, node: PlannedNode) -> list[str]:
        return [name for name in self.up if name not in self._needs(node)]

    def _stop_unneeded(self) -> Iterator[events.Event]:
        """Stop the services that nothing needs any more, or that would disturb the next node, which measures speed."""
        needed = {name for node in [*self.waiting, *(active.node for active in self._working())] for name in self._needs(node)}
        following = self.waiting[0] if self.waiting and not self._working() else None
        disturbing = self._idle_services(following) if following and following.measures_speed else []
        for name in [name for name in reversed(self.up) if name not in needed or name in disturbing]:
            del self.up[name], self.active[name]
            self.places.end(name, GRACE_S)
            yield events.Stopped(name)

    def _submit(self, node: PlannedNode) -> Iterator[events.Event]:
        folder = self.store.folder(node.stage, node.key)
        folder.mkdir(parents=True, exist_ok=True)
        plugin = self.around.plugins[node.stage]
        file = write_job(self.plan, node, plugin, self.store, self.journaled, services=self.up, cpus=self.around.cpus)
        told = events_file(self.journaled, node.name)
        self.active[node.name] = Active(node, told, told.stat().st_size if told.exists() else 0)
        yield events.Started(node.name, node.is_service)
        python = self.around.pythons.get(node.stage, sys.executable)
        job = backend_job(node, self.store, self.journaled, file, python, self.around.cpus)
        self.places.submit(job, home=self.around.at_home(node))

    def _look(self, name: str) -> Iterator[events.Event]:
        """Tell what a job said, and what became of it if it ended."""
        active = self.active.get(name)
        if active is None:
            return
        state = self.places.poll(name)
        for said in active.news():
            event = heard(active.node, said)
            if isinstance(event, events.Ready):
                self.up[name] = ServiceAt(url=event.url, model=said["model"], info=said["info"])
            if event is not None:
                yield event
        if state.code is not None:
            yield from self._ended(active.node, state)

    def _ended(self, node: PlannedNode, state: JobState) -> Iterator[events.Event]:
        self.places.forget(node.name)
        del self.active[node.name]
        self.up.pop(node.name, None)
        record = self.store.record(node.stage, node.key)
        if record and not node.is_service:
            yield events.Finished(node.name, record.seconds)
            return
        left = self.tries_left.setdefault(node.name, self.around.retries)
        if state.lost and left and not node.is_service:
            self.tries_left[node.name] -= 1
            self.waiting.insert(0, node)
            yield events.Lost(node.name, state.why, left - 1)
            return
        failure = (None if state.lost else last_failure(self.store, node)) or unsaid(state, self.store.folder(node.stage, node.key))
        self.failed[node.name] = failure.message
        log = self.store.folder(node.stage, node.key) / LOG
        yield events.Failed(node.name, failure.message, failure.hint, str(log), last_lines(log), failure.kind)
        if node.is_service:
            yield from self._end_users(node.name)

    def _end_users(self, service: str) -> Iterator[events.Event]:
        """End the nodes that were talking to a service that is gone."""
        for active in [active for active in self._working() if service in self._needs(active.node)]:
            node = active.node
            self.places.end(node.name, GRACE_S)
            del self.active[node.name]
            record = self.store.record(node.stage, node.key)
            if record:
                yield events.Finished(node.name, record.seconds)
                continue
            self.failed[node.name] = f"its service {service} ended"
            yield events.Skipped(node.name, service)
