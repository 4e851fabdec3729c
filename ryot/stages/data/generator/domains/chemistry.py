"""Chemistry: molar masses with the rounded atomic masses of the table below, checked by division; dilution, by the solute."""

import re
from fractions import Fraction
from random import Random

from ryot.stages.data.generator.laws import chemistry as laws
from ryot.stages.data.generator.laws.abductive import abductive
from ryot.stages.data.generator.laws.analogical import analogical
from ryot.stages.data.generator.laws.audit import audit
from ryot.stages.data.generator.laws.chance import probabilistic
from ryot.stages.data.generator.laws.counterfactual import counterfactual
from ryot.stages.data.generator.laws.inductive import inductive
from ryot.stages.data.generator.problem import Problem, Template, is_decimal, numbers, numeric, quantity, written

# Standard atomic weights (IUPAC 2021, abridged), rounded as school tables do; chlorine and copper keep their half.
MASSES = {
    "H": Fraction(1), "C": Fraction(12), "N": Fraction(14), "O": Fraction(16), "Na": Fraction(23), "Mg": Fraction(24), "S": Fraction(32),
    "Cl": Fraction("35.5"), "K": Fraction(39), "Ca": Fraction(40), "Fe": Fraction(56), "Cu": Fraction("63.5"),
}  # fmt: skip
COMPOUNDS = (
    "H2O", "CO2", "NH3", "CH4", "NaCl", "HCl", "MgO", "CaO", "SO2", "KCl", "H2S", "NO2", "C2H6", "C3H8", "C2H4", "H2SO4", "HNO3", "NaOH",
    "CaCO3", "Na2CO3", "MgCl2", "CaCl2", "Fe2O3", "CuO", "CuSO4", "KNO3", "C6H12O6", "C2H6O", "MgSO4", "K2SO4", "FeS", "Na2SO4",
)  # fmt: skip
FUELS = {"CH4": (1, 2), "C2H4": (2, 2), "C2H6": (2, 3), "C3H8": (3, 4), "C4H10": (4, 5), "C5H12": (5, 6), "C6H12": (6, 6), "C8H16": (8, 8)}
"""Fuels and the molecules of CO2 and of water that burning one molecule gives."""
_GRAMS, _MOLES, _MOLAR = "{} grams", "{} moles", "{} mol/L"


def molar(rng: Random, level: int) -> Problem:
    """Mass of moles of an element; of a compound; moles in a mass; mass that a fuel burns to."""
    n = Fraction(rng.randint(2, 40), rng.choice((1, 2)))
    if level == 3:
        return _burning(rng, n)
    formula = rng.choice(tuple(MASSES)[1:] if level == 0 else COMPOUNDS)
    mass, moles = _mass_by_atoms(formula), written(n)
    using = _using(formula)
    total = written(n * mass)
    found = f"{formula}: {_sum_of(formula)} g/mol"
    if level < 2:
        question = f"What is the mass of {moles} mol of {formula}{' atoms' if level == 0 else ''}? {using}"
        steps = (found, f"m = n * M = {moles} * {written(mass)}", f"= {total} g")
        return numeric(question, steps, n * mass, _GRAMS, (n + mass, mass, n * mass * 2), f"{total} / {written(mass)} = {moles} mol")
    question = f"How many moles are in {total} g of {formula}? {using}"
    steps = (found, f"n = m / M = {total} / {written(mass)}", f"= {moles} mol")
    return numeric(question, steps, n, _MOLES, (n * 2, n + 1, n / 2), f"{moles} * {written(mass)} = {total} g")


def _burning(rng: Random, n: Fraction) -> Problem:
    fuel, product = rng.choice(tuple(FUELS)), rng.choice(("CO2", "H2O"))
    each, mass = FUELS[fuel][product == "H2O"], _mass_by_atoms(product)
    made, moles = n * each, written(n)
    question = f"Burning {moles} mol of {fuel} completely gives how many grams of {product}? {_using('CH2O')}"
    steps = (
        f"1 {fuel} gives {each} {product}",
        f"{moles} * {each} = {written(made)} mol",
        f"{product}: {written(mass)} g/mol",
        f"{written(made)} * {written(mass)} = {written(made * mass)} g",
    )
    back = f"{written(made * mass)} / {written(mass)} / {each} = {moles} mol"
    return numeric(question, steps, made * mass, _GRAMS, (n * mass, made, made * mass * 2, n * _mass_by_atoms(fuel)), back)


def check_molar(question: str, answer: str) -> bool:
    """Back from the answer to the amount that was given, with formulas spelt out letter by letter and the masses in the question."""
    masses = {symbol: Fraction(value) for symbol, value in re.findall(r"([A-Z][a-z]?)=(\d+(?:\.\d+)?)", question)}
    amount = numbers(question)[0]
    formulas = re.findall(r"\bof ([A-Z]\w*)", question)
    if question.startswith("How many moles"):
        n = quantity(answer, _MOLES)
        return n is not None and amount / n == _mass_by_spelling(formulas[0], masses)
    grams = quantity(answer, _GRAMS)
    if grams is None:
        return False
    if question.startswith("What is the mass"):
        return grams / _mass_by_spelling(formulas[0], masses) == amount
    fuel, product = formulas
    kept = ("C", 1) if product == "CO2" else ("H", 2)  # every such atom of the fuel ends in the product
    atoms = _spell(fuel).count(kept[0])
    return grams / _mass_by_spelling(product, masses) * kept[1] / atoms == amount


def _parts(formula: str) -> list[tuple[str, int]]:
    return [(symbol, int(count or 1)) for symbol, count in re.findall(r"([A-Z][a-z]?)(\d*)", formula)]


def _mass_by_atoms(formula: str) -> Fraction:
    return sum((MASSES[symbol] * count for symbol, count in _parts(formula)), Fraction(0))


def _sum_of(formula: str) -> str:
    terms = [f"{count} * {written(MASSES[symbol])}" if count > 1 else written(MASSES[symbol]) for symbol, count in _parts(formula)]
    return " + ".join(terms) + (f" = {written(_mass_by_atoms(formula))}" if len(terms) > 1 or "*" in terms[0] else "")


def _using(formula: str) -> str:
    symbols = dict.fromkeys(symbol for symbol, _ in _parts(formula))
    return "Use " + ", ".join(f"{symbol}={written(MASSES[symbol])}" for symbol in symbols) + "."


def _spell(formula: str) -> list[str]:
    """The atoms of a formula one by one, read from left to right: H2O is H, H, O."""
    atoms: list[str] = []
    place = 0
    while place < len(formula):
        symbol = formula[place : place + 2] if formula[place + 1 : place + 2].islower() else formula[place]
        place += len(symbol)
        digits = ""
        while place < len(formula) and formula[place].isdigit():
            digits, place = digits + formula[place], place + 1
        atoms += [symbol] * int(digits or 1)
    return atoms


def _mass_by_spelling(formula: str, masses: dict[str, Fraction]) -> Fraction:
    return sum((masses[atom] for atom in _spell(formula)), Fraction(0))


def dilution(rng: Random, level: int) -> Problem:
    """Diluting to a multiple; to any volume; the stock that is needed; the mixture of two solutions."""
    while True:
        c, v, k = Fraction(rng.randint(2, 40), rng.choice((1, 2, 5))), 10 * rng.randint(1, 30), rng.randint(2, 10)
        d, w = Fraction(rng.randint(1, 30), rng.choice((1, 2, 5))), 10 * rng.randint(1, 40)
        final = (c / k, c * v / (v + w), c / k, (c * v + d * w) / (v + w))[level]
        if is_decimal(final) and final != 0 and c != d and v != w:
            break
    cs, fs = written(c), written(final)
    if level == 0:
        question = f"Water is added to {v} mL of a {cs} mol/L salt solution until there are {v * k} mL. What is its concentration?"
        steps = (f"the volume grows {v * k} / {v} = {k} times", "the salt stays the same", f"{cs} / {k} = {fs}")
        return numeric(question, steps, final, _MOLAR, (c * k, c, final / 2), f"{fs} * {v * k} = {cs} * {v}")
    if level == 1:
        question = f"To {v} mL of a {cs} mol/L salt solution {w} mL of water are added. What is its concentration?"
        steps = (f"new volume {v} + {w} = {v + w} mL", f"c = {cs} * {v} / {v + w}", f"= {fs}")
        return numeric(question, steps, final, _MOLAR, (c * v / w, c * w / (v + w), c), f"{fs} * {v + w} = {cs} * {v}")
    if level == 2:
        question = f"How much of a {cs} mol/L stock is needed to make {v * k} mL of a {fs} mol/L solution?"
        steps = ("c1 * v1 = c2 * v2", f"v1 = {fs} * {v * k} / {cs}", f"= {v} mL")
        return numeric(question, steps, v, "{} mL of stock", (v * k, v * k - v, v * 2), f"{cs} * {v} = {fs} * {v * k}")
    question = f"{v} mL of a {cs} mol/L and {w} mL of a {written(d)} mol/L salt solution are mixed. What is the concentration?"
    first, second = written(c * v), written(d * w)
    steps = (f"{cs} * {v} = {first} mmol", f"{written(d)} * {w} = {second} mmol", f"({first} + {second}) / {v + w} = {fs}")
    return numeric(
        question, steps, final, _MOLAR, ((c + d) / 2, c + d, (c * w + d * v) / (v + w)), f"{fs} * {v + w} = {first} + {second} mmol"
    )


def check_dilution(question: str, answer: str) -> bool:
    """The salt before is the salt after."""
    given = numbers(question)
    if "stock is needed" in question:
        stock = quantity(answer, "{} mL of stock")
        return stock is not None and given[0] * stock == given[2] * given[1]
    c = quantity(answer, _MOLAR)
    if c is None:
        return False
    if "are mixed" in question:
        v, first, w, second = given
        return c * v - first * v == second * w - c * w
    if "until there are" in question:
        v, before, whole = given
        return c * whole == before * v
    v, before, water = given
    return c * water == (before - c) * v


TEMPLATES = (
    Template("moles", "chemistry", "deductive", molar, check_molar),
    Template("dilution", "chemistry", "causal", dilution, check_dilution),
    inductive("rates", "chemistry", laws.CURVES, laws.LINES),
    abductive("solution", "chemistry", laws.LAWS),
    analogical("gas", "chemistry", laws.LIKENESSES),
    probabilistic("isotope", "chemistry", laws.CHANCES),
    counterfactual("reaction", "chemistry", laws.LAWS, laws.LINKS),
    audit("titration", "chemistry", laws.LAWS, laws.LINKS),
)
