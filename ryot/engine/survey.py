"""What has to be done: which nodes are finished, which run, which wait for others, and why. Reads the store, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from ryot.plan.plan import Plan, PlannedNode, differences
from ryot.store.job import FAILURE, Failure
from ryot.store.journal import Run, all_runs
from ryot.store.store import Store

_RUNS = 20
"""So many runs are looked back through for a result that was there once."""

State = Literal["cached", "runs", "waits"]


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node's state and the reason for it, in words."""

    state: State
    why: str


Has = Callable[[PlannedNode], bool]
"""Whether a share has a node."""


def survey(plan: Plan, store: Store, earlier: Plan | None = None, has: Has | None = None) -> dict[str, NodeState]:
    """The state of every node. `earlier` is the plan of the last run of this spec: what changed since is the reason to run. What a share
    `has` need not run."""
    done = finished(plan, store)
    running, fetched = needed(plan, done, has)
    states = _states(plan, store, done | fetched, running, earlier)
    return states | {name: NodeState("cached", "the share has it: it is fetched") for name in fetched}


def finished(plan: Plan, store: Store) -> set[str]:
    """The nodes of a plan that the store has."""
    return {node.name for node in plan.nodes if not node.is_service and store.record(node.stage, node.key)}


def _states(plan: Plan, store: Store, done: set[str], running: set[str], earlier: Plan | None) -> dict[str, NodeState]:
    once = _once_finished(plan, store) if earlier and any(earlier.has(plan.node(name)) for name in running) else set()
    return {node.name: _state(node, plan, store, done, running, earlier, once) for node in plan.nodes}


def _once_finished(plan: Plan, store: Store) -> set[str]:
    """The keys of the nodes that the last runs of this spec finished, as far as their journals tell."""
    keys: set[str] = set()
    for run in all_runs(store.runs, plan.name)[-_RUNS:]:
        past = plan_of(run)
        finished = (
            {event["node"] for event in run.events() if event["event"] in ("finished", "fetched") and "node" in event} if past else set()
        )
        keys |= {node.key for node in past.nodes if node.name in finished} if past else set()
    return keys


def needed(plan: Plan, done: Collection[str], has: Has | None = None) -> tuple[set[str], set[str]]:
    """The nodes that have to run, and those that come from a share that `has` them: unfinished ones that something still needs. Those whose
    users are all finished, or come from there, need not, nor need checks before a node that does not run."""
    targeted = {target.node for target in plan.targets}
    running: set[str] = set()
    fetched: set[str] = set()
    for node in reversed(plan.nodes):
        users = [user.name for user in (*plan.users(node.name), *plan.followers(node.name))]
        wanted = any(user in running for user in users)
        if node.name not in done and (wanted or (not node.is_service and (not users or node.name in targeted))):
            (fetched if has and has(node) else running).add(node.name)
    return running, fetched


def _state(
    node: PlannedNode, plan: Plan, store: Store, done: set[str], running: set[str], earlier: Plan | None, once: set[str]
) -> NodeState:
    if node.name in done:
        return NodeState("cached", "finished")
    if node.name not in running:
        return NodeState("cached", "not needed: nothing that uses it runs")
    waits = [name for name in dict.fromkeys(node.needs) if name in running and not _can_come_up(plan.node(name), running)]
    before = [name for name in node.after if name in running]
    words = [_why(node, store, earlier, once)]
    words += [f"waits for {', '.join(waits)}"] if waits else []
    words += [f"comes after {', '.join(before)}"] if before else []
    return NodeState("waits" if waits or before else "runs", "; ".join(words))


def _can_come_up(node: PlannedNode, running: set[str]) -> bool:
    """Whether a node is a service that lacks nothing: what needs it need not wait for it to be finished."""
    return node.is_service and not any(name in running for name in node.needs)


def _why(node: PlannedNode, store: Store, earlier: Plan | None, once: set[str]) -> str:
    if node.is_service:
        return "a service; it is started for what needs it"
    folder = store.folder(node.stage, node.key)
    failure = last_failure(store, node)
    if failure:
        return f"failed last time: {failure.message.splitlines()[0][:100]}"
    if (folder / "scratch").is_dir():
        return "was interrupted; continues where it was" if any((folder / "scratch").iterdir()) else "was interrupted"
    if node.key in once:
        return "its result is gone"
    if earlier is None or node.name not in earlier.names or earlier.has(node):
        return "never ran"
    return _changes(node, earlier.node(node.name))


def _changes(node: PlannedNode, before: PlannedNode) -> str:
    found = differences(before.payload, node.payload)
    own = [str(change) for change in found if change.path.split(".")[0] not in ("inputs", "services")]
    upstream = [_source(node, change.path) for change in found if change.path.split(".")[0] in ("inputs", "services")]
    shown = own[:3] + ([f"and {len(own) - 3} more"] if len(own) > 3 else [])
    return ", ".join([*shown, *(f"its input {name} changes" for name in dict.fromkeys(upstream))])


def _source(node: PlannedNode, path: str) -> str:
    kind, _, slot = path.partition(".")
    slots: Mapping[str, str] = node.inputs if kind == "inputs" else node.services
    return slots.get(slot, slot)


def last_failure(store: Store, node: PlannedNode) -> Failure | None:
    """Why the last try of a node failed; None when it did not, or cannot be read."""
    try:
        return Failure.model_validate_json((store.folder(node.stage, node.key) / FAILURE).read_bytes())
    except (OSError, ValidationError):
        return None


def plan_of(run: Run) -> Plan | None:
    """The plan a run followed; None when it cannot be read."""
    try:
        return Plan.model_validate_json(run.plan.read_bytes())
    except (OSError, ValidationError):
        return None
