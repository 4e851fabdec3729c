"""The nodes of an apply that have not begun, and which of them may: a queue that looks at a node's neighbours only, never at all nodes."""

from __future__ import annotations

import bisect
from collections.abc import Collection, Iterator, Mapping

from ryot.plan.plan import Plan, PlannedNode


class Waiting:
    """Nodes in the plan's order. `needs` are what each one reads or talks to, services' own needs included; what a node comes after holds
    it back as well. Only what waits here itself holds back: what is finished, or is a service, does not."""

    def __init__(self, plan: Plan, needs: Mapping[str, Collection[str]], names: Collection[str]) -> None:
        self._nodes = {node.name: node for node in plan.nodes if node.name in names}
        self._rank = {name: rank for rank, name in enumerate(self._nodes)}
        self._all = tuple(self._nodes.values())
        self._lacks = {name: self._nodes.keys() & {*needs[name], *node.after} for name, node in self._nodes.items()}
        self._held: dict[str, list[str]] = {}
        for name, lacking in self._lacks.items():
            for other in lacking:
                self._held.setdefault(other, []).append(name)
        self._ready = [self._rank[name] for name, lacking in self._lacks.items() if not lacking]

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[PlannedNode]:
        """All that wait; they may be taken meanwhile."""
        return iter(tuple(self._nodes.values()))

    def ready(self) -> Iterator[PlannedNode]:
        """Those that lack nothing; they may be taken meanwhile."""
        return (self._all[rank] for rank in tuple(self._ready))

    def take(self, name: str) -> None:
        """A node waits no more: it begins, or is given up. What needs it goes on waiting."""
        del self._nodes[name]
        if not self._lacks[name]:
            self._ready.remove(self._rank[name])

    def put_back(self, name: str) -> None:
        """A node that was taken, and did not finish, waits again, in its old place."""
        self._nodes[name] = self._all[self._rank[name]]
        self._nodes = {each: self._nodes[each] for each in sorted(self._nodes, key=self._rank.__getitem__)}
        if not self._lacks[name]:
            bisect.insort(self._ready, self._rank[name])

    def finished(self, name: str) -> None:
        """A node that was taken is finished: what lacked only it is ready."""
        for held in self._held.get(name, ()):
            self._lacks[held].discard(name)
            if held in self._nodes and not self._lacks[held]:
                bisect.insort(self._ready, self._rank[held])
