"""Medicine: rules found in observations, what a test result means, and how an outbreak would have gone otherwise."""

from fractions import Fraction
from random import Random

from ryot.stages.data.generator.facts.chance import chance, chance_of
from ryot.stages.data.generator.facts.medicine import DISEASES, RELATIONS
from ryot.stages.data.generator.facts.relation import check_related, relate
from ryot.stages.data.generator.facts.riddle import check_explained, explain
from ryot.stages.data.generator.problem import Problem, Template, numbers, numeric, quantity, written

_MG, _PEOPLE, _CASES = "{} mg/L", "{} people", "{} fewer"


def blood_levels(rng: Random, level: int) -> Problem:
    """A level falls by a fixed amount; by a fixed share; which of the two, and what next; when it is below a bound."""
    if level == 3:
        return _below(rng)
    steady = level == 0 or (level == 2 and rng.random() < 0.5)
    fall, low, share = rng.randint(2, 15), rng.randint(1, 150), rng.choice((2, 2, 4, 5))
    last = rng.randint(20, 80) if steady else low * (share - 1) ** 3
    seen = [last + k * fall if steady else low * (share - 1) ** (3 - k) * share**k for k in (3, 2, 1)]
    keep = written(Fraction(share - 1, share))
    rule = f"falls by {fall} each time" if steady else f"each is {keep} of the one before"
    told = f"Hourly drug levels: {seen[0]}, {seen[1]}, {seen[2]} mg/L."
    falls = f"falls: {seen[0] - seen[1]}, {seen[1] - seen[2]}"
    following = f"{seen[2]} - {fall} = {last}" if steady else f"{seen[2]} * {keep} = {last}"
    back = f"{last} + 3 * {fall} = {seen[0]}" if steady else f"{last} / {keep} = {seen[2]}"
    if level < 2:
        mistakes = (2 * seen[2] - seen[1], Fraction(seen[2], 2), seen[2] - 1, last + 2 * fall)
        return numeric(f"{told} What comes next?", (falls, rule, following), last, _MG, mistakes, back)
    right, other = ("zero", "first") if steady else ("first", "zero")
    question = f"{told} Is it zero or first order, and what comes next?"
    wrong = tuple(f"{order} order, {value}" for order, value in ((other, last), (right, seen[2]), (other, seen[2]), (right, seen[1])))
    return Problem(question, (falls, f"{right} order: {rule}", following), f"{right} order, {last}", wrong, back)


def _below(rng: Random) -> Problem:
    last, extra = rng.randint(24, 200), rng.randint(1, 3)
    path = [Fraction(last, 2**k) for k in range(1, extra + 1)]
    bound = rng.randint(int(path[-1]) + 1, int(2 * path[-1]))
    question = f"Drug levels at hours 0, 1, 2: {4 * last}, {2 * last}, {last} mg/L. At which full hour is it first below {bound}?"
    steps = ("each hour halves it", f"then {', '.join(map(written, path))}", f"{written(path[-1])} is below {bound}")
    hours = 2 + extra
    return numeric(question, steps, hours, "at hour {}", (hours - 1, hours + 1, hours + 2), f"an hour before: {written(2 * path[-1])}")


def check_blood_levels(question: str, answer: str) -> bool:
    """From the next level back: the same falls or the same ratios lead through the levels seen; before the hour it is not below."""
    given = numbers(question)
    if "below" in question:
        hours = quantity(answer, "at hour {}")
        start, bound = given[3], given[6]
        return hours is not None and hours.denominator == 1 and start < bound * 2 ** int(hours) <= 2 * start
    first, second, third = given
    steady = first - second == second - third
    if "order" in question:
        order, _, level = answer.partition(" order, ")
        if order != ("zero" if steady else "first") or not level.isdigit():
            return False
        value: Fraction | None = Fraction(level)
    else:
        value = quantity(answer, _MG)
    return value is not None and (third - value == second - third if steady else value * second == third * third)


def screening(rng: Random, level: int) -> Problem:
    """True positives; false positives; how often a positive is ill; after two independent tests (Bayes)."""
    people, ill = 10000 * rng.randint(1, 30), rng.choice((1, 2, 3, 4, 5, 8, 10, 20, 25, 30))
    found, false = rng.choice((50, 60, 70, 75, 80, 90, 95)), rng.choice((1, 2, 3, 4, 5, 8, 10, 20, 25, 30))
    sick = people * ill // 100
    true, alarms = Fraction(sick * found, 100), Fraction((people - sick) * false, 100)
    if level < 2:
        value = alarms if level else true
        told = f"gives {false} percent of the healthy a false positive" if level else f"finds {found} percent of the ill"
        question = (
            f"Of {people} people {ill} percent are ill. A test {told}. How many {'false' if level else 'true'} positives are expected?"
        )
        healthy = people - sick
        steps: tuple[str, ...] = (
            f"ill: {ill} percent of {people} = {sick}",
            f"healthy: {people} - {sick} = {healthy}",
            f"{false} percent of {healthy} = {written(value)}",
        )
        if level == 0:
            steps = ("only the ill can be true positives", steps[0], f"{found} percent of {sick} = {written(value)}")
        mistakes: tuple[Fraction | int, ...] = (
            people * Fraction(false if level else found, 100),
            sick - value,
            Fraction(sick),
            people - value,
        )
        back = f"{written(value)} is {false if level else found} percent of {healthy if level else sick}"
        return numeric(question, steps, value, _PEOPLE, mistakes, back)
    tests = level - 1
    sure, mistaken = ill * found**tests, (100 - ill) * false**tests
    value = Fraction(sure, sure + mistaken)
    once = f"finds {found} percent of them and {false} of the healthy"
    ask = "How likely ill if positive?" if level == 2 else "How likely ill if twice positive, independently?"
    power = f" * {found}" if level == 3 else ""
    wrongly = f" * {false}" if level == 3 else ""
    steps = (
        f"ill: {ill} * {found}{power} = {sure}",
        f"healthy: {100 - ill} * {false}{wrongly} = {mistaken}",
        f"{sure} / ({sure} + {mistaken}) = {value}",
    )
    mistakes = (Fraction(found, 100), 1 - value, Fraction(ill, 100), Fraction(ill * found, ill * found + (100 - ill) * false))
    return chance(
        f"{ill} percent are ill; a test {once}. {ask}",
        steps,
        value,
        mistakes,
        f"odds {value.numerator}:{value.denominator - value.numerator}",
    )


def check_screening(question: str, answer: str) -> bool:
    """The counted people, divided by the rate and the share of the ill, are all the people; odds before times the test's odds."""
    given = numbers(question)
    if "How likely" not in question:
        count, (people, ill, rate) = quantity(answer, _PEOPLE), given
        share = 100 - ill if "false positives" in question else ill
        return count is not None and count * 100 / rate * 100 / share == people
    value, (ill, found, false) = chance_of(answer), given
    odds_after = ill / (100 - ill) * (found / false) ** (2 if "twice" in question else 1)
    return value is not None and value < 1 and value / (1 - value) == odds_after


def outbreak(rng: Random, level: int) -> Problem:
    """Fewer infected by each; two generations on; some immune; all cases of two generations together."""
    first, each = 10 * rng.randint(1, 30), rng.randint(3, 12)
    less = rng.randint(1, each - 2)
    cases = f"{first} cases infect {each} each"
    if level == 0:
        fewer = first * (each - less)
        steps: tuple[str, ...] = (
            f"{first} * {each} = {first * each}",
            f"masks: {first} * {less} = {first * less}",
            f"{first * each} - {first * less} = {fewer}",
        )
        mistakes: tuple[Fraction | int, ...] = (first * less, first * each, first + fewer)
        return numeric(
            f"{cases}. Had masks cut it to {less}, how many fewer?",
            steps,
            fewer,
            _CASES,
            mistakes,
            f"{fewer} / {first} + {less} = {each}",
        )
    after = Fraction(less)
    told = f"{cases}, as do those. Had masks cut it to {less}"
    if level == 2:
        immune, each = rng.choice((25, 50, 75)), 4 * rng.randint(1, 4)
        cases = f"{first} cases infect {each} each"
        after = Fraction(each * (100 - immune), 100)
        told = f"{cases}, as do those. Had {immune} percent been immune"
    was, would = Fraction(first * each**2), first * after**2
    if level == 3:
        was, would = was + first * each, would + first * after
    saved = was - would
    a = written(after)
    sums = ("({0} + {0} * {0})", "{0} * {0}")[level < 3]
    steps = (
        *((f"{each} * {100 - immune} / 100 = {a}",) if level == 2 else ()),
        f"{first} * {sums.format(each)} = {was}",
        f"{first} * {sums.format(a)} = {written(would)}",
        f"{was} - {written(would)} = {written(saved)}",
    )
    scope = "in both rounds" if level == 3 else "in round two"
    mistakes = (would, first * (each - after), was, first * (each - after) ** 2)
    return numeric(f"{told}, how many fewer {scope}?", steps, saved, _CASES, mistakes, f"{written(would)} + {written(saved)} = {was}")


def check_outbreak(question: str, answer: str) -> bool:
    """The rounds, case after case, as they were, less the answer, are the rounds as they would have been."""
    fewer, (first, each, change) = quantity(answer, _CASES), numbers(question)
    after = each - each * change / 100 if "immune" in question else change
    counted = []
    for rate in (each, after):
        one = first * rate
        two = one * rate
        counted.append(one + two if "both" in question else two if "two" in question else one)
    return fewer is not None and counted[0] - fewer == counted[1]


TEMPLATES = (
    Template("plasma", "medicine", "inductive", blood_levels, check_blood_levels),
    Template("infections", "medicine", "abductive", explain(DISEASES), check_explained(DISEASES)),
    Template("remedies", "medicine", "analogical", relate(RELATIONS), check_related(RELATIONS)),
    Template("screening", "medicine", "probabilistic", screening, check_screening),
    Template("outbreak", "medicine", "counterfactual", outbreak, check_outbreak),
)
