"""Causal chains: what lies at the root, what comes of it, what is lost and what still happens when a link is cut."""

import re
from collections.abc import Callable
from random import Random

from ryot.stages.data.generator.problem import Problem

Chain = tuple[str, ...]
_FORM = "It is {}"
_ASKED = ("What is the first cause?", "What is the last effect?", "What lies between?")


def trace(chains: tuple[Chain, ...]) -> Callable[[Random, int], Problem]:
    """A direct or farther cause or effect; a chain told in shuffled links; what a cut takes away; how many of four still happen."""
    windows = {size: [chain[k : k + size] for chain in chains for k in range(len(chain) - size + 1)] for size in (3, 4)}

    def make(rng: Random, level: int) -> Problem:
        events = rng.choice(windows[4 if level == 3 else 3])
        return (_direct, _traced, _cut, _still)[level](rng, events)

    return make


def _told(rng: Random, events: Chain) -> str:
    links = [f"{cause} led to {effect}" for cause, effect in zip(events, events[1:], strict=False)]
    rng.shuffle(links)
    return f"Known: {'; '.join(links)}."


def _direct(rng: Random, events: Chain) -> Problem:
    """What another event brings about at once, or in the end; what it is due to."""
    place, goal = rng.choice([(k, m) for k in range(3) for m in range(3) if k != m])
    given, answer = events[place], events[goal]
    near = "direct" if abs(place - goal) == 1 else "remote"
    kind = "effect" if place < goal else "cause"
    steps = (f"{kind}s stand {'after' if place < goal else 'before'} it", f"{abs(place - goal)} step{'s' * (near == 'remote')} away: {near}", f"so {answer}")
    wrong = tuple(_FORM.format(other) for other in (*(event for event in events if event not in (given, answer)), given, "none of them"))
    question = f"Known: {events[0]} led to {events[1]}, and that to {events[2]}. What is a {near} {kind} of {given}?"
    back = f"{given}: its {near} {'cause' if place < goal else 'effect'}"
    return Problem(question, steps, _FORM.format(answer), wrong, back)


def _traced(rng: Random, events: Chain) -> Problem:
    asked = rng.randrange(3)
    first, middle, last = events
    answer = (first, last, middle)[asked]
    steps = (f"{middle} is in both links", f"its cause: {first}", f"its effect: {last}")
    wrong = tuple(_FORM.format(other) for other in (*(event for event in events if event != answer), "none of them", "all of them"))
    back = (f"nothing led to {first}", f"no effect of {last} is told", f"{middle} is effect and cause")[asked]
    return Problem(f"{_told(rng, events)} {_ASKED[asked]}", steps, _FORM.format(answer), wrong, back)


def _cut(rng: Random, events: Chain) -> Problem:
    cut = rng.randrange(3)
    lost = events[cut + 1 :]
    answer = f"lost: {' and '.join(lost) or 'nothing'}"
    steps = (f"place {cut + 1} of 3 is cut", f"before it: {cut}, kept", f"after it: {2 - cut}, lost")
    others = ((), events[1:], events[2:], events[:1], events[:2])
    wrong = tuple(f"lost: {' and '.join(other) or 'nothing'}" for other in others if other != lost)
    return Problem(f"{_told(rng, events)} Without {events[cut]}, what else is lost?", steps, answer, wrong, f"kept: {' and '.join(events[:cut]) or 'nothing'}")


def _still(rng: Random, events: Chain) -> Problem:
    cut = rng.randint(1, 3)
    steps = (f"first: {events[0]}", f"place {cut + 1} of 4 is cut", f"lost: {4 - cut}; 4 - {4 - cut} = {cut}")
    wrong = tuple(f"{number} of the 4" for number in (4 - cut, cut - 1, cut + 1, 4, 0) if number != cut)
    question = f"{_told(rng, events)} Without {events[cut]}, how many of the four still happen?"
    return Problem(question, steps, f"{cut} of the 4", wrong, f"{cut} kept + {4 - cut} lost = 4")


def check_traced(chains: tuple[Chain, ...]) -> Callable[[str, str], bool]:
    """Every link stands in a chain of the table; then the answer's own causes and effects are looked up in the links told."""
    known = {link for chain in chains for link in zip(chain, chain[1:], strict=False)}

    def check(question: str, answer: str) -> bool:
        told, _, asked = question.removeprefix("Known: ").partition(". ")
        if found := re.fullmatch(r"(.+) led to (.+), and that to (.+)", told):
            links = [(found[1], found[2]), (found[2], found[3])]
        else:
            links = [(cause, effect) for cause, _, effect in (link.partition(" led to ") for link in told.split("; "))]
        return known.issuperset(links) and _answers(links, asked, answer)

    return check


def _answers(links: list[tuple[str, str]], asked: str, answer: str) -> bool:
    """Goes from the answer up to its causes, or down to its effects."""
    above, below = {effect: cause for cause, effect in links}, dict(links)
    event = answer.removeprefix("It is ")
    if asked in _ASKED:
        return event in {*above, *below} and (event in above, event in below) == ((False, True), (True, False), (True, True))[_ASKED.index(asked)]
    if found := re.fullmatch(r"What is a (direct|remote) (effect|cause) of (.+)\?", asked):
        back = above if found[2] == "effect" else below
        origin = back.get(event) if found[1] == "direct" else back.get(back.get(event, ""))
        return origin == found[3]
    cut = re.fullmatch(r"Without (.+), (?:what else|how many).*", asked)
    kept, lost = 0, []
    event = cut[1] if cut else ""
    while event in above:
        kept, event = kept + 1, above[event]
    event = cut[1] if cut else ""
    while event in below:
        event = below[event]
        lost.append(event)
    return answer == (f"{kept} of the 4" if "how many" in asked else f"lost: {' and '.join(lost) or 'nothing'}")
