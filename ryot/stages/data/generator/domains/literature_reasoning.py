"""Literature: patterns of rhyme, syllables and end words that go on, and parts of works drawn at random."""

import re
from fractions import Fraction
from random import Random

from ryot.stages.data.generator.facts.chance import bracketed, chance, chance_of
from ryot.stages.data.generator.facts.literature import PARTED
from ryot.stages.data.generator.problem import Problem, Template, numbers, numeric, quantity

_STANZAS = ("aabb", "abab", "abba", "aabba", "ababcc", "ababbcbcc", "abababcc", "aabccb", "ababbcc")
_METRES = (
    ("haiku", (5, 7, 5)), ("tanka", (5, 7, 5, 7, 7)), ("Sapphic stanzas", (11, 11, 11, 5)), ("common metre", (8, 6, 8, 6)),
    ("short metre", (6, 6, 8, 6)), ("cinquains", (2, 4, 6, 8, 2)), ("Alcaic stanzas", (11, 11, 9, 10)), ("limericks", (8, 8, 5, 5, 8)),
)  # fmt: skip
_WORDS = ("sea", "day", "rose", "moon", "stone", "fire", "night", "bird", "snow", "gold", "wind", "rain", "leaf", "star", "song", "door")
_FORM, _SYLLABLES = "It is {}", "{} syllables"


def pattern(rng: Random, level: int) -> Problem:
    """The letter of a line in stanzas alike; the rhymes of a line of terza rima; syllables so far; end words that turn."""
    return (_letter, _terza, _syllables, _turning)[level](rng)


def _letter(rng: Random) -> Problem:
    stanza = rng.choice(_STANZAS)
    size = len(stanza)
    line = rng.randint(2 * size + 1, 99)
    place = (line - 1) % size
    rest = f"line {place + 1}" if line % size else f"line {size}"
    question = f"A poem's lines rhyme {stanza} {stanza} and so on. Which letter has line {line}?"
    steps = (
        f"{size} lines a stanza",
        f"{line} = {(line - 1) // size} * {size} + {place + 1}: {rest}",
        f"letter {place + 1} of {stanza}: {stanza[place]}",
    )
    wrong = tuple(_rhymes(letter) for letter in "abcd" if letter != stanza[place])
    back = f"{stanza[place]} is letter {place + 1}; {(line - 1) // size} * {size} + {place + 1} = {line}"
    return Problem(question, steps, _rhymes(stanza[place]), wrong, back)


def _rhymes(letter: str) -> str:
    return f"the letter {letter}"


def _terza(rng: Random) -> Problem:
    tercet, place = rng.randint(3, 150), rng.randint(1, 3)
    line = 3 * tercet + place
    pair = (line + 2, line + 4) if place == 2 else (line - 2, line + 2) if place == 3 else (line - 1, line + 2)
    pair = (3 * tercet - 1, line + 2) if place == 1 else (3 * tercet - 1, line - 2) if place == 3 else pair
    low, high = sorted(pair)
    question = f"In terza rima, aba bcb cdc, which two lines rhyme with line {line}?"
    role = ("first", "middle", "last")[place - 1]
    rule = "as the outer lines after it" if place == 2 else "as the middle line before it"
    partner = (
        f"next tercet: lines {line + 2} to {line + 4}"
        if place == 2
        else f"that is line {3 * tercet - 1}; within: {line + 2 if place == 1 else line - 2}"
    )
    steps = (f"{line} = 3 * {tercet} + {place}: {role} of its tercet", rule, partner)
    wrong = [
        _lines(a, b)
        for a, b in ((line - 1, line + 1), (line - 2, line + 2), (line + 1, line + 3), (line - 4, line - 2), (line - 3, line + 3))
    ]
    return Problem(question, steps, _lines(low, high), tuple(wrong), f"lines {', '.join(map(str, sorted((low, high, line))))}: two apart")


def _lines(low: int, high: int) -> str:
    return f"lines {low} and {high}"


def _syllables(rng: Random) -> Problem:
    name, metre = rng.choice(_METRES)
    size, total = len(metre), sum(metre)
    stanzas, rest = rng.randint(2, 16), rng.randint(1, size - 1)
    count = stanzas * size + rest
    value = stanzas * total + sum(metre[:rest])
    shown = ", ".join(map(str, metre * 2))
    question = f"Lines of {name} have {shown} syllables, and so on. How many have the first {count} lines?"
    steps = (
        f"it repeats after {size} lines: {total}",
        f"{count} = {stanzas} * {size} + {rest}",
        f"{stanzas} * {total} + {sum(metre[:rest])} = {value}",
    )
    mistakes = (stanzas * total, value + metre[rest], count * metre[0], (stanzas + 1) * total)
    return numeric(question, steps, value, _SYLLABLES, mistakes, f"{value} + {sum(metre[rest:])} = {stanzas + 1} * {total}")


def _turning(rng: Random) -> Problem:
    words = rng.sample(_WORDS, 4)
    later = 3
    stanzas = [words]
    while len(stanzas) < later:
        stanzas.append(_turned(stanzas[-1]))
    order = " ".join(str(words.index(word) + 1) for word in stanzas[1])
    question = f"Lines end on {', '.join(words)}; in stanza 2 on {', '.join(stanzas[1])}. By this turn, what of stanza {later}?"
    steps = [f"turn: {order}", *(f"{k + 1}: {', '.join(stanzas[k])}" for k in range(2, later))]
    if len(steps) < 3:
        steps.append("each word once")
    others = (stanzas[1], [*reversed(stanzas[-1])], words, [*stanzas[-1][1:], stanzas[-1][0]], _turned(stanzas[-1]), [*reversed(words)])
    return Problem(
        question,
        tuple(steps),
        ", ".join(stanzas[-1]),
        tuple(", ".join(other) for other in others),
        f"{stanzas[-1][1]} led stanza {later - 1}",
    )


def _turned(words: list[str]) -> list[str]:
    """Last, first, last but one, second: as the end words of a sestina turn."""
    return [words[-1 - k // 2] if k % 2 == 0 else words[k // 2] for k in range(len(words))]


def check_pattern(question: str, answer: str) -> bool:
    """Poems are written out, line after line, and the answer is looked for in them."""
    given = [int(number) for number in numbers(question)]
    if found := re.match(r"A poem's lines rhyme ([a-e]+) ", question):
        poem = found[1] * (given[0] // len(found[1]) + 1)
        return answer == _rhymes(poem[given[0] - 1])
    if question.startswith("In terza"):
        named = re.fullmatch(r"lines (\d+) and (\d+)", answer)
        return (
            named is not None
            and {_sound(int(named[1])), _sound(int(named[2]))} == {_sound(given[0])}
            and int(named[1]) < int(named[2])
            and given[0] not in (int(named[1]), int(named[2]))
        )
    if "syllables" in question:
        *metre, lines = given
        return quantity(answer, _SYLLABLES) == sum(metre[k % len(metre)] for k in range(lines))
    first, second = (stanza.split(", ") for stanza in re.findall(r"on ([a-z, ]+)[;.]", question)[:2])
    turns = [first.index(word) for word in second]
    words = answer.split(", ")
    if sorted(words) != sorted(first):
        return False
    for _ in range(given[-1] - 1):
        words = [words[turns.index(place)] for place in range(len(words))]
    return bool(words == first)


def _sound(line: int) -> int:
    """The number of the rhyme of a line of terza rima: the middle line of a tercet sounds as the next tercet's outer ones."""
    tercet, place = divmod(line - 1, 3)
    return tercet + 1 if place == 1 else tercet


def drawn(rng: Random, level: int) -> Problem:
    """One draw early in a work; two, put back; two different; just one of two early."""
    work, unit, sizes = rng.choices(PARTED, [sum(sizes) for _, _, sizes in PARTED])[0]
    whole = sum(sizes)
    early = rng.randint(2, whole - 2)
    told = f"{work} has {', '.join(map(str, sizes[:-1]))} and {sizes[-1]} {unit}s." if level < 1 else f"{work} has {whole} {unit}s."
    total = f"{' + '.join(map(str, sizes))} = {whole}"
    one = Fraction(early, whole)
    if level == 0:
        question = f"{told} How likely is one drawn of the first {early}?"
        steps: tuple[str, ...] = (total, f"wanted: {early}", f"{early} / {whole} = {one}")
        mistakes = (1 - one, Fraction(1, whole), Fraction(1, len(sizes)))
        return chance(question, steps, one, mistakes, f"{early} + {whole - early} others = {whole}")
    if level == 1:
        question = f"{told} Two are drawn, the first put back: how likely both of the first {early}?"
        steps = (f"first {one}", f"again {one}", f"{one} * {one} = {one * one}")
        return chance(
            question, steps, one * one, (one, 1 - one, one / 2, (1 - one) ** 2), f"{bracketed(one * one)} / {bracketed(one)} = {one}"
        )
    both = one * Fraction(early - 1, whole - 1)
    if level == 2:
        question = f"{told} Two are drawn: how likely both of the first {early}?"
        steps = (f"first {one}", f"then {early - 1} of {whole - 1}", f"{one} * {Fraction(early - 1, whole - 1)} = {both}")
        return chance(
            question, steps, both, (one * one, one, 1 - both), f"{bracketed(both)} / {bracketed(one)} = {Fraction(early - 1, whole - 1)}"
        )
    rest = Fraction(whole - early, whole - 1)
    value = 2 * one * rest
    question = f"{told} Two are drawn: how likely just one of the first {early}?"
    steps = (f"first in: {one}", f"second out: {rest}", f"2 * {one} * {rest} = {value}")
    return chance(
        question, steps, value, (one * rest, 2 * one * (1 - one), both, 1 - value), f"{bracketed(value)} / 2 / {bracketed(rest)} = {one}"
    )


def check_drawn(question: str, answer: str) -> bool:
    """The sizes stand as in the table; all the ways to draw are counted, and the answer's share of them is those wanted."""
    value, found = chance_of(answer), re.match(r"(.+) has (.+) (\w+)s\. ", question)
    if value is None or found is None:
        return False
    sizes = [int(size) for size in re.findall(r"\d+", found[2])]
    known = [[*parts] for work, unit, parts in PARTED if (work, unit) == (found[1], found[3])]
    if not known or (sizes != known[0] and sizes != [sum(known[0])]):
        return False
    whole, early = sum(sizes), int(numbers(question)[-1])
    if "Two are" in question and "put back" not in question:
        ways = 2 * early * (whole - early) if "just one" in question else early * (early - 1)
        return bool(value * whole * (whole - 1) == ways)
    draws = 2 if "put back" in question else 1
    return bool(value * whole**draws == early**draws)


TEMPLATES = (
    Template("verse", "literature", "inductive", pattern, check_pattern),
    Template("pages", "literature", "probabilistic", drawn, check_drawn),
)
