"""Causal chains: what lies at the root, what comes of it, what is lost and what still happens when a link is cut."""

import re
from collections.abc import Callable
from itertools import pairwise
from random import Random

from ryot.stages.data.generator.problem import Problem

Chain = tuple[str, ...]
"""What the events belong to, then the events, each the cause of the next."""
_FORM = "It is {}"
_ASKED = ("What is the first cause?", "What is the last effect?", "What lies between?")


def trace(chains: tuple[Chain, ...]) -> Callable[[Random, int], Problem]:
    """A direct or farther cause or effect; a chain told in shuffled links; what a cut takes away; counts in a chain of four."""
    windows = {
        size: [(title, *events[k : k + size]) for title, *events in chains for k in range(len(events) - size + 1)] for size in (3, 4)
    }

    def make(rng: Random, level: int) -> Problem:
        title, *events = rng.choice(windows[4 if level == 3 else 3])
        return (_direct, _traced, _cut, _still)[level](rng, title, tuple(events))

    return make


def _told(rng: Random, title: str, events: Chain) -> str:
    links = [f"{cause} led to {effect}" for cause, effect in pairwise(events)]
    rng.shuffle(links)
    return f"{title}: {'; '.join(links)}."


def _direct(rng: Random, title: str, events: Chain) -> Problem:
    """What another event brings about at once, or in the end; what it is due to."""
    place, goal = rng.choice([(k, m) for k in range(3) for m in range(3) if k != m])
    given, answer = events[place], events[goal]
    near = "direct" if abs(place - goal) == 1 else "remote"
    kind = "effect" if place < goal else "cause"
    steps = (f"{kind}s stand {'after' if place < goal else 'before'} it", f"{near}: {abs(place - goal)} away", f"so {answer}")
    wrong = tuple(_FORM.format(other) for other in (*(event for event in events if event not in (given, answer)), given, "none of them"))
    question = f"{title}: {events[0]} led to {events[1]}, that to {events[2]}. What is a {near} {kind} of {given}?"
    back = f"{given}: its {near} {'cause' if place < goal else 'effect'}"
    return Problem(question, steps, _FORM.format(answer), wrong, back)


def _traced(rng: Random, title: str, events: Chain) -> Problem:
    asked = rng.randrange(3)
    first, middle, last = events
    answer = (first, last, middle)[asked]
    steps = ("find what both links share", f"before it: {first}", f"after it: {last}")
    wrong = tuple(_FORM.format(other) for other in (*(event for event in events if event != answer), "none of them", "all of them"))
    back = (f"nothing led to {first}", f"no effect of {last} is told", f"{middle} is effect and cause")[asked]
    return Problem(f"{_told(rng, title, events)} {_ASKED[asked]}", steps, _FORM.format(answer), wrong, back)


def _cut(rng: Random, title: str, events: Chain) -> Problem:
    cut = rng.randrange(3)
    lost = events[cut + 1 :]
    answer = f"lost: {' and '.join(lost) or 'nothing'}"
    steps = (f"cut: {cut + 1} of 3", f"kept before: {cut}", f"lost after: {2 - cut}")
    others = ((), events[1:], events[2:], events[:1], events[:2])
    wrong = tuple(f"lost: {' and '.join(other) or 'nothing'}" for other in others if other != lost)
    return Problem(
        f"{_told(rng, title, events)} Without {events[cut]}, what else is lost?",
        steps,
        answer,
        wrong,
        f"kept: {' and '.join(events[:cut]) or 'nothing'}",
    )


def _still(rng: Random, title: str, events: Chain) -> Problem:
    told = f"{title}: {events[0]} led to {events[1]}, that to {events[2]}, that to {events[3]}."
    if rng.random() < 0.5:
        start, goal = sorted(rng.sample(range(4), 2))
        steps = (f"cause: {start + 1} of 4", f"effect: {goal + 1} of 4", f"{goal + 1} - {start + 1} = {goal - start}")
        wrong = tuple(f"{number} links" for number in range(5) if number != goal - start)
        question = f"{told} By how many links is {events[goal]} due to {events[start]}?"
        return Problem(question, steps, f"{goal - start} links", wrong, f"{start + 1} + {goal - start} = {goal + 1}")
    cut, ask = rng.randint(1, 3), rng.choice(("still happen", "are lost"))
    right = cut if ask == "still happen" else 4 - cut
    steps = (f"cut: {cut + 1} of 4", f"kept before it: {cut}", f"lost with it: 4 - {cut} = {4 - cut}")
    wrong = tuple(f"{number} of the 4" for number in (4 - right, right - 1, right + 1, 4, 0) if number != right)
    return Problem(f"{told} Without {events[cut]}, how many {ask}?", steps, f"{right} of the 4", wrong, f"{cut} + {4 - cut} = 4")


def check_traced(chains: tuple[Chain, ...]) -> Callable[[str, str], bool]:
    """Every link stands in a chain of the table; then the answer's own causes and effects are looked up in the links told."""
    known = {(title, *link) for title, *events in chains for link in pairwise(events)}

    def check(question: str, answer: str) -> bool:
        told, _, asked = question.partition(". ")
        title, _, told = told.partition(": ")
        if ", that to " in told:
            events = re.split(r" led to |, that to ", told)
            links = [*pairwise(events)]
        else:
            links = [(cause, effect) for cause, _, effect in (link.partition(" led to ") for link in told.split("; "))]
        return known.issuperset((title, *link) for link in links) and _answers(links, asked, answer)

    return check


def _answers(links: list[tuple[str, str]], asked: str, answer: str) -> bool:
    """Goes from the answer up to its causes, or down to its effects."""
    above, below = {effect: cause for cause, effect in links}, dict(links)
    event = answer.removeprefix("It is ")
    if asked in _ASKED:
        return (
            event in {*above, *below}
            and (event in above, event in below) == ((False, True), (True, False), (True, True))[_ASKED.index(asked)]
        )
    if found := re.fullmatch(r"What is a (direct|remote) (effect|cause) of (.+)\?", asked):
        back = above if found[2] == "effect" else below
        origin = back.get(event) if found[1] == "direct" else back.get(back.get(event, ""))
        return origin == found[3]
    if found := re.fullmatch(r"By how many links is (.+) due to (.+)\?", asked):
        number, event = 0, found[1]
        while event in above and event != found[2]:
            number, event = number + 1, above[event]
        return event == found[2] and answer == f"{number} links"
    cut = re.fullmatch(r"Without (.+), (?:what else|how many).*", asked)
    kept, lost = 0, []
    event = cut[1] if cut else ""
    while event in above:
        kept, event = kept + 1, above[event]
    event = cut[1] if cut else ""
    while event in below:
        event = below[event]
        lost.append(event)
    if "how many" in asked:
        return answer == f"{kept if 'still' in asked else len(lost) + 1} of the 4"
    return answer == (f"lost: {' and '.join(lost) or 'nothing'}")
