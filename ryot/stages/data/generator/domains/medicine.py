"""Medicine, as arithmetic exercises with made-up drugs: doses, checked back to the rule; half-lives, checked half by half."""

from fractions import Fraction
from random import Random

from ryot.stages.data.generator.domains import medicine_audit, medicine_reasoning
from ryot.stages.data.generator.problem import Problem, Template, is_decimal, numbers, numeric, quantity, written

_MG, _ML, _RATE, _HOURS = "{} mg each day", "{} mL each time", "{} mL an hour", "{} hours"


def dose(rng: Random, level: int) -> Problem:
    """A daily dose by weight; one of several doses; its volume; the rate of an infusion."""
    while True:
        per, weight, times = rng.randint(2, 30), rng.randint(8, 95), rng.choice((2, 3, 4))
        strength, hours = rng.choice((5, 10, 20, 25, 40, 50)), rng.choice((2, 4, 5, 8, 10, 12))
        day = per * weight
        each = Fraction(day, times)
        volume, rate = each / strength, Fraction(day, strength * hours)
        if all(map(is_decimal, (each, volume, rate))):
            break
    drug = f"A drug: {per} mg per kg a day; a patient: {weight} kg"
    first = f"{per} * {weight} = {day} mg"
    if level == 0:
        steps = ("dose = rate * weight", f"{per} * {weight}", f"= {day} mg")
        return numeric(
            f"{drug}. What is the daily dose?", steps, day, _MG, (per + weight, day * 2, day + per), f"{day} / {weight} = {per} mg per kg"
        )
    if level == 1:
        e = written(each)
        steps = (first, f"{times} doses: {day} / {times}", f"= {e} mg")
        question = f"{drug}, {times} equal doses. How much is one?"
        return numeric(
            question, steps, each, "{} mg each time", (day, day * times, each * 2), f"{e} * {times} / {weight} = {per} mg per kg"
        )
    if level == 2:
        v = written(volume)
        steps = (first, f"{day} / {times} = {written(each)} mg", f"{written(each)} / {strength} = {v} mL")
        question = f"{drug}, {times} equal doses of {strength} mg/mL syrup. How much is one?"
        return numeric(question, steps, volume, _ML, (volume * times, each, each * strength), f"{v} * {strength} * {times} = {day} mg")
    r = written(rate)
    steps = (first, f"{day} / {strength} = {written(Fraction(day, strength))} mL", f"over {hours} hours: {r}")
    question = f"{drug}, {strength} mg/mL infusion over {hours} hours. What rate?"
    return numeric(question, steps, rate, _RATE, (rate * hours, Fraction(day, hours), rate * 2), f"{r} * {hours} * {strength} = {day} mg")


def check_dose(question: str, answer: str) -> bool:
    """What the patient gets in a day, per kilogram, is the rule again."""
    per, weight, *rest = numbers(question)
    if "infusion" in question:
        rate = quantity(answer, _RATE)
        return rate is not None and rate * rest[1] * rest[0] / weight == per
    if "syrup" in question:
        volume = quantity(answer, _ML)
        return volume is not None and volume * rest[1] * rest[0] / weight == per
    if "equal doses" in question:
        each = quantity(answer, "{} mg each time")
        return each is not None and each * rest[0] / weight == per
    day = quantity(answer, _MG)
    return day is not None and day / weight == per


def half_life(rng: Random, level: int) -> Problem:
    """What is left after half-lives; after hours; the first dose; how much longer a slower drug would take."""
    k, period = rng.randint(2, 5), rng.randint(2, 24)
    left = Fraction(rng.randint(2, 60), rng.choice((1, 2)))
    start, hours = left * 2**k, k * period
    s, rest = written(start), written(left)
    if level == 0:
        question = f"A dose of {s} mg passes through {k} half-lives. How much is left?"
        steps = ("each half-life halves it", f"2 to the power {k} = {2**k}", f"{s} / {2**k} = {rest} mg")
        return numeric(question, steps, left, "{} mg left", (start / k, left * 2, left / 2), f"{rest} doubled {k} times is {s}")
    if level == 1:
        question = f"A drug has a half-life of {period} hours. How much of {s} mg is left after {hours} hours?"
        steps = (f"{hours} / {period} = {k} half-lives", f"2 to the power {k} = {2**k}", f"{s} / {2**k} = {rest} mg")
        return numeric(question, steps, left, "{} mg left", (start / k, left * 2, left / 2), f"{rest} doubled {k} times is {s}")
    if level == 2:
        question = f"A drug has a half-life of {period} hours. {rest} mg are left after {hours} hours. What was the dose?"
        steps = (f"{hours} / {period} = {k} half-lives", f"2 to the power {k} = {2**k}", f"{rest} * {2**k} = {s} mg")
        return numeric(question, steps, start, "a dose of {} mg", (left * k, start / 2, start * 2), f"{s} halved {k} times is {rest}")
    slower = period + rng.randint(1, 12)
    question = f"A drug of half-life {period} hours falls from {s} to {rest} mg. Were it {slower} hours, how much longer would it take?"
    more = k * (slower - period)
    steps = (
        f"{s} / {rest} = {2**k}: {k} half-lives",
        f"{k} * {period} = {hours}, {k} * {slower} = {k * slower}",
        f"{k * slower} - {hours} = {more}",
    )
    return numeric(question, steps, more, _HOURS, (slower - period, k * slower, hours), f"({hours} + {more}) / {k} = {slower}")


def check_half_life(question: str, answer: str) -> bool:
    """The amount, half-life after half-life."""
    given = numbers(question)
    if "longer" in question:
        period, start, rest, slower = given
        more = quantity(answer, _HOURS)
        return more is not None and _left(start, (_time(start, rest) * period + more) / slower) == rest
    if "What was the dose" in question:
        period, rest, hours = given
        first = quantity(answer, "a dose of {} mg")
        return first is not None and _left(first, hours / period) == rest
    left = quantity(answer, "{} mg left")
    period, start, hours = given if "hours" in question else (Fraction(1), *given)
    return left is not None and _left(start, hours / period) == left


def _left(amount: Fraction, half_lives: Fraction) -> Fraction | None:
    if half_lives.denominator != 1 or not 0 <= half_lives <= 64:
        return None
    for _ in range(int(half_lives)):
        amount -= amount / 2
    return amount


def _time(start: Fraction, rest: Fraction) -> int:
    count = 0
    while start > rest:
        start, count = start / 2, count + 1
    return count


TEMPLATES = (
    *medicine_reasoning.TEMPLATES,
    *medicine_audit.TEMPLATES,
    Template("dose", "medicine", "deductive", dose, check_dose),
    Template("half-life", "medicine", "causal", half_life, check_half_life),
)
