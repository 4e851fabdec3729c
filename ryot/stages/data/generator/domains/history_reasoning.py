"""History: recurring years and their rule, and the dating of finds by the reign of the ruler they name."""

import re
from fractions import Fraction
from itertools import pairwise
from random import Random

from ryot.stages.data.generator.facts.chance import chance, chance_of
from ryot.stages.data.generator.facts.history import RECURRING, REIGNS
from ryot.stages.data.generator.problem import Problem, Template, numbers, numeric, quantity

_YEAR, _COUNT = "the year {}", "{} times"
_LONG = tuple(name for name, (first, last) in REIGNS.items() if last - first >= 9)
_FINDS = ("coin", "seal", "charter", "letter", "medal", "bust")


def recurring(rng: Random, level: int) -> Problem:
    """The next or the one before; one farther on; how many within years; the year that breaks the rule."""
    name, first, step, last = rng.choices(RECURRING, [(row[3] - row[1]) // row[2] for row in RECURRING])[0]
    count = (last - first) // step + 1
    place = rng.randint(1, count - 4)
    seen = [first + (place + k) * step for k in range(3)]
    told = f"{name[0].upper()}{name[1:]} came in {seen[0]}, {seen[1]} and {seen[2]}"
    rule = (f"{seen[1]} - {seen[0]} = {step}", f"{seen[2]} - {seen[1]} = {step}: every {step} years")
    if level == 0:
        after = rng.random() < 0.5
        value = seen[2] + step if after else seen[0] - step
        steps: tuple[str, ...] = (*rule, f"{seen[2]} + {step} = {value}" if after else f"{seen[0]} - {step} = {value}")
        mistakes: tuple[Fraction | int, ...] = (value + 1, value - 1, value + step if after else value - step, value + 2)
        question = f"{told}. When was the {'next' if after else 'one before'}?"
        return numeric(question, steps, value, _YEAR, mistakes, f"{value} {'-' if after else '+'} {step} = {seen[2] if after else seen[0]}")
    if level == 1:
        ahead = rng.randint(2, min(9, max(2, count - place - 3)))
        value = seen[2] + ahead * step
        if value > last:
            return recurring(rng, level)
        steps = (*rule, f"{seen[2]} + {ahead} * {step} = {value}")
        mistakes = (value - step, value + step, seen[2] + ahead)
        return numeric(
            f"{told}. By this rule, when was number {ahead} after?",
            steps,
            value,
            _YEAR,
            mistakes,
            f"({value} - {seen[2]}) / {step} = {ahead}",
        )
    if level == 2:
        ahead = rng.randint(1, max(1, min(12, count - place - 4)))
        start, end = seen[0] - rng.randint(0, step - 1), seen[2] + ahead * step + rng.randint(0, step - 1)
        value = 3 + ahead
        steps = (
            f"every {step} years",
            f"{seen[2] + ahead * step} - {seen[0]} = {(2 + ahead) * step}",
            f"{(2 + ahead) * step} / {step} + 1 = {value}",
        )
        back = f"{seen[0]} + {value - 1} * {step} = {seen[2] + ahead * step}"
        mistakes = (value - 1, value + 1, value + 2)
        return numeric(f"{told}, and so on. How often from {start} to {end}?", steps, value, _COUNT, mistakes, back)
    return _slip(rng, name, step, [*seen, seen[2] + step])


def _slip(rng: Random, name: str, step: int, years: list[int]) -> Problem:
    place = rng.randrange(4)
    false = years[place] + rng.choice([shift for shift in (-3, -2, -1, 1, 2, 3) if abs(shift) < step])
    shown = [false if k == place else year for k, year in enumerate(years)]
    gaps = [later - earlier for earlier, later in pairwise(shown)]
    steps = (f"gaps {', '.join(map(str, gaps))}", f"true gap {step}: {false} breaks it", f"so {years[place]}")
    question = f"A list of {name}: {', '.join(map(str, shown))}. Mend the wrong year."
    wrong = [
        f"{other} for {shown[k]}"
        for k, other in ((place, 2 * false - years[place]), *((k, shown[k] + years[place] - false) for k in range(4)))
    ]
    return Problem(question, steps, f"{years[place]} for {false}", tuple(wrong), f"{years[0]} + 3 * {step} = {years[3]}")


def check_recurring(question: str, answer: str) -> bool:
    """The answer is put among the years: all distances between neighbours are then multiples of one, or that one."""
    given = [int(number) for number in numbers(question)]
    if "Mend" in question:
        found = re.fullmatch(r"(\d+) for (\d+)", answer)
        if not found or int(found[2]) not in given:
            return False
        mended = [int(found[1]) if year == int(found[2]) else year for year in given]
        gap = mended[1] - mended[0]
        name = question.removeprefix("A list of ").partition(":")[0]
        interval = next(step for known, _, step, _ in RECURRING if known == name)
        return gap == interval and all(later - earlier == gap for earlier, later in pairwise(mended))
    gap = given[1] - given[0]
    if "How often" in question:
        return quantity(answer, _COUNT) == sum(given[3] <= given[0] + k * gap <= given[4] for k in range(given[4] // gap))
    year = quantity(answer, _YEAR)
    if "By this rule" in question:
        return year is not None and year - given[3] * gap == given[2]
    return year is not None and (year - gap == given[2] if "next" in question else year + gap == given[0])


def dating(rng: Random, level: int) -> Problem:
    """Before a year of the reign; between two years; two finds; a find of one of two rulers."""
    name, find = rng.choice(_LONG), rng.choice(_FINDS)
    first, last = REIGNS[name]
    length, part = last - first, rng.randint(1, last - first - 1)
    share = Fraction(part, length)
    told = f"A {find} of {name} ({first}-{last}), any time as likely:"
    if level == 0:
        question = f"{told} how likely is it from before {first + part}?"
        steps: tuple[str, ...] = (
            f"{last} - {first} = {length} years",
            f"{first + part} - {first} = {part}",
            f"{part} / {length} = {share}",
        )
        return chance(
            question, steps, share, (1 - share, Fraction(1, length), Fraction(part, last)), f"the rest: {length - part} of {length}"
        )
    if level == 1:
        start = rng.randint(1, length - 1)
        part = rng.randint(1, length - start)
        value = Fraction(part, length)
        question = f"{told} how likely is it from {first + start} to {first + start + part}?"
        steps = (f"{last} - {first} = {length} years", f"{first + start + part} - {first + start} = {part}", f"{part} / {length} = {value}")
        mistakes: tuple[Fraction, ...] = (1 - value, Fraction(start, length), Fraction(part + 1, length), Fraction(start + part, length))
        return chance(question, steps, value, mistakes, f"{start} + {part} + {length - start - part} = {length}")
    if level == 2:
        both = rng.random() < 0.5
        value = share**2 if both else 1 - (1 - share) ** 2
        two = f"Two {find}s of {name} ({first}-{last}), any time as likely:"
        question = f"{two} how likely {'are both' if both else 'is at least one'} from before {first + part}?"
        steps = (f"{last} - {first} = {length} years", f"one: {share}", f"{share} * {share} = {value}")
        if not both:
            steps = (f"one not: {1 - share}", f"neither: {(1 - share) ** 2}", f"the rest: {value}")
        mistakes = (share, 1 - value, share**2, (1 - share) ** 2, share / 2)
        return chance(question, steps, value, mistakes, f"{value} + {1 - value} = 1")
    return _either(rng, name, find)


def _either(rng: Random, name: str, find: str) -> Problem:
    other = rng.choice([ruler for ruler in _LONG if ruler != name])
    spans = [REIGNS[ruler][1] - REIGNS[ruler][0] for ruler in (name, other)]
    early = rng.randint(1, min(spans) - 1)
    one, two = (Fraction(early, span) for span in spans)
    value = one / (one + two)
    told = "; ".join(f"{ruler} {REIGNS[ruler][0]}-{REIGNS[ruler][1]}" for ruler in (name, other))
    question = f"{told}. A {find}, as likely of either, is from the first {early} years of its reign. How likely is it of {name}?"
    steps = (f"{early} of {spans[0]} years", f"{early} of {spans[1]} years", f"{spans[1]} / ({spans[0]} + {spans[1]}) = {value}")
    mistakes = (Fraction(1, 2), 1 - value, one, two)
    return chance(question, steps, value, mistakes, f"odds {spans[1]}:{spans[0]}")


def check_dating(question: str, answer: str) -> bool:
    """The years stand as in the table; the chance times the reign is the years asked for, or its odds those of the reigns."""
    value = chance_of(answer)
    if value is None or not 0 <= value <= 1:
        return False
    if "either" in question:
        rulers = re.findall(r"(?:^|; )([^;]+?) (\d+)-(\d+)", question)
        (asked, a, b), (_, c, d) = rulers
        known = all(REIGNS[name] == (int(start), int(end)) for name, start, end in rulers)
        return known and question.endswith(f" of {asked}?") and value * (int(b) - int(a)) == (1 - value) * (int(d) - int(c))
    name, start, end = re.findall(r" of (.+) \((\d+)-(\d+)\)", question)[0]
    years = [int(number) for number in numbers(question.partition(": ")[2])]
    length = int(end) - int(start)
    if REIGNS[name] != (int(start), int(end)):
        return False
    early = years[-1] - (years[0] if len(years) == 2 else int(start))
    if "both" in question:
        return value * length * length == early * early
    if "at least" in question:
        return (1 - value) * length * length == (length - early) ** 2
    return value * length == early


TEMPLATES = (
    Template("recurring", "history", "inductive", recurring, check_recurring),
    Template("dating", "history", "probabilistic", dating, check_dating),
)
