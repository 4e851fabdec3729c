"""What an apply takes from a share and gives to it. What goes wrong there is told, and the run goes on without.

What measures speed, and what is made of it, is only taken from machines of one's own pool: by default from this one.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from ryot import files
from ryot.engine import events, survey
from ryot.machine import machine
from ryot.plan.plan import Plan, PlannedNode
from ryot.store.share import Entry, NotWholeError, Share, ShareError
from ryot.store.store import FETCHED, Store

_MB = 1e6


@dataclass(frozen=True, slots=True)
class Sharer:
    """A share, and the pool of machines that may stand for this one; by default it is alone."""

    share: Share
    pool: str | None = None

    @property
    def whose(self) -> str:
        """What entries of nodes that are not the same on all machines are called by."""
        return f"pool-{self.pool}" if self.pool else f"machine-{machine()[:16]}"


def own(plan: Plan) -> frozenset[str]:
    """The nodes that are not the same on all machines: what measures speed, and whatever is made of that."""
    found: set[str] = set()
    for node in plan.nodes:
        if node.measures_speed or found.intersection(node.needs):
            found.add(node.name)
    return frozenset(found)


@dataclass(slots=True)
class Sharing:
    """The dealings of one apply with its share, if it has one. `news` is what a look there brought up and nobody was told yet."""

    sharer: Sharer | None
    store: Store
    news: list[events.Event] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    """Keys of the nodes that were fetched."""
    _own: Collection[str] = ()
    _there: dict[str, Entry] = field(default_factory=dict)
    _spoilt: set[str] = field(default_factory=set)
    """Keys of nodes that are not whole there: they are put anew."""
    _absent: set[str] = field(default_factory=set)
    """Keys of nodes that were not there at the last look."""
    _busy: set[str] = field(default_factory=set)
    """Keys of nodes that another apply is making here."""
    _put: set[str] = field(default_factory=set)
    _reads: bool = True
    _writes: bool = True

    def plan(self, plan: Plan) -> None:
        """Take note of a plan, whose nodes are asked for from now on."""
        self._own = own(plan)

    def has(self, node: PlannedNode) -> bool:
        """Whether the share has a node that may be taken. Looks once."""
        known = any(node.key in keys for keys in (self._there, self._absent, self._spoilt, self._busy))
        if not known and self._may(node):
            entry = self._look(node)
            if entry is None:
                self._absent.add(node.key)
            else:
                self._there[node.key] = entry
        return node.key in self._there

    def take(self, plan: Plan) -> Iterator[events.Event]:
        """Fetch what is needed of a plan, the last nodes first: what these are made of is then needed no more."""
        self.plan(plan)
        while self.sharer:
            _, wanted = survey.needed(plan, survey.finished(plan, self.store), self.has)
            yield from self.told()
            if not wanted:
                return
            for node in plan.nodes:
                if node.name in wanted:
                    yield from self.fetch(node)

    def fetch(self, node: PlannedNode) -> Iterator[events.Event]:
        """Fetch a node if it is there, or has come to be there; where that goes well, or another apply has finished it here, its key is
        among the `taken`."""
        self._absent.discard(node.key)
        there = self.has(node)
        yield from self.told()
        if not there or self.sharer is None:
            return
        folder, entry, url = self.store.folder(node.stage, node.key), self._there.pop(node.key), self.sharer.share.url
        lock = files.Lock(folder / "lock")
        if not lock.acquire(wait=False, note=files.whoami()):
            self._busy.add(node.key)  # a keeper would wait for who has it
            return
        try:
            finished = self.store.record(node.stage, node.key)
            if finished is None:
                for done in self.sharer.share.fetch(entry, self.store):
                    yield events.Progress(node.name, done / _MB, entry.size / _MB, "MB fetched")
            self._put.add(node.key)
            self.taken.add(node.key)
            yield events.Finished(node.name, finished.seconds) if finished else events.Fetched(node.name, url, entry.record.host)
        except NotWholeError as error:
            self._spoilt.add(node.key)
            yield self._not_whole(node, error)
        except ShareError as error:
            self._reads = False
            yield events.Unshared(node.name, error.message, error.hint or "")
        except OSError as error:
            self._reads = False
            yield events.Unshared(node.name, f"what {url} has of it could not be kept here: {error.strerror}")
        finally:
            files.remove_tree(folder / FETCHED, strict=False)
            lock.release()

    def put(self, node: PlannedNode) -> Iterator[events.Event]:
        """Put a node that is finished here, if it is not there."""
        if self.sharer is None or not self._may(node) or not self._writes or node.key in self._put:
            return
        record = self.store.record(node.stage, node.key)
        if record is None:
            return
        whose = self._whose(node)
        if whose and self.sharer.pool is None and record.host != socket.gethostname():
            return  # made elsewhere: it is not this machine's
        try:
            there = node.key in self._there or (node.key not in self._spoilt and self._look(node) is not None)
            yield from self.told()
            if not there and self._reads:
                for done in self.sharer.share.put(self.store, record, whose, anew=node.key in self._spoilt):
                    yield events.Progress(node.name, done / _MB, 0, "MB put on the share")
                yield events.Shared(node.name, self.sharer.share.url)
            if self._reads:
                self._put.add(node.key)
        except (NotWholeError, OSError) as error:
            why = error.message if isinstance(error, NotWholeError) else f"{error.filename}: {error.strerror}"
            yield events.Unshared(node.name, f"it is not put on {self.sharer.share.url}: {why}")
        except ShareError as error:
            self._writes = False
            yield events.Unshared(node.name, f"{error.message}; the run goes on", error.hint or "")

    def put_all(self, plan: Plan) -> Iterator[events.Event]:
        """Put whatever of a plan is finished here and is not there: what an earlier apply could not put."""
        self.plan(plan)
        for node in plan.nodes:
            yield from self.put(node)

    def told(self) -> Iterator[events.Event]:
        """What a look brought up, once."""
        while self.news:
            yield self.news.pop(0)

    def _may(self, node: PlannedNode) -> bool:
        """Whether a node is shared at all. Where several looks at its samples were promised it is not: the promise stays with them."""
        return self.sharer is not None and self._reads and not node.is_service and node.looks == 1 and not node.round_of

    def _whose(self, node: PlannedNode) -> str:
        return self.sharer.whose if self.sharer and node.name in self._own else ""

    def _look(self, node: PlannedNode) -> Entry | None:
        assert self.sharer is not None
        try:
            return self.sharer.share.entry(node.stage, node.key, self._whose(node))
        except NotWholeError as error:
            self._spoilt.add(node.key)
            self.news.append(self._not_whole(node, error))
        except ShareError as error:
            self._reads = False
            self.news.append(events.Unshared(node.name, f"{error.message}; it is taken for empty", error.hint or ""))
        return None

    def _not_whole(self, node: PlannedNode, error: NotWholeError) -> events.Event:
        assert self.sharer is not None
        return events.Unshared(
            node.name, f"what {self.sharer.share.url} has of it is not used: {error.message}", "it is made anew, and put there"
        )
