"""Economics: interest, checked year by year; markets, checked by putting the answer back into supply, demand and profit."""

from fractions import Fraction
from random import Random

from ryot.stages.data.generator.laws import economics as laws
from ryot.stages.data.generator.laws.abductive import abductive
from ryot.stages.data.generator.laws.analogical import analogical
from ryot.stages.data.generator.laws.audit import audit
from ryot.stages.data.generator.laws.chain import deductive
from ryot.stages.data.generator.laws.chance import probabilistic
from ryot.stages.data.generator.laws.inductive import inductive
from ryot.stages.data.generator.problem import Problem, Template, is_decimal, numbers, numeric, quantity, written

_DOLLARS, _UNITS = "{} dollars", "{} units"


def interest(rng: Random, level: int) -> Problem:
    """Simple interest; two years compounded; three years compounded; the principal behind a final balance."""
    while True:
        p, r, years = 100 * rng.randint(1, 90), rng.choice((2, 4, 5, 8, 10, 20)), (rng.randint(2, 9), 2, 3, 2)[level]
        rate = Fraction(100 + r, 100)
        end = p * rate**years
        if (end * 100).denominator == 1:
            break
    e = written(end)
    steps: tuple[str, ...]
    if level == 0:
        gain = p * r * years // 100
        question = f"{p} dollars earn {r} percent simple interest a year for {years} years. How much interest is that?"
        steps = (f"a year: {p} * {r} / 100 = {written(Fraction(p * r, 100))}", f"times {years}", f"= {gain}")
        back = f"{gain} / {years} / {p} = {r} percent"
        return numeric(question, steps, Fraction(p * r * years, 100), _DOLLARS, (Fraction(p * r, 100), p + gain, gain * 2), back)
    balances = [written(p * rate**year) for year in range(years + 1)]
    if level < 3:
        question = f"{p} dollars earn {r} percent a year, compounded. What is the balance after {years} years?"
        growth = (f"year {year}: {balances[year - 1]} * {written(rate)} = {balances[year]}" for year in range(1, years + 1))
        steps = (f"factor {written(rate)} a year", *growth) if level == 1 else tuple(growth)
        simple = p + Fraction(p * r * years, 100)
        return numeric(question, steps, end, _DOLLARS, (simple, end - p, p * rate, end * rate), f"{e} / {written(rate)}^{years} = {p}")
    question = f"At {r} percent a year, compounded, a deposit became {e} dollars in 2 years. How much was deposited?"
    steps = (f"factor {written(rate)} a year", f"one year back: {balances[1]}", f"two years back: {p}")
    mistakes = (end - end * r * 2 / 100, p * rate, end / 2, p + 10)
    return numeric(question, steps, p, _DOLLARS, mistakes, f"{p} -> {balances[1]} -> {e}")


def check_interest(question: str, answer: str) -> bool:
    """Year by year, interest is added to the balance."""
    value, given = quantity(answer, _DOLLARS), numbers(question)
    if value is None:
        return False
    if "simple" in question:
        return sum(given[0] * given[1] / 100 for _ in range(int(given[2]))) == value
    start, rate, years, end = (value, given[0], given[2], given[1]) if "deposited" in question else (given[0], given[1], given[2], value)
    for _ in range(int(years)):
        start += start * rate / 100
    return start == end


def market(rng: Random, level: int) -> Problem:
    """Profit; break-even; elasticity; the price at which a changed demand meets supply."""
    price, cost, fixed, n = rng.randint(12, 90), rng.randint(2, 10), 10 * rng.randint(5, 90), rng.randint(10, 200)
    if level == 0:
        fixed = rng.randint(1, n * (price - cost) - 1)
        profit = n * (price - cost) - fixed
        question = f"A shop sells {n} units at {price} dollars that cost {cost} each; rent is {fixed}. What is the profit?"
        steps = (
            f"revenue {n} * {price} = {n * price}",
            f"costs {n} * {cost} + {fixed} = {n * cost + fixed}",
            f"{n * price} - {n * cost + fixed} = {profit}",
        )
        mistakes = (n * price - fixed, n * (price - cost), profit + 2 * fixed)
        return numeric(question, steps, profit, _DOLLARS, mistakes, f"{profit} + {fixed} = {n} * {price - cost}")
    if level == 1:
        fixed = n * (price - cost)
        question = f"A unit sells at {price} dollars and costs {cost} to make; fixed costs are {fixed}. How many units break even?"
        steps = (f"each unit brings {price} - {cost} = {price - cost}", f"{fixed} / {price - cost}", f"= {n}")
        return numeric(
            question, steps, n, _UNITS, (Fraction(fixed, price), Fraction(fixed, cost), n + 1), f"{n} * {price} = {n} * {cost} + {fixed}"
        )
    if level == 2:
        return _elasticity(rng)
    b, d, q = rng.randint(1, 9), rng.randint(1, 9), rng.randint(4, 40)
    new = q + rng.randint(1, 9)
    c = rng.randint(0, 30)
    a, more = c + (b + d) * q, (b + d) * (new - q)
    question = f"Demand is {a} - {b}p, supply is {c} + {d}p. If demand were {more} higher at every price p, what would the price be?"
    steps = (f"demand {a + more} - {b}p", f"{a + more} - {c} = {b + d}p", f"p = {a + more - c} / {b + d} = {new}")
    return numeric(question, steps, new, _DOLLARS, (q, q + more, new - q), f"both sides are {c + d * new} at p = {new}")


def _elasticity(rng: Random) -> Problem:
    while True:
        up, size = rng.choice((2, 4, 5, 8, 10, 16, 20, 25)), Fraction(rng.randint(1, 40), 10)
        p, q, fall = 20 * rng.randint(1, 20), 100 * rng.randint(1, 20), up * size
        new_p, new_q = p + Fraction(p * up, 100), q - q * fall / 100
        if new_p.denominator == new_q.denominator == 1 and fall < 60 and is_decimal(1 / size):
            break
    question = f"A price rises from {p} to {new_p} dollars and sales fall from {q} to {new_q}. What is the size of the elasticity?"
    steps = (f"price up {up} percent", f"sales down {written(fall)} percent", f"{written(fall)} / {up} = {written(size)}")
    back = f"{up} percent * {written(size)} = {written(fall)} percent of {q}"
    return numeric(question, steps, size, "elasticity {}", (1 / size, fall, size + 1), back)


def check_market(question: str, answer: str) -> bool:
    """Put back: the profit covers the rent, break-even leaves nothing, demand equals supply."""
    given = numbers(question)
    if "elasticity" in question:
        size, (p, new_p, q, new_q) = quantity(answer, "elasticity {}"), given
        return size is not None and q * (1 - size * (new_p / p - 1)) == new_q
    if "break even" in question:
        units, (price, cost, fixed) = quantity(answer, _UNITS), given
        return units is not None and units * price - units * cost - fixed == 0
    value = quantity(answer, _DOLLARS)
    if value is None:
        return False
    if "Demand" in question:
        a, b, c, d, more = given
        return a + more - b * value == c + d * value
    n, price, cost, rent = given
    return value + rent + n * cost == n * price


TEMPLATES = (
    Template("interest", "economics", "causal", interest, check_interest),
    Template("market", "economics", "counterfactual", market, check_market),
    deductive("output", "economics", laws.LAWS, laws.LINKS),
    inductive("costs", "economics", laws.LAWS, laws.LINES),
    abductive("shock", "economics", laws.LAWS),
    analogical("exchange", "economics", laws.LIKENESSES),
    probabilistic("risk", "economics", laws.CHANCES),
    audit("ledger", "economics", laws.LAWS, laws.LINKS),
)
