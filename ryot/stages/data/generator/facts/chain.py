"""Causal chains told in shuffled links: what lies at the root, what comes of it, and what is lost when a link is cut."""

import re
from collections.abc import Callable
from random import Random

from ryot.stages.data.generator.problem import Problem

Chain = tuple[str, ...]
_FORM = "It is {}"
_ASKED = ("What is the first cause?", "What is the last effect?", "What lies between?")


def trace(chains: tuple[Chain, ...]) -> Callable[[Random, int], Problem]:
    """Two links; three links; a cut beside a foreign link; a cut in three links: what still happens?"""

    def make(rng: Random, level: int) -> Problem:
        chain = rng.choice(chains)
        length = (3, 4, 3, 4)[level]
        start = rng.randint(0, len(chain) - length)
        events = chain[start : start + length]
        if level == 0:
            return _traced(rng, events, rng.randrange(3))
        if level == 1:
            return _direct(rng, events, rng.randrange(2), rng.randrange(3))
        if level == 2:
            return _cut(rng, events, rng.choice([other for other in chains if other is not chain]))
        return _still(rng, events, rng.randint(1, 2))

    return make


def _told(rng: Random, *links: tuple[str, str]) -> str:
    sentences = [f"{cause} led to {effect}" for cause, effect in links]
    rng.shuffle(sentences)
    return f"Known: {'; '.join(sentences)}."


def _links(events: Chain) -> tuple[tuple[str, str], ...]:
    return tuple(zip(events, events[1:], strict=False))


def _traced(rng: Random, events: Chain, asked: int) -> Problem:
    first, middle, last = events
    answer = (first, last, middle)[asked]
    steps = (f"{first} -> {middle}", f"{middle} -> {last}", (f"nothing led to {first}", f"{last} led to nothing", "both share it")[asked])
    others = [event for event in events if event != answer]
    wrong = tuple(_FORM.format(other) for other in (*others, "none of them", "all of them"))
    back = (f"{first} is no effect here", f"{last} is no cause here", f"{middle} is effect and cause")[asked]
    return Problem(f"{_told(rng, *_links(events))} {_ASKED[asked]}", steps, _FORM.format(answer), wrong, back)


def _direct(rng: Random, events: Chain, forward: int, place: int) -> Problem:
    """The one event that another brings about at once, or that is its direct cause."""
    cause, effect = events[place], events[place + 1]
    given, answer = (cause, effect) if forward else (effect, cause)
    ask = f"What is the direct {'effect' if forward else 'cause'} of {given}?"
    steps = (f"look for {given}", f"{cause} -> {effect}", f"so {answer}, not a farther {'effect' if forward else 'cause'}")
    wrong = tuple(_FORM.format(other) for other in (*(event for event in events if event not in (given, answer)), given))
    back = f"{answer} is {'due to' if forward else 'followed by'} {given}"
    return Problem(f"{_told(rng, *_links(events))} {ask}", steps, _FORM.format(answer), wrong, back)


def _cut(rng: Random, events: Chain, other: Chain) -> Problem:
    """One effect is lost; the root stays, and so does a foreign chain."""
    first, middle, last = events
    start = rng.randint(0, len(other) - 2)
    strange = other[start : start + 2]
    question = f"{_told(rng, *_links(events), (strange[0], strange[1]))} If {middle} is prevented, what is lost with it?"
    steps = (f"cut {middle}", f"{middle} -> {last}: lost", f"{first} comes before: stays", f"{strange[0]} is apart: stays")
    wrong = tuple(_FORM.format(event) for event in (first, strange[1], strange[0]))
    return Problem(question, steps, _FORM.format(last), wrong, f"only {last} needs {middle}")


def _still(rng: Random, events: Chain, cut: int) -> Problem:
    question = f"{_told(rng, *_links(events))} If {events[cut]} is prevented, how many of the four still happen?"
    steps = (f"order: {', '.join(events)}", f"cut {events[cut]}", f"lost: {4 - cut}, kept: {cut}")
    wrong = tuple(f"{number} of the 4" for number in (4 - cut, 3 - cut + 2 * (cut == 1), 4, 3, 0) if number != cut)
    return Problem(question, steps, f"{cut} of the 4", wrong, f"{cut} before {events[cut]}, and 4 - {cut} = {4 - cut} from it on")


def check_traced(chains: tuple[Chain, ...]) -> Callable[[str, str], bool]:
    """Every link stands in a chain of the table; then the answer's own causes and effects are looked up in the links told."""
    known = {link for chain in chains for link in _links(chain)}

    def check(question: str, answer: str) -> bool:
        told, _, asked = question.removeprefix("Known: ").partition(". ")
        links = [(cause, effect) for cause, _, effect in (link.partition(" led to ") for link in told.split("; "))]
        if not known.issuperset(links):
            return False
        return _counted(links, asked, answer) if "how many" in asked else _named(links, asked, answer.removeprefix("It is "))

    return check


def _named(links: list[tuple[str, str]], asked: str, event: str) -> bool:
    causes = [cause for cause, effect in links if effect == event]
    effects = [effect for cause, effect in links if cause == event]
    if asked == _ASKED[0]:
        return bool(effects) and not causes
    if asked == _ASKED[1]:
        return bool(causes) and not effects
    if asked == _ASKED[2]:
        return bool(causes and effects)
    if found := re.fullmatch(r"If (.+) is prevented, .*", asked):
        return causes == [found[1]]
    found = re.fullmatch(r"What is the direct (effect|cause) of (.+)\?", asked)
    return found is not None and (causes if found[1] == "effect" else effects) == [found[2]]


def _counted(links: list[tuple[str, str]], asked: str, answer: str) -> bool:
    """Goes up from the prevented event to the root; each cause on the way is kept."""
    found = re.fullmatch(r"If (.+) is prevented, .*", asked)
    kept, event = 0, found[1] if found else ""
    above = {effect: cause for cause, effect in links}
    while event in above:
        kept, event = kept + 1, above[event]
    return answer == f"{kept} of the 4"
