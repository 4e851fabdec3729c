"""Runs what is not finished: a generator of events. The journal is written before each event is told.

Whatever ends the generator (its end, an error, an interrupt, the caller), no process it started is left.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ryot import files, processes
from ryot.engine import events
from ryot.engine.damage import let_scratch_go, set_damaged_aside
from ryot.engine.jobs import Active, backend_job, events_file, heard, last_lines, unsaid, word_of_failure, write_job
from ryot.engine.places import Places
from ryot.engine.sharing import Sharer, Sharing
from ryot.engine.survey import last_failure, survey
from ryot.engine.waiting import Waiting
from ryot.files import make_folder
from ryot.machine import machine
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
    on a machine of its own. A node that is lost is tried again `retries` times. A `sharer` shares what is finished."""

    plugins: Mapping[str, Plugin]
    cpus: int
    pythons: Mapping[str, str] = field(default_factory=dict)
    home: Backend | None = None
    at_once: int = 1
    retries: int = 2
    sharer: Sharer | None = None

    def at_home(self, node: PlannedNode) -> bool:
        """Whether a node runs beside this program."""
        return self.home is None or node.is_service or bool(node.services)


def apply(
    plan: Plan, store: Store, backend: Backend, around: Surroundings, run: Run, *, until_conclusive: bool = False
) -> Generator[events.Event, None, None]:
    """Run every node that has to run, telling what happens. Failed nodes leave `Failed`, what needs them `Skipped`. Where no node failed,
    and `until_conclusive`, nodes of which several looks were promised are given further rounds as long as a target needs them; the run's
    plan is then written anew with these."""
    journal = Journal(run.folder)
    who = {"pid": os.getpid(), "birth": processes.birth(os.getpid()), "host": socket.gethostname(), "machine": machine()}
    journal.write({"event": "began", **who})
    try:
        schedule = _Schedule(plan, store, backend, around, run)
        for event in schedule.until_conclusive() if until_conclusive else schedule.run():
            if not isinstance(event, events.Progress):
                # Where a start is lost with the machine, so is what was started; to sync it would delay every node.
                journal.write(events.as_json(event), durable=not isinstance(event, events.Started))
            yield event
    except BaseException as error:
        journal.write({"event": "interrupted", "by": type(error).__name__})
        raise
    journal.write({"event": "ended"})


class _Schedule:
    """Which node may start when. One object lives as long as one apply. Of thousands of nodes none makes it look at all others."""

    def __init__(self, plan: Plan, store: Store, backend: Backend, around: Surroundings, journaled: Run) -> None:
        self.plan, self.store, self.around, self.journaled = plan, store, around, journaled
        self.places = Places(backend, around.home)
        self.needs: dict[str, list[str]] = {}
        self.waiting = Waiting(plan, {}, ())
        self.active: dict[str, Active] = {}
        self.up: dict[str, ServiceAt] = {}
        self.failed: dict[str, str] = {}
        self.looked_at = 0
        """So many of the failed were looked at by `_skip_hopeless`."""
        self.looked: set[tuple[str, bool]] = set()
        self.sharing = Sharing(around.sharer, store)
        self.tries_left: dict[str, int] = {}

    def run(self) -> Iterator[events.Event]:
        try:
            yield from self._carry_out()
            yield from self._over()
        finally:
            self.places.close()

    def until_conclusive(self) -> Iterator[events.Event]:
        """As `run`, and then a round more of what is to have one, again and again. Services that are up serve these too."""
        try:
            yield from self._carry_out()
            while not self.failed and (yield from self._followed()):
                yield from self._carry_out()
            yield from self._over()
        finally:
            self.places.close()

    def _over(self) -> Iterator[events.Event]:
        yield from self._stop_unneeded()
        yield from self.sharing.put_all(self.plan)

    def _followed(self) -> Generator[events.Event, None, bool]:
        """Look at the verdicts, and take in the rounds that follow; whether there are any."""
        from ryot.engine.looks import begin_following, look  # noqa: PLC0415 - only further rounds need statistics, and with them numpy

        looked = list(look(self.plan, self.store, datetime.now(UTC).date()))
        yield from looked
        if not any(each.again for each in looked):
            return False
        self.plan = begin_following(self.plan, self.store, looked)
        files.write_durable(self.journaled.plan, self.plan.model_dump_json(indent=1))
        return True

    def _carry_out(self) -> Iterator[events.Event]:
        """Run what the plan has and the store has not."""
        let_scratch_go(self.plan, self.store)
        yield from set_damaged_aside(self.plan, self.store, self.looked)
        yield from self.sharing.take(self.plan)
        states = survey(self.plan, self.store)
        unfinished = {node.name for node in self.plan.nodes if states[node.name].state != "cached" and not node.is_service}
        self.needs = {node.name: self._needs(node) for node in self.plan.nodes}
        self.waiting = Waiting(self.plan, self.needs, unfinished)
        while self.waiting or self._working():
            yield from self._skip_hopeless()
            yield from self._stop_unneeded()
            yield from self._start()
            if self.active:
                for name in self.places.wait(_TICK_S):
                    yield from self._look(name)

    def _working(self) -> list[Active]:
        return [active for active in self.active.values() if not active.node.is_service]

    def _skip_hopeless(self) -> Iterator[events.Event]:
        """Give up on the nodes that need a failed one, or come after it."""
        if self.looked_at == len(self.failed):
            return
        for node in self.waiting:
            needed = self.needs[node.name]
            broken = [name for name in (*needed, *node.after) if name in self.failed]
            if broken:
                self.waiting.take(node.name)
                skipped = events.Skipped(node.name, broken[0], ordered=broken[0] not in needed)
                self.failed[node.name] = skipped.words
                yield skipped
        self.looked_at = len(self.failed)

    def _start(self) -> Iterator[events.Event]:
        for node in self.waiting.ready():
            if self._full():
                return
            missing = [other for name in self.needs[node.name] if (other := self.plan.node(name)).is_service and name not in self.up]
            if missing and self._may_start(missing[0]):
                yield from self._submit(missing[0])
            elif not missing and self._may_start(node):
                self.waiting.take(node.name)
                yield from self.sharing.fetch(node)  # another machine may have finished it since
                if node.key in self.sharing.taken:
                    self.waiting.finished(node.name)
                else:
                    yield from self._submit(node)

    def _full(self) -> bool:
        """Whether no node at all could start beside what is running."""
        home = [active.node for active in self._working() if self.around.at_home(active.node)]
        if sum(map(self._cpus, home)) < self.around.cpus:
            return False
        return self.around.home is None or len(self._working()) - len(home) >= self.around.at_once

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
        return [name for name in self.up if name not in self.needs[node.name]]

    def _stop_unneeded(self) -> Iterator[events.Event]:
        """Stop the services that nothing needs any more, or that would disturb the next node, which measures speed."""
        if not self.up:
            return
        needed = {name for node in [*self.waiting, *(active.node for active in self._working())] for name in self.needs[node.name]}
        following = next(iter(self.waiting), None) if not self._working() else None
        disturbing = self._idle_services(following) if following and following.measures_speed else []
        for name in [name for name in reversed(self.up) if name not in needed or name in disturbing]:
            del self.up[name], self.active[name]
            self.places.end(name, GRACE_S)
            yield events.Stopped(name)

    def _submit(self, node: PlannedNode) -> Iterator[events.Event]:
        folder = self.store.folder(node.stage, node.key)
        make_folder(folder)
        plugin = self.around.plugins[node.stage]
        file = write_job(self.plan, node, plugin, self.store, self.journaled, services=self.up, cpus=self.around.cpus)
        told = events_file(self.journaled, node.name)
        self.active[node.name] = Active(node, told, told.stat().st_size if told.exists() else 0, word_of_failure(folder))
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
            yield from self._ended(active, state)

    def _ended(self, active: Active, state: JobState) -> Iterator[events.Event]:
        node, folder = active.node, self.store.folder(active.node.stage, active.node.key)
        self.places.forget(node.name)
        del self.active[node.name]
        self.up.pop(node.name, None)
        files.look_again(folder)  # what was written there may have been written by another machine
        record = self.store.record(node.stage, node.key)
        if record and not node.is_service:
            self.waiting.finished(node.name)
            yield events.Finished(node.name, record.seconds)
            yield from self.sharing.put(node)
            return
        left = self.tries_left.setdefault(node.name, self.around.retries)
        if state.lost and left and not node.is_service:
            self.tries_left[node.name] -= 1
            self.waiting.put_back(node.name)
            yield events.Lost(node.name, state.why, left - 1)
            return
        said = not state.lost and word_of_failure(folder) != active.before
        failure = (last_failure(self.store, node) if said else None) or unsaid(state, folder)
        self.failed[node.name] = failure.message
        log = folder / LOG
        yield events.Failed(node.name, failure.message, failure.hint, str(log), last_lines(log), failure.kind)
        if node.is_service:
            yield from self._end_users(node.name)

    def _end_users(self, service: str) -> Iterator[events.Event]:
        """End the nodes that were talking to a service that is gone."""
        for active in [active for active in self._working() if service in self.needs[active.node.name]]:
            node = active.node
            self.places.end(node.name, GRACE_S)
            del self.active[node.name]
            record = self.store.record(node.stage, node.key)
            if record:
                self.waiting.finished(node.name)
                yield events.Finished(node.name, record.seconds)
                continue
            self.failed[node.name] = f"its service {service} ended"
            yield events.Skipped(node.name, service)
