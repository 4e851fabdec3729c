"""Biology: crosses by Mendel's laws, checked by drawing the whole square; growth and decline, checked generation by generation."""

import re
from fractions import Fraction
from itertools import product
from random import Random

from ryot.stages.data.generator.domains import biology_audit, biology_reasoning
from ryot.stages.data.generator.problem import Problem, Template, numbers, numeric, quantity, written

# Dominant and recessive forms of the pea traits of Mendel (1866), with letters for the alleles.
TRAITS = (
    ("R", "round", "wrinkled"), ("Y", "yellow", "green"), ("T", "tall", "short"), ("P", "purple", "white"), ("I", "inflated", "pinched"),
    ("A", "axial", "terminal"),
)  # fmt: skip
# Other single genes with full dominance, as textbooks of genetics give them (Strickberger, Genetics, 1985).
OTHERS = (
    ("flies", "G", "grey", "black"), ("flies", "L", "long", "vestigial"),
    ("guinea pigs", "B", "black", "brown"),
    ("guinea pigs", "R", "rough", "smooth"), ("guinea pigs", "S", "short", "long"), ("tomatoes", "T", "tall", "dwarf"),
    ("squashes", "W", "white", "yellow"), ("squashes", "D", "disc", "sphere"), ("maize", "P", "purple", "white"),
    ("maize", "S", "starchy", "sugary"), ("mice", "B", "black", "brown"), ("mice", "A", "agouti", "black"),
    ("rabbits", "S", "short", "long"),
    ("cats", "S", "short", "long"), ("cattle", "P", "polled", "horned"), ("dogs", "B", "black", "brown"), ("hens", "C", "crested", "plain"),
)  # fmt: skip
_PERCENT, _OFFSPRING, _CELLS, _HOURS = "{} percent", "{} offspring", "{} cells", "{} hours"


def cross(rng: Random, level: int) -> Problem:
    """The chance of a form; the number expected among many; two traits at once; two traits, number expected."""
    kind, *traits = _bred(rng) if level < 2 else ("peas", *rng.sample(TRAITS, 2))
    chance, asked, factors = Fraction(1), [], []
    mothers, fathers = [], []
    for letter, dominant, recessive in traits:
        mother, father = rng.choice((0, 1, 1, 2)), rng.choice((0, 1, 1, 2))
        show = rng.random() < 0.5
        none = Fraction(2 - mother, 2) * Fraction(2 - father, 2)
        part = 1 - none if show else none
        chance *= part
        asked.append(dominant if show else recessive)
        factors.append(f"{asked[-1]}: {part}")
        mothers.append(_genotype(letter, mother))
        fathers.append(_genotype(letter, father))
    keys = ", ".join(f"{letter} {dominant} over {letter.lower()} {recessive}" for letter, dominant, recessive in traits)
    crossed, form = f"{' '.join(mothers)} x {' '.join(fathers)}", " and ".join(asked)
    told = f"In {kind}, {keys}. Cross {crossed}."
    steps = [*(["one allele of each parent"] if level < 2 else []), *factors]
    if level in (0, 2):
        question = f"{told} What percent of offspring are {form}?"
        steps += (
            [f"chance {chance} = {written(100 * chance)} percent"]
            if level == 0
            else [f"product {chance} = {written(100 * chance)} percent"]
        )
        mistakes = (100 - 100 * chance, Fraction(25), Fraction(75), Fraction(50))
        return numeric(question, steps, 100 * chance, _PERCENT, mistakes, _square(chance, len(traits)))
    n = 16 * rng.randint(1, 60)
    question = f"{told} Of {n} offspring, how many are expected to be {form}?"
    steps += [f"{n} * {chance} = {written(n * chance)}"]
    mistakes = (n - n * chance, Fraction(n, 4), Fraction(n, 2), Fraction(n))
    return numeric(question, steps, n * chance, _OFFSPRING, mistakes, _square(chance, len(traits)))


def check_cross(question: str, answer: str) -> bool:
    """Every pair of gametes, counted one by one."""
    mother, father = (side.split() for side in re.findall(r"Cross ([A-Za-z ]+) x ([A-Za-z ]+)\.", question)[0])
    forms = dict(re.findall(r"\b([A-Za-z]) ([a-z]{4,})", question.partition(".")[0]))
    wanted = re.findall(r"[a-z]+", question.partition("offspring")[2].rpartition(" are " if "percent" in question else " be ")[2])
    shown = [sorted((a, b))[0] for a, b in product("".join(mother[:1]), "".join(father[:1]))]
    squares = [{forms[allele]} for allele in shown]
    if len(mother) > 1:
        other = [sorted((a, b))[0] for a, b in product(mother[1], father[1])]
        squares = [square | {forms[allele]} for square in squares for allele in other]
    hits = sum(set(wanted) - {"and"} <= square for square in squares)
    if "percent" in question:
        value = quantity(answer, _PERCENT)
        return value is not None and value * len(squares) == 100 * hits
    value = quantity(answer, _OFFSPRING)
    return value is not None and value * len(squares) == numbers(question)[0] * hits


def _bred(rng: Random) -> tuple[str, tuple[str, str, str]]:
    """A kind of organism and one trait of it."""
    number = rng.randrange(len(TRAITS) + len(OTHERS))
    if number < len(TRAITS):
        return "peas", TRAITS[number]
    kind, *trait = OTHERS[number - len(TRAITS)]
    return kind, (trait[0], trait[1], trait[2])


def _genotype(letter: str, dominants: int) -> str:
    return letter * dominants + letter.lower() * (2 - dominants)


def _square(chance: Fraction, traits: int) -> str:
    cells = 4**traits
    return f"{chance * cells} of the {cells} squares"


def growth(rng: Random, level: int) -> Problem:
    """Doublings; doublings in a given time; the start that led to a number; the time until a number."""
    n, k, period, species = rng.randint(2, 90), rng.randint(2, 7), rng.randint(2, 12), rng.choice(("bacteria", "yeast", "algae"))
    end, hours = n * 2**k, period * k
    if level == 0:
        question = f"{n} {species} cells each divide in two {k} times. How many cells are there then?"
        steps = ("each division doubles", f"2 to the power {k} = {2**k}", f"{n} * {2**k} = {end}")
        return numeric(question, steps, end, _CELLS, (n * 2 * k, end // 2, end * 2), f"{end} halved {k} times is {n}")
    if level == 1:
        question = f"{n} {species} cells double every {period} hours. How many are there after {hours} hours?"
        steps = (f"{hours} / {period} = {k} doublings", f"2 to the power {k} = {2**k}", f"{n} * {2**k} = {end}")
        return numeric(question, steps, end, _CELLS, (n * 2 * k, end // 2, n * hours), f"{end} halved {k} times is {n}")
    if level == 2:
        question = (
            f"A culture of {species} doubles every {period} hours. After {hours} hours it has {end} cells. With how many did it start?"
        )
        steps = (f"{hours} / {period} = {k} doublings", f"2 to the power {k} = {2**k}", f"{end} / {2**k} = {n}")
        return numeric(question, steps, n, _CELLS, (Fraction(end, k), n * 2, Fraction(end, 2)), f"{n} doubled {k} times is {end}")
    question = f"{n} {species} cells double every {period} hours. After how many hours are there {end} of them?"
    steps = (f"{end} / {n} = {2**k}", f"{2**k} is 2 to the power {k}", f"{k} * {period} = {hours} hours")
    return numeric(question, steps, hours, _HOURS, (k, hours + period, 2**k * period), f"{n} doubled {k} times is {end}")


def check_growth(question: str, answer: str) -> bool:
    """The population, one doubling after another."""
    given = numbers(question)
    if "did it start" in question:
        start = quantity(answer, _CELLS)
        return start is not None and _grown(start, given[1] / given[0]) == given[2]
    if "After how many hours" in question:
        hours = quantity(answer, _HOURS)
        return hours is not None and _grown(given[0], hours / given[1]) == given[2]
    cells = quantity(answer, _CELLS)
    doublings = given[2] / given[1] if "double" in question else given[1]
    return cells is not None and _grown(given[0], doublings) == cells


def _grown(cells: Fraction, doublings: Fraction) -> Fraction | None:
    if doublings.denominator != 1 or not 0 <= doublings <= 64:
        return None
    for _ in range(int(doublings)):
        cells += cells
    return cells


TEMPLATES = (
    *biology_reasoning.TEMPLATES,
    *biology_audit.TEMPLATES,
    Template("cross", "biology", "probabilistic", cross, check_cross),
    Template("growth", "biology", "causal", growth, check_growth),
)
