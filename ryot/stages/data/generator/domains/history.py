"""History: years between events whose sources are named below; Roman numerals on stones, checked by writing them again."""

import re
from fractions import Fraction
from random import Random

from ryot.stages.data.generator.domains import history_reasoning
from ryot.stages.data.generator.domains.timeline import Fact, check_moved, moved
from ryot.stages.data.generator.facts.chain import check_traced, trace
from ryot.stages.data.generator.facts.dated import audit_dates, check_dates
from ryot.stages.data.generator.facts.history import CHAINS, RELATIONS, RULERS
from ryot.stages.data.generator.facts.relation import check_related, relate
from ryot.stages.data.generator.facts.riddle import check_explained, explain
from ryot.stages.data.generator.problem import Problem, Template, numeric, quantity

EVENTS = (
    Fact("Hastings", 1066, "Anglo-Saxon Chronicle, entry for 1066"),
    Fact("Magna Carta", 1215, "Magna Carta, dated 15 June 1215"),
    Fact("Constantinople's fall", 1453, "Nicolo Barbaro, diary of the siege, 29 May 1453"),
    Fact("Columbus's voyage", 1492, "journal of the first voyage, 1492-93"),
    Fact("Luther's theses", 1517, "Luther's letter to Albert of Mainz, 31 October 1517"),
    Fact("Edict of Nantes", 1598, "Edict of Nantes, signed April 1598"),
    Fact("Peace of Westphalia", 1648, "Treaties of Osnabrueck and Muenster, 24 October 1648"),
    Fact("Fire of London", 1666, "London Gazette, September 1666"),
    Fact("Bill of Rights", 1689, "Bill of Rights, royal assent 16 December 1689"),
    Fact("Lisbon earthquake", 1755, "contemporary reports of 1 November 1755"),
    Fact("US independence", 1776, "Declaration of Independence, 4 July 1776"),
    Fact("Bastille's fall", 1789, "events of 14 July 1789"),
    Fact("Louisiana Purchase", 1803, "Louisiana Purchase Treaty, 30 April 1803"),
    Fact("Waterloo", 1815, "Wellington's dispatch, 19 June 1815"),
    Fact("Treaty of Waitangi", 1840, "Treaty of Waitangi, 6 February 1840"),
    Fact("Gettysburg Address", 1863, "address of 19 November 1863"),
    Fact("Suez Canal", 1869, "opening of 17 November 1869"),
    Fact("Nobel Prize", 1901, "awards of 10 December 1901"),
    Fact("Wright flight", 1903, "telegram of Orville Wright, 17 December 1903"),
    Fact("Treaty of Versailles", 1919, "Treaty of Versailles, 28 June 1919"),
    Fact("UN Charter", 1945, "Charter, signed 26 June 1945"),
    Fact("Treaty of Rome", 1957, "Treaty signed 25 March 1957"),
    Fact("Moon landing", 1969, "Apollo 11 mission report, July 1969"),
    Fact("Berlin Wall's fall", 1989, "events of 9 November 1989"),
)  # fmt: skip
SYMBOLS = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"),
    (4, "IV"), (1, "I"),
)  # fmt: skip
_YEAR, _AGE = "the year {}", "{} years"


def inscription(rng: Random, level: int) -> Problem:
    """The year on a stone of a round decade; of any year; the age between two stones; the year of a repair."""
    year = 10 * rng.randint(100, 199) if level == 0 else rng.randint(1000, 1980 if level == 1 else 1680)
    word = rng.choice(("bridge", "gate", "tower", "mill", "church"))
    text, parts = roman(year), _terms(year)
    read = f"{text} = {' + '.join(map(str, parts))}"
    if level < 2:
        question = f"The stone of a {word} bears {text}. Which year does it tell?"
        steps = ("read the signs from the left", read, f"sum = {year}")
        return numeric(question, steps, year, _YEAR, (year + 10, year - 10, year + 100, year + 1), f"{year} written again is {text}")
    n = rng.randint(5, 300)
    if level == 2:
        later = year + n
        question = f"One stone of a {word} bears {text}, a newer one {roman(later)}. How many years lie between them?"
        steps = (f"{text} = {year}", f"{roman(later)} = {later}", f"{later} - {year} = {n}")
        return numeric(question, steps, n, _AGE, (n + 10, n + 100, n + 1), f"{year} + {n} = {later}, written {roman(later)}")
    question = f"A {word} was rebuilt {n} years after {text}. Which numeral does it show?"
    steps = (read, f"{year} + {n} = {year + n}", f"write {' + '.join(map(str, _terms(year + n)))}")
    wrong = tuple(f"numeral {roman(other)}" for other in (year + n + 10, year + n - 10, year + n + 1, year))
    return Problem(question, steps, f"numeral {roman(year + n)}", wrong, f"{roman(year + n)} is {year + n}, less {n} is {year}")


def check_inscription(question: str, answer: str) -> bool:
    """Numerals read sign by sign, a smaller one before a greater taken off: another way than the one they were written by."""
    stones = [_read(found) for found in re.findall(r"\b[MDCLXVI]+\b", question)]
    if "Which numeral" in question:
        n = int(re.findall(r"rebuilt (\d+) years", question)[0])
        shown = answer.removeprefix("numeral ")
        return answer.startswith("numeral ") and re.fullmatch(_PROPER, shown) is not None and _read(shown) - n == stones[0]
    if len(stones) == 2:
        return quantity(answer, _AGE) == Fraction(stones[1] - stones[0])
    return quantity(answer, _YEAR) == stones[0]


_PROPER = r"M{0,3}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})"


def roman(year: int) -> str:
    """A year from 1 to 3999 in Roman numerals."""
    text = ""
    for value, sign in SYMBOLS:
        text += sign * (year // value)
        year %= value
    return text


def _terms(year: int) -> list[int]:
    return [int(digit) * 10**place for place, digit in zip(range(len(str(year)) - 1, -1, -1), str(year), strict=True) if digit != "0"]


def _read(text: str) -> int:
    worth = {"M": 1000, "D": 500, "C": 100, "L": 50, "X": 10, "V": 5, "I": 1}
    values = [worth[sign] for sign in text]
    return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))


TEMPLATES = (
    Template("inscription", "history", "deductive", inscription, check_inscription),
    Template("rulers", "history", "abductive", explain(RULERS), check_explained(RULERS)),
    Template("deeds", "history", "analogical", relate(RELATIONS), check_related(RELATIONS)),
    Template("consequences", "history", "causal", trace(CHAINS), check_traced(CHAINS)),
    Template("events", "history", "counterfactual", moved(EVENTS), check_moved),
    Template("annals", "history", "meta", audit_dates(EVENTS), check_dates(EVENTS)),
    *history_reasoning.TEMPLATES,
)
