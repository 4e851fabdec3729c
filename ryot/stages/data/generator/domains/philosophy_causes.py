"""Philosophy: Mill's methods (System of Logic, 1843), but-for causes, and what testimony is worth (Hume 1748; Kyburg 1961)."""

import re
from fractions import Fraction
from random import Random

from ryot.stages.data.generator.facts.chance import bracketed, chance, chance_of, odds
from ryot.stages.data.generator.problem import Problem, Template, numbers

FOODS = (
    "fish", "rice", "figs", "beans", "milk", "eggs", "bread", "cheese", "plums", "nuts", "ham", "soup", "tea", "ale", "dates",
    "crab",
)  # fmt: skip
_NAMES = ("Ann", "Bob", "Cal", "Dora", "Eve", "Finn", "Gus", "Hal", "Ida", "Jon", "Kim", "Lea", "Max", "Ned")
_DEEDS = (
    ("The car moves", "push"), ("The gate opens", "push"), ("The rope snaps", "pull"), ("The bell rings", "pull"),
    ("The dam breaks", "push"),
    ("The stone rolls", "push"), ("The mast falls", "pull"), ("The fence falls", "push"), ("The door gives", "push"),
)  # fmt: skip
_CAUSE = "It is {}"


def methods(rng: Random, level: int) -> Problem:
    """Agreement; difference; both joined; concomitant variation, and the effect predicted."""
    if level == 3:
        return _variation(rng)
    cause, *others = rng.sample(FOODS, 8)
    if level == 0:
        cases = [(rng.sample((cause, others[2 * k], others[2 * k + 1]), 3), "ill") for k in range(3)]
        steps = ["method of agreement", f"first two share {cause}", f"the third too has {cause}"]
    elif level == 1:
        extra = others[: rng.randint(2, 4)]
        cases = [(rng.sample((cause, *extra), len(extra) + 1), "ill"), (rng.sample(extra, len(extra)), "well")]
        steps = ["method of difference", f"both had {', '.join(extra)}", f"only the ill one had {cause}"]
    else:
        shared = others[0]
        cases = [(rng.sample((cause, shared, others[k]), 3), "ill") for k in (1, 2)]
        cases.append((rng.sample((shared, others[3]), 2), "well"))
        steps = [f"agreement: the ill share {cause}, {shared}" if rng.random() < 0.5 else f"agreement: the ill share {shared}, {cause}"]
        steps += [f"difference: {shared} left one well", f"{cause} is left"]
        rng.shuffle(cases)
    told = " ".join(f"Ate {', '.join(foods)}: {state}." for foods, state in cases)
    wrong = tuple(_CAUSE.format(food) for food in (*others[:4], "none of them"))
    back = f"every ill one ate {cause}" + (", no well one did" if level else "; nothing else is shared")
    return Problem(f"{told} What made them ill?", tuple(steps), _CAUSE.format(cause), wrong, back)


def _variation(rng: Random) -> Problem:
    foods = rng.sample(FOODS, 3)
    place, each = rng.randrange(3), rng.randint(2, 9)
    rows = [rng.sample(range(1, 7), 3) for _ in range(2)]
    amounts = [row[place] for row in rows]
    if len(set(amounts)) < 2 or any(len({Fraction(row[place], row[k]) for row in rows}) == 1 for k in range(3) if k != place):
        return _variation(rng)
    asked = rng.randint(7, 12)
    cause, value = foods[place], each * asked
    told = "; ".join(f"{', '.join(map(str, row))}, {row[place] * each}" for row in rows)
    question = f"Bites of {', '.join(foods)}, hours ill: {told}. What is the cause, and how long ill by {asked} bites?"
    steps = ("concomitant variation", f"{cause}: times {each} in each", f"{asked} * {each} = {value}")
    others = [food for food in foods if food != cause]
    wrong = (
        f"{others[0]}, {value} hours",
        f"{others[1]}, {value} hours",
        f"{cause}, {value + each} hours",
        f"{cause}, {asked + each} hours",
    )
    return Problem(question, steps, f"{cause}, {value} hours", wrong, f"{value} / {asked} = {each}")


def check_methods(question: str, answer: str) -> bool:
    """What the answer names is in every ill case and in no well one, and nothing else is; hours for each bite are the same in all cases."""
    if question.startswith("Bites"):
        foods = question.removeprefix("Bites of ").partition(", hours")[0].split(", ")
        cause, _, hours = answer.removesuffix(" hours").partition(", ")
        if cause not in foods or not hours.isdigit():
            return False
        *seen, asked = numbers(question)
        rows = [(*seen[4 * k : 4 * k + 4],) for k in range(2)]
        return all(row[3] * asked == int(hours) * row[foods.index(cause)] for row in rows)
    cases = [(foods.split(", "), state) for foods, state in re.findall(r"Ate ([^:]+): (ill|well)", question)]
    every = sorted({food for foods, _ in cases for food in foods})
    causes = [food for food in every if all((food in foods) == (state == "ill") for foods, state in cases)]
    return [_CAUSE.format(cause) for cause in causes] == [answer]


def but_for(rng: Random, level: int) -> Problem:
    """Two joint or rival causes; three, one of them needed; forces over a bound; forces, one of them against."""
    people = rng.sample(_NAMES, (2, 3, 3, 4)[level])
    effect, deed = rng.choice(_DEEDS)
    if level == 0:
        word = rng.choice(("and", "or"))
        told = f"{effect} if {deed}ed by {people[0]} {word} {people[1]}. Both {deed}."
        causes = people if word == "and" else []
        steps = [f"without {name} it {'fails' if word == 'and' else 'still happens'}" for name in people]
        steps.append("each is needed" if word == "and" else "each alone is enough")
        return _blamed(told, people, causes, steps)
    if level == 1:
        first, second, third = people
        idle = rng.choice((None, second, third))
        told = f"{effect} if {deed}ed by {first} and also by {second} or {third}. All {deed}{f' but {idle}' if idle else ''}."
        other = third if idle == second else second
        causes = [first] if idle is None else sorted((first, other), key=people.index)
        steps = [f"without {first} it fails"]
        steps += [f"without {name} {'it fails' if name in causes else 'it still happens'}" for name in (second, third) if name != idle]
        steps += [f"{idle} did nothing"] if idle else []
        return _blamed(told, people, causes, steps)
    forces = [rng.randint(1, 9) for _ in people]
    against = forces.pop() if level == 3 else 0
    pushing = people[:3]
    total = sum(forces) - against
    if total < 1:
        return but_for(rng, level)
    need = rng.randint(max(1, total - max(forces)), total)
    causes = [name for name, force in zip(pushing, forces, strict=True) if total - force < need]
    shown = ", ".join(f"{name} with {force}" for name, force in zip(pushing, forces, strict=True))
    told = f"{effect} at a {deed} of {need}. {shown} {deed}{f'; {people[3]} resists with {against}' if against else ''}."
    steps = [f"{' + '.join(map(str, forces))}{f' - {against}' if against else ''} = {total}"] + [
        f"without {name}: {total - force}" for name, force in zip(pushing, forces, strict=True)
    ]
    return _blamed(told, pushing, causes, steps)


def _blamed(told: str, people: list[str], causes: list[str], steps: list[str]) -> Problem:
    answer = _listed(causes)
    wrong = [_listed(group) for group in (people, [], people[:1], people[1:2], people[:2], people[1:], people[-1:])]
    back = f"take away {causes[0]}: no effect" if causes else "take away any one: the effect stays"
    return Problem(f"{told} Who is a but-for cause?", tuple(steps), answer, tuple(wrong), back)


def _listed(names: list[str]) -> str:
    return f"only {names[0]}" if len(names) == 1 else " and ".join(names) if names else "none of them"


def check_but_for(question: str, answer: str) -> bool:
    """The rule is applied again with each person away in turn; the answer names just those without whom it fails."""
    told = question.removesuffix(" Who is a but-for cause?")
    rule, _, acts = told.partition(". ")
    if found := re.fullmatch(r".+ by (\w+) and also by (\w+) or (\w+)", rule):
        people = [*found.groups()]
        idle = acts.removesuffix(".").partition(" but ")[2]
        acting = [name for name in people if name != idle]
        causes = [name for name in acting if not _opened(people, [other for other in acting if other != name])]
    elif found := re.fullmatch(r"[^,]+ed by (\w+) (and|or) (\w+)", rule):
        people = [found[1], found[3]]
        works = any if found[2] == "or" else all
        causes = [name for name in people if not works(other != name for other in people)]
    else:
        need = numbers(rule)[0]
        forces = [(name, int(force)) for name, force in re.findall(r"(\w+) with (\d+)", acts.partition(";")[0])]
        against = sum(numbers(acts.partition(";")[2]))
        people = [name for name, _ in forces]
        causes = [name for name in people if sum(force for other, force in forces if other != name) < need + against]
    return answer == _listed(causes)


def _opened(people: list[str], acting: list[str]) -> bool:
    return people[0] in acting and (people[1] in acting or people[2] in acting)


def testimony(rng: Random, level: int) -> Problem:
    """The lottery paradox; two witnesses; a witness of a rare event; two agreeing witnesses of it."""
    if level == 0:
        tickets, held = rng.randint(20, 300), rng.randint(2, 12)
        value = Fraction(tickets - held, tickets)
        question = f"Of {tickets} lottery tickets one wins. How likely do {held} given ones all lose?"
        steps: tuple[str, ...] = (
            f"{tickets} may win",
            f"{tickets} - {held} = {tickets - held}",
            f"{tickets - held} / {tickets} = {value}",
        )
        mistakes: tuple[Fraction, ...] = (Fraction(tickets - 1, tickets), Fraction(held, tickets), Fraction(1, tickets))
        return chance(question, steps, value, mistakes, f"one of them wins: {odds(1 - value)}")
    of, other = rng.randint(3, 12), rng.randint(3, 12)
    true, right = rng.randint(of // 2 + 1, of - 1), rng.randint(other // 2 + 1, other - 1)
    if level == 1:
        both = rng.random() < 0.5
        first, second = Fraction(true, of), Fraction(right, other)
        value = first * second if both else 1 - (1 - first) * (1 - second)
        told = f"Two independent witnesses are right {true} in {of} and {right} in {other} times."
        question = f"{told} How likely is {'each' if both else 'at least one'} right?"
        steps = (f"chances {first} and {second}", "independent: multiply", f"{first} * {second} = {value}")
        if not both:
            steps = (
                f"wrong: {1 - first} and {1 - second}",
                f"both wrong: {(1 - first) * (1 - second)}",
                f"1 - {(1 - first) * (1 - second)} = {value}",
            )
        mistakes = (first, second, 1 - value, first * second, (first + second) / 2)
        back = f"{bracketed(value)} / {bracketed(first)} = {second}" if both else f"{value} + {(1 - first) * (1 - second)} = 1"
        return chance(question, steps, value, mistakes, back)
    rare = rng.randint(3, 60)
    power = level - 1
    yes, no = true**power, (rare - 1) * (of - true) ** power
    value = Fraction(yes, yes + no)
    who = "A witness," if level == 2 else "Two independent witnesses, each"
    question = (
        f"{who} right {true} in {of} times, tell{'' if level == 3 else 's'} of an event of chance 1 in {rare}. How likely did it happen?"
    )
    steps = (
        f"true: {_power(true, power)}{f' = {yes}' if power > 1 else ''}",
        f"false: {rare - 1} * {_power(of - true, power)} = {no}",
        f"{yes} / ({yes} + {no}) = {value}",
    )
    mistakes = (Fraction(true, of), 1 - value, Fraction(1, rare), Fraction(true, true + (rare - 1) * (of - true)))
    return chance(question, steps, value, mistakes, f"odds {value.numerator}:{value.denominator - value.numerator}")


def _power(number: int, power: int) -> str:
    return " * ".join([str(number)] * power)


def check_testimony(question: str, answer: str) -> bool:
    """The chance of the opposite makes up 1; odds after, divided by the witnesses' odds, are the odds before."""
    value, given = chance_of(answer), numbers(question)
    if value is None or not 0 < value < 1:
        return False
    if "lottery" in question:
        tickets, held = given
        return (1 - value) * tickets == held
    if "an event" in question:
        true, of, _, rare = given
        witness = true / (of - true)
        before = value / (1 - value) / (witness * witness if "each" in question else witness)
        return before == 1 / (rare - 1)
    true, of, right, other = given
    if "each right" in question:
        return value * of * other == true * right
    return (1 - value) * of * other == (of - true) * (other - right)


TEMPLATES = (
    Template("methods", "philosophy", "inductive", methods, check_methods),
    Template("blame", "philosophy", "causal", but_for, check_but_for),
    Template("testimony", "philosophy", "probabilistic", testimony, check_testimony),
)
