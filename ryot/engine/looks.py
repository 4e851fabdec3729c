"""Looks at a run's verdicts: what is promised before the first samples, and after each round whether another one is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from ryot.check.judge import Measured, judge
from ryot.check.looks import ALONE, Looks, at_level
from ryot.check.sizes import fewest_samples
from ryot.check.verdict import Verdict, still_needed
from ryot.engine import events
from ryot.engine.outcome import measured
from ryot.engine.rounds import known
from ryot.measures import Measure, Target, size
from ryot.plan.plan import Plan, PlannedNode
from ryot.store.looks import begin_round, promise, promise_of, samples_were_taken
from ryot.store.store import Store

MOST = 20
"""Looks that can be promised: with more, each has next to no error left."""
_HARDLY = 10
"""Where more samples are needed than so many times what the rounds left bring, these settle it in 2 to 6 of 100 cases, if the truth is
what the samples say (stochastic curtailment: Lan, Simon and Halperin 1982; simulated for two to four looks at normal samples)."""

Aim = tuple[Target, Measure]


def promised(plan: Plan, store: Store, looks: int, today: date) -> tuple[Plan, tuple[str, ...]]:
    """Promise so many looks of every node whose stage can draw more and that has a target which samples decide. Returns the plan with
    them, and what is to be said of each before anything runs."""
    notes = [_promise(node, aims, store, looks) for node in plan.nodes if (aims := _aims(plan, node, today))]
    return known(plan, store), tuple(notes) or ("there is no target on a measure of which further rounds can be drawn",)


def _aims(plan: Plan, node: PlannedNode, today: date) -> list[Aim]:
    """The targets on a node that more samples of it can decide, each with its measure. What is waived is let go."""
    if not node.redraws or node.round_of:
        return []
    drawn = {measure.name: measure for measure in node.measures if not measure.fixed and measure.kind not in ALONE}
    aims = [(target, drawn[target.name]) for target in plan.targets if target.node == node.name and target.name in drawn]
    return [(target, measure) for target, measure in aims if not _waived(target, today)]


def _waived(target: Target, today: date) -> bool:
    return target.waiver is not None and today.isoformat() <= target.waiver.expires


def _promise(node: PlannedNode, aims: list[Aim], store: Store, looks: int) -> str:
    """Promise, where that is not too late and the rounds can suffice for one target at least; what is to be said of it."""
    taken, stands = samples_were_taken(store, node.stage, node.key), promise_of(store, node.stage, node.key)
    if not taken and any(_enough(node, aim, looks) for aim in aims):
        stands = promise(store, node.stage, node.key, looks)
    if stands is None and taken:
        return (
            f"{node.name}: its samples were there, to be judged at the whole confidence, before further looks were promised: "
            "nothing of the error is left for these. Other settings, as more requests, are another node, which begins anew"
        )
    if stands is None:
        more = next((count for count in range(looks + 1, MOST + 1) if any(_enough(node, aim, count) for aim in aims)), None)
        hint = f"with --rounds {more} they could" if more else "no number of rounds can"
        return f"{node.name}: {looks} rounds cannot bring the samples that its targets need, {hint}; one look is made"
    if stands.looks != looks:
        return f"{node.name}: {stands.looks} looks were promised before its first samples; that number stands"
    few = [aim for aim in aims if not _enough(node, aim, looks)]
    but = f"; too few for {', '.join(target.written for target, _ in few)}" if few else ""
    shares = [
        f"{Looks(1, looks).level(confidence) * 100:.6g} %, so that all together hold at {confidence * 100:.6g} %"
        for confidence in sorted({target.confidence for target, _ in aims})
    ]
    return f"{node.name}: at most {looks} looks, each at {' or '.join(shares)}{but}"


def _enough(node: PlannedNode, aim: Aim, looks: int) -> bool:
    """Whether that many rounds can bring the samples without which no PASS is possible; what nobody knows beforehand is taken to be so."""
    target, measure = aim
    shared = at_level(target, Looks(1, looks))
    fewest = fewest_samples(measure, target.comparison, target.bound, shared.confidence)
    each = node.samples.get(measure.name)
    return fewest is not None and (each is None or fewest <= each * looks)


def look(plan: Plan, store: Store, today: date) -> Iterator[events.Looked]:
    """What each node of which looks were promised shows with the rounds that it has, and whether another round is to follow."""
    found, problems = measured(plan, store)
    verdicts = judge(plan.targets, found, problems, today)
    for node in plan.nodes:
        if node.looks > 1 and not node.round_of:
            yield _looked(plan, node, found, list(zip(plan.targets, verdicts, strict=True)), today)


def _looked(
    plan: Plan, node: PlannedNode, found: Mapping[str, Measured], verdicts: list[tuple[Target, Verdict]], today: date
) -> events.Looked:
    aims = {target for target, _ in _aims(plan, node, today)}
    unsettled = [target for target, verdict in verdicts if target in aims and verdict.status == "INCONCLUSIVE"]
    broken = [f"{target.written}: ERROR, {verdict.reason}" for target, verdict in verdicts if target in aims and verdict.status == "ERROR"]
    looks = Looks(1 + len(plan.rounds(node.name)), node.looks)
    words, following = "; ".join(broken) or "its targets need no further samples", False
    if unsettled and looks.made == looks.promised:
        words = f"{_names(unsettled)}; no further look was promised"
    elif unsettled:
        left = {target: _left(target, found[target.measure], looks) for target in unsettled}
        following = any(can for can, _ in left.values())
        then = f"round {looks.made + 1} follows" if following else "no further round"
        words = "; ".join([*(f"{target.written}: {said}" for target, (_, said) in left.items()), then])
    return events.Looked(node.name, looks.made, looks.promised, words, following)


def _left(target: Target, found: Measured, looks: Looks) -> tuple[bool, str]:
    """Whether the rounds that are left may settle a target, and how many samples they bring for how many that it takes."""
    measure, n, rounds = found.measure, size(found.measure, found.evidence), looks.promised - looks.made
    shared, brings = at_level(target, looks), rounds * n // looks.made
    more = still_needed(shared, measure, found.evidence)
    fewest = fewest_samples(measure, target.comparison, target.bound, shared.confidence)
    if fewest is None:
        return False, "INCONCLUSIVE, and no number of samples shows it"
    if more is None:
        return n + brings >= fewest, "INCONCLUSIVE, and how many more samples would settle it cannot be told"
    can = fewest <= n + brings and more <= _HARDLY * brings
    left = f"the {rounds} rounds left bring" if rounds > 1 else "the one round left brings"
    return can, f"INCONCLUSIVE, about {more:,} more {measure.sample}s needed, {left} {brings:,}"


def _names(targets: list[Target]) -> str:
    return f"{', '.join(target.written for target in targets)} {'stay' if len(targets) > 1 else 'stays'} INCONCLUSIVE"


def begin_following(plan: Plan, store: Store, looked: list[events.Looked]) -> Plan:
    """Write down which rounds follow, before they begin. Returns the plan with them."""
    for each in looked:
        if each.again:
            node = plan.node(each.node)
            begin_round(store, node.stage, node.key, each.look + 1)
    return known(plan, store)
