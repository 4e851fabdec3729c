"""Who may enter: so many sequences at once, a bounded queue for the others, first come first served. Pure; who waits is called back."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Ticket:
    """A request's place: `weight` sequences, and what is called when they may start."""

    weight: int
    enter: Callable[[], None]


@dataclass(slots=True)
class Admission:
    """At most `capacity` sequences are inside, at most `waiting` requests wait. A request that has more sequences than fit enters alone."""

    capacity: int
    waiting: int
    inside: int = 0
    _queue: "OrderedDict[int, Ticket]" = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._queue)

    def ask(self, ticket: Ticket) -> bool | None:
        """True: it is inside. False: it waits, and will be called. None: there is no room to wait."""
        if not self._queue and self._fits(ticket):
            self.inside += ticket.weight
            return True
        if len(self._queue) >= self.waiting:
            return None
        self._queue[id(ticket)] = ticket
        return False

    def withdraw(self, ticket: Ticket) -> bool:
        """A ticket that waits leaves the queue; False when it was called already."""
        found = self._queue.pop(id(ticket), None) is not None
        if found:
            self._call()  # it may have been in the way of smaller ones
        return found

    def leave(self, ticket: Ticket) -> None:
        """A request that was inside has ended."""
        self.inside -= ticket.weight
        self._call()

    def resize(self, capacity: int) -> None:
        """Another capacity from now on, as when a replica comes or goes."""
        self.capacity = capacity
        self._call()

    def _fits(self, ticket: Ticket) -> bool:
        return self.inside == 0 or self.inside + ticket.weight <= self.capacity

    def _call(self) -> None:
        while self._queue:
            first = next(iter(self._queue.values()))
            if not self._fits(first):
                return
            self._queue.popitem(last=False)
            self.inside += first.weight
            first.enter()
