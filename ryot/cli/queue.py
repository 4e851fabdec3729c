"""What the cluster of a spec's backend says of its plan: asked for `ryot plan`, which goes on where it cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from ryot.cli.backend import LOCAL, made
from ryot.cli.request import Planned
from ryot.errors import MachineError, RyotError
from ryot.estimate.estimates import Estimates, seconds_of, usd_of
from ryot.plan.plan import PlannedNode
from ryot.plugins.backend import Fit, Foretelling, Outlook, Wish
from ryot.report.queue_view import Problem, Queue, Queued


def queue_of(planned: Planned, missing: Sequence[PlannedNode], estimates: Estimates) -> Queue | None:
    """What a cluster has, and what it says of each of the `missing` nodes that is to run there; None where nodes run here. Where it cannot
    be asked that is said, and whether a node fits is not known."""
    backend = planned.loaded.spec.backend.use
    if backend == LOCAL:
        return None
    cpus = planned.loaded.spec.hardware.cpus or planned.machine.cpus
    wishes = tuple(_wish(node, cpus, estimates) for node in missing if not (node.is_service or node.services))
    try:
        outlook, unknown = _asked(planned, wishes), ""
    except RyotError as error:
        unknown = error.message
        outlook = Outlook((), tuple(Fit(wish.node, None) for wish in wishes))
    hourly = estimates.platform.hourly if estimates.platform else None
    nodes = (Queued(wish, fit, usd_of(estimates, wish.seconds), hourly) for wish, fit in zip(wishes, outlook.fits, strict=True))
    return Queue(backend, outlook.has, tuple(nodes), _problems(planned, outlook), unknown)


def _asked(planned: Planned, wishes: tuple[Wish, ...]) -> Outlook:
    """The backend's answer. Raises RyotError where it cannot be had here, or tells nothing."""
    with closing(made(planned.loaded, planned.folders)) as backend:
        if not isinstance(backend, Foretelling):
            raise MachineError(f"the backend {backend.name} does not tell what it has")
        return backend.survey(wishes)


def _wish(node: PlannedNode, cpus: int, estimates: Estimates) -> Wish:
    seconds = next((seconds_of(estimates, training.step_s) for training in estimates.training if training.node == node.name), None)
    return Wish(node.name, node.cpus or cpus, node.measures_speed, seconds, node.machines)


def _problems(planned: Planned, outlook: Outlook) -> tuple[Problem, ...]:
    """What can never fit, the same of several nodes once."""
    found: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for fit in outlook.fits:
        if fit.fits is False:
            found.setdefault((fit.words, fit.hint, fit.field), []).append(fit.node)
    return tuple(Problem(tuple(nodes), words, hint, planned.loaded.place(*field)) for (words, hint, field), nodes in found.items())
