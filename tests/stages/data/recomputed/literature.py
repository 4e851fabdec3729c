"""Literature, recomputed: syllables and rhymes line by line, draws counted pair by pair."""

import re
from itertools import cycle, islice

from ryot.stages.data.generator.domains.literature import WORKS
from ryot.stages.data.generator.facts.literature import BOOKS, CHAINS, PARTED, RELATIONS
from tests.stages.data.recomputed.tables import Recompute, chained, dated, explained, integers, moved, odds, related

FEET = {"iambic": 2, "trochaic": 2, "anapestic": 3, "dactylic": 3}
FEET_IN = {"dimeter": 2, "trimeter": 3, "tetrameter": 4, "pentameter": 5, "hexameter": 6}


def metre(question: str) -> str:
    words, n = re.findall(r"[a-z]+", question), integers(question)
    foot = next(FEET[word] for word in words if word in FEET)
    lines = [foot * FEET_IN[word] for word in words if word in FEET_IN]
    if "in turn" in question:
        return f"{2 * n[0] // sum(lines)} lines"
    if "Were" in question:
        return f"{n[0] * (lines[0] - lines[1])} syllables more"
    return f"{n[0] * lines[0] - (n[1] if 'lack' in question else 0)} syllables"


def verse(question: str) -> str:
    n = integers(question)
    if "Which letter" in question:
        stanza = question.split("rhyme ")[1].split(maxsplit=1)[0]
        return f"the letter {next(islice(cycle(stanza), n[0] - 1, None))}"
    if "terza" in question:
        rhymes: dict[int, list[int]] = {}
        for tercet in range(n[0]):
            for place, line in enumerate((3 * tercet + 1, 3 * tercet + 2, 3 * tercet + 3)):
                rhymes.setdefault(tercet + (place == 1), []).append(line)
        low, high = (line for line in next(lines for lines in rhymes.values() if n[0] in lines) if line != n[0])
        return f"lines {low} and {high}"
    if "syllables" in question:
        return f"{sum(islice(cycle(n[:-1]), n[-1]))} syllables"
    first, second = (words.split(", ") for words in re.findall(r"on ([a-z, ]+)[;.]", question)[:2])
    stanza = second
    for _ in range(n[-1] - 2):
        stanza = [stanza[first.index(word)] for word in second]
    return ", ".join(stanza)


def pages(question: str) -> str:
    work = question.partition(" has ")[0]
    whole = sum(size for name, _, sizes in PARTED if name == work for size in sizes)
    early = integers(question)[-1]
    if "put back" in question:
        return odds(early**2, whole**2)
    if "Two are" not in question:
        return odds(early, whole)
    inside = [(a < early) + (b < early) for a in range(whole) for b in range(a)]
    return odds(inside.count(1 if "just one" in question else 2), len(inside))


RECOMPUTE: dict[str, Recompute] = {
    "metre": metre,
    "verse": verse,
    "books": explained(BOOKS),
    "letters": related(RELATIONS),
    "plot": chained(CHAINS),
    "pages": pages,
    "editions": moved,
    "imprints": dated(WORKS),
}
