"""Looks at what an apply is about to rely on. A damaged result is kept aside, under its node's lock, and its node runs again. What a crash
right after a commit left of a node's scratch folder is let go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from ryot.engine import events
from ryot.engine.survey import survey
from ryot.files import locked, remove_tree, whoami
from ryot.plan.plan import Plan, PlannedNode
from ryot.store.store import FETCHED, Store


def let_scratch_go(plan: Plan, store: Store) -> None:
    """Remove the scratch folders of nodes that are finished, and what was half fetched of them: whoever finished them was killed before."""
    for node in plan.nodes:
        folder = store.folder(node.stage, node.key)
        for left in (folder / "scratch", folder / FETCHED):
            if left.is_dir() and store.record(node.stage, node.key):
                with _lock_of(folder):  # who is just committing it lets it go itself
                    remove_tree(left, strict=False)


def set_damaged_aside(plan: Plan, store: Store, looked: set[tuple[str, bool]]) -> Iterator[events.Damaged]:
    """Look at every result that will be read, and at the samples that will be judged, before they are relied on. `looked` holds what was
    looked at before, each node with whether its result was, and is added to."""
    while wanted := [pair for pair in _relied_on(plan, store).items() if pair not in looked]:
        for name, read in wanted:
            looked.add((name, read))
            yield from _look(plan.node(name), store, read)


def _relied_on(plan: Plan, store: Store) -> Mapping[str, bool]:
    """The nodes whose records count, in order, and whether their results will be read too."""
    states = survey(plan, store)
    running = [node for node in plan.nodes if states[node.name].state != "cached"]
    read = {name for node in running for name in node.inputs.values()}
    targeted = {target.node for target in plan.targets}
    judged = targeted | {node.name for node in plan.nodes if node.round_of in targeted} | {node.name for node in running}
    return {node.name: node.name in read for node in plan.nodes if node.name in read | judged and not node.is_service}


def _look(node: PlannedNode, store: Store, read: bool) -> Iterator[events.Damaged]:
    if _damage(node, store, read) is None:
        return
    # Nobody holds the lock of a finished node for long.
    with _lock_of(store.folder(node.stage, node.key)):
        what = _damage(node, store, read)  # another apply may have set it aside meanwhile
        if what is not None:
            yield events.Damaged(node.name, what, str(store.set_aside(node.stage, node.key)))


def _lock_of(folder: Path) -> AbstractContextManager[None]:
    return locked(folder / "lock", whoami())


def _damage(node: PlannedNode, store: Store, read: bool) -> str | None:
    if store.unreadable(node.stage, node.key):
        return "its record cannot be read"
    record = store.record(node.stage, node.key)
    return store.damage(record, result=read) if record else None
