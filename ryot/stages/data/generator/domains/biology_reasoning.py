"""Biology: the genetic code, rules found in observations, food chains, and what food chains pass on."""

import re
from fractions import Fraction
from random import Random

from ryot.stages.data.generator.facts.biology import AMINO_ACIDS, ANIMALS, CODE, RELATIONS
from ryot.stages.data.generator.facts.relation import check_related, relate
from ryot.stages.data.generator.facts.riddle import check_explained, explain
from ryot.stages.data.generator.problem import Problem, Template, numbers, numeric, quantity, written

_PAIRS, _COPIED = str.maketrans("ACGT", "TGCA"), str.maketrans("ACGT", "UGCA")
_READ_BACK = str.maketrans("UGCA", "ACGT")
_CODONS = tuple(codon for codon, amino in CODE.items() if amino != "*")
_SHARE, _CELLS, _KJ = "{} percent", "{} found", "{} kJ more"


def strand(rng: Random, level: int) -> Problem:
    """The paired strand; the mRNA; the peptide it codes for; the shares of the bases by Chargaff's rule."""
    if level == 3:
        return _chargaff(rng)
    codons = [rng.choice(_CODONS) for _ in range((2, 2, 3)[level])]
    mrna = " ".join(codons)
    template = mrna.translate(_READ_BACK)
    if level == 0:
        pair = template.translate(_PAIRS)
        steps: tuple[str, ...] = ("A pairs with T, C with G", *(f"{a} -> {b}" for a, b in zip(template.split(), pair.split(), strict=True)))
        wrong: tuple[str, ...] = (template, mrna, pair[::-1], template[::-1], pair.translate(str.maketrans("AC", "CA")))
        return Problem(f"Which DNA strand pairs with {template}?", steps, pair, wrong, f"{pair} pairs with {template}")
    if level == 1:
        steps = ("A gives U, T gives A, C gives G, G gives C", *(f"{a} -> {b}" for a, b in zip(template.split(), codons, strict=True)))
        wrong = (template.translate(_PAIRS), template, mrna[::-1], template.replace("T", "U"))
        return Problem(f"Which mRNA is copied from DNA {template}?", steps, mrna, wrong, f"{mrna} pairs with {template}")
    peptide = [AMINO_ACIDS[CODE[codon]] for codon in codons]
    text = "-".join(peptide)
    steps = tuple(f"{codon} codes for {amino}" for codon, amino in zip(codons, peptide, strict=True))
    others = [AMINO_ACIDS[CODE[rng.choice(_CODONS)]] for _ in range(3)]
    wrong = ("-".join(reversed(peptide)), *("-".join([*peptide[:k], others[k], *peptide[k + 1 :]]) for k in range(3)), "-".join(others))
    return Problem(f"Which peptide does the mRNA {mrna} code for?", steps, text, wrong, f"codons of {text}: {mrna}")


def _chargaff(rng: Random) -> Problem:
    part, length = rng.randint(5, 45), 100 * rng.randint(2, 20)
    base, other = rng.choice(("AG", "AC", "TG", "TC", "GA", "GT", "CA", "CT"))
    partner = base.translate(_PAIRS)
    rest = 50 - part
    count = length * rest // 100
    question = f"Double-stranded DNA of {length} bases has {part} percent {base}. How many bases are {other}?"
    steps = (
        f"{partner} = {base} = {part} percent",
        f"{other}: (100 - 2 * {part}) / 2 = {rest} percent",
        f"{rest} percent of {length} = {count}",
    )
    mistakes = (Fraction(length * part, 100), Fraction(length * 2 * rest, 100), Fraction(length * (100 - part), 100))
    return numeric(question, steps, count, "{} bases", mistakes, f"2 * ({count} + {length * part // 100}) = {length}")


def check_strand(question: str, answer: str) -> bool:
    """The answer paired again gives the strand; each amino acid's codons are searched; twice the two bases is the whole."""
    if "percent" in question:
        count, (length, part) = quantity(answer, "{} bases"), numbers(question)
        return count is not None and 2 * (count + length * part / 100) == length
    given = re.findall(r"\b[ACGTU]{3}\b", question)
    if "peptide" in question:
        acids = answer.split("-")
        named = {amino: {codon for codon, letter in CODE.items() if AMINO_ACIDS[letter] == amino} for amino in acids}
        return len(acids) == len(given) and all(codon in named[amino] for codon, amino in zip(given, acids, strict=True))
    if "mRNA" in question:
        return "T" not in answer and answer.translate(_READ_BACK) == " ".join(given)
    return "U" not in answer and answer.translate(_PAIRS) == " ".join(given)


def observed(rng: Random, level: int) -> Problem:
    """Chirps rise steadily with warmth; a colony multiplies; ancestors of drones add up; two rules that meet."""
    return (_chirps, _colony, _drones, _rivals)[level](rng)


def _chirps(rng: Random) -> Problem:
    step, start, warm = rng.randint(4, 9), rng.randint(20, 60), rng.randint(10, 18)
    seen = [start + k * step for k in range(3)]
    ahead = rng.randint(2, 5)
    value = seen[2] + ahead * step
    told = ", ".join(f"{seen[k]} at {warm + k} C" for k in range(3))
    question = f"A cricket's chirps a minute: {told}. How many are expected at {warm + 2 + ahead} C?"
    steps = (f"each degree adds {step}", f"{ahead} degrees more add {ahead * step}", f"{seen[2]} + {ahead * step} = {value}")
    return numeric(
        question,
        steps,
        value,
        "{} chirps",
        (seen[2] + step, value + step, seen[0] + ahead * step),
        f"({value} - {seen[0]}) / {ahead + 2} = {step}",
    )


def _colony(rng: Random) -> Problem:
    start, factor, ahead = rng.randint(2, 40), rng.choice((2, 3, 4)), rng.randint(1, 3)
    seen = [start * factor**k for k in range(3)]
    value = seen[2] * factor**ahead
    question = f"Duckweed leaves counted each week: {seen[0]}, {seen[1]}, {seen[2]}. How many are expected {ahead} weeks later?".replace(
        "1 weeks", "1 week"
    )
    steps = (
        f"each week multiplies by {factor}",
        f"{ahead} more: {factor} to the power {ahead} = {factor**ahead}",
        f"{seen[2]} * {factor**ahead} = {value}",
    )
    mistakes = (seen[2] + ahead * (seen[2] - seen[1]), value * factor, seen[2] * factor * ahead)
    return numeric(question, steps, value, "{} leaves", mistakes, f"{value} / {factor ** (ahead + 2)} = {seen[0]}")


def _drones(rng: Random) -> Problem:
    drones, first = rng.randint(2, 60), rng.randint(0, 2)
    line = [drones, drones]
    while len(line) < 9:
        line.append(line[-1] + line[-2])
    ahead = rng.randint(1, 2)
    seen, value = line[first + 1 : first + 5], line[first + 4 + ahead]
    asked = "are next" if ahead == 1 else "two generations on"
    question = f"Unrelated drones have, going back, {', '.join(map(str, seen))} ancestors. How many {asked}?"
    steps = [
        f"{seen[0]} + {seen[1]} = {seen[2]}",
        f"{seen[1]} + {seen[2]} = {seen[3]}: sums",
        f"{seen[2]} + {seen[3]} = {line[first + 5]}",
    ]
    if ahead == 2:
        steps.append(f"{seen[3]} + {line[first + 5]} = {value}")
    mistakes = (2 * seen[3], seen[3] + seen[3] - seen[2], line[first + 6], line[first + 5])
    return numeric(question, steps, value, "{} ancestors", mistakes, f"{value} - {line[first + 3 + ahead]} = {line[first + 2 + ahead]}")


def _rivals(rng: Random) -> Problem:
    up, down, years = rng.randint(3, 20), rng.randint(3, 20), rng.randint(3, 9)
    low = rng.randint(10, 90)
    high = low + (up + down) * years
    grey, red = [low + k * up for k in range(3)], [high - k * down for k in range(3)]
    counts = f"grey {grey[0]}, {grey[1]}, {grey[2]}; red {red[0]}, {red[1]}, {red[2]}"
    question = f"Squirrels counted yearly: {counts}. How many years after the first are they equal?"
    gap = high - low
    steps = (f"grey rise by {up}, red fall by {down}", f"gap {gap} closes by {up + down} a year", f"{gap} / {up + down} = {years}")
    return numeric(question, steps, years, "{} years after", (years - 2, years + 2, Fraction(gap, up)), f"both are {low + up * years} then")


def check_observed(question: str, answer: str) -> bool:
    """The predicted value, taken back along the rule, meets the first observation."""
    given = numbers(question)
    if "chirps" in question:
        value, (first, warm, second, _, _, _, asked) = quantity(answer, "{} chirps"), given
        return value is not None and (value - first) == (asked - warm) * (second - first)
    if "Duckweed" in question:
        value, (first, second, _, weeks) = quantity(answer, "{} leaves"), given
        for _ in range(int(weeks) + 2):
            value = None if value is None else value * first / second
        return value == first
    if "drone" in question:
        value = quantity(answer, "{} ancestors")
        after = [given[2] + given[3], given[2] + 2 * given[3]]
        return value is not None and (value - given[3] == given[2] if "next" in question else value - given[3] == after[0])
    years, (a, b, _, x, y, _) = quantity(answer, "{} years after"), given
    return years is not None and a + years * (b - a) == x + years * (y - x)


def food_chain(rng: Random, level: int) -> Problem:
    """More at the bottom; more two levels up; another efficiency; one level left out (Lindeman 1942)."""
    share = rng.choice((10, 20)) if level else 10
    base = 1000 * rng.randint(3, 60)
    grazer, hunter = rng.choice(
        (("grasshoppers", "frogs"), ("mice", "owls"), ("snails", "thrushes"), ("hares", "lynxes"), ("krill", "herring"))
    )
    plants = "Algae" if grazer == "krill" else "Plants"
    told = f"{plants} store {base} kJ; {share} percent passes up a level."
    if level < 2:
        more = 100 * rng.randint(2, 60)
        gain = Fraction(more * share ** (level + 1), 100 ** (level + 1))
        who = hunter if level else grazer
        question = f"{told} Had they stored {more} more, how much more would {who}{f', eating {grazer},' if level else ''} get?"
        risen = ["only the rise counts", f"{grazer}: {share} percent = {written(Fraction(more * share, 100))}"]
        risen.append(f"{hunter}: {share} percent = {written(gain)}" if level else f"so {written(gain)} kJ more")
        mistakes: tuple[Fraction | int, ...] = (Fraction(base * share, 100), Fraction((base + more) * share, 100), gain * 10, gain / 10)
        return numeric(
            question, risen, gain, _KJ, mistakes, f"{written(gain)} * {100 // share}{f' * {100 // share}' if level else ''} = {more}"
        )
    first, second = Fraction(base * share * share, 10000), Fraction(base * (share + 5) ** 2, 10000)
    if level == 2:
        question = f"{told} Had {share + 5} percent passed up, how much more would {hunter}, eating {grazer}, get?"
        steps = (
            f"at {share}: {written(first)}",
            f"at {share + 5}: {written(second)}",
            f"{written(second)} - {written(first)} = {written(second - first)}",
        )
        mistakes = (second, Fraction(base * 5, 100), Fraction(base * 25, 10000))
        return numeric(question, steps, second - first, _KJ, mistakes, f"{written(second - first)} + {written(first)} = {written(second)}")
    direct = Fraction(base * share, 100)
    question = f"{told} {hunter.capitalize()} eat {grazer}. Had they eaten {plants.lower()}, how much more would they get?"
    steps = (
        f"by {grazer}: {written(first)}",
        f"directly: {written(direct)}",
        f"{written(direct)} - {written(first)} = {written(direct - first)}",
    )
    return numeric(
        question,
        steps,
        direct - first,
        _KJ,
        (direct, first, base - direct),
        f"{written(direct - first)} + {written(first)} is {share} percent of {base}",
    )


def check_food_chain(question: str, answer: str) -> bool:
    """What reaches a level, divided by the share at each step, is what the plants stored."""
    gain, (base, share, *rest) = quantity(answer, _KJ), numbers(question)
    if gain is None:
        return False
    up = 100 / share
    if "stored" in question:
        return gain * up * (up if ", eating" in question else 1) == rest[0]
    if rest:
        return (gain + base / up / up) * (100 / rest[0]) ** 2 == base
    return (gain + base / up / up) * up == base


TEMPLATES = (
    Template("strand", "biology", "deductive", strand, check_strand),
    Template("observed", "biology", "inductive", observed, check_observed),
    Template("animals", "biology", "abductive", explain(ANIMALS), check_explained(ANIMALS)),
    Template("organs", "biology", "analogical", relate(RELATIONS), check_related(RELATIONS)),
    Template("foodweb", "biology", "counterfactual", food_chain, check_food_chain),
)
