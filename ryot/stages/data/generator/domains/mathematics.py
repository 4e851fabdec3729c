"""Mathematics: linear equations, checked by putting x in; sequences, checked by the law of their terms."""

from fractions import Fraction
from itertools import pairwise
from random import Random

from ryot.stages.data.generator.expression import value_of
from ryot.stages.data.generator.laws import mathematics as laws
from ryot.stages.data.generator.laws.abductive import abductive
from ryot.stages.data.generator.laws.analogical import analogical
from ryot.stages.data.generator.laws.audit import audit
from ryot.stages.data.generator.laws.causal import causal
from ryot.stages.data.generator.laws.chance import probabilistic
from ryot.stages.data.generator.laws.counterfactual import counterfactual
from ryot.stages.data.generator.problem import Problem, Template, numbers, numeric, quantity

_X, _TERM = "x equals {}", "The term is {}"


def linear(rng: Random, level: int) -> Problem:
    """An equation in x: one step, two steps, x on both sides, brackets on both sides."""
    x, a, b = rng.randint(2, 40), rng.randint(4, 12), rng.randint(2, 40)
    d = rng.randint(2, a - 2) if level > 1 else 0
    e = (a - d) * x + b
    steps: tuple[str, ...]
    match level:
        case 0:
            left, right, steps = f"x + {b}", f"{x + b}", (f"take {b} from both sides", f"{x + b} - {b} = {x}")
        case 1:
            left, right, steps = f"{a}x + {b}", f"{a * x + b}", (f"{a}x = {a * x + b} - {b} = {a * x}", f"x = {a * x} / {a} = {x}")
        case 2:
            left, right, steps = f"{a}x + {b}", f"{d}x + {e}", (f"{a - d}x = {e} - {b} = {(a - d) * x}", f"divide by {a - d}: x = {x}")
        case _:
            e = a * (x + b) - d * x
            left, right = f"{a}(x + {b})", f"{d}x + {e}"
            steps = (f"open: {a}x + {a * b} = {d}x + {e}", f"{a - d}x = {e} - {a * b} = {(a - d) * x}", f"divide by {a - d}: x = {x}")
    side = value_of(left, Fraction(x))
    question = f"Solve for x: {left} = {right}."
    return numeric(question, ("undo what is done to x", *steps), x, _X, (x + b, x + 2 * b, a * x), f"both sides are {side} at x = {x}")


def check_linear(question: str, answer: str) -> bool:
    """Both sides of the written equation have the same value at x."""
    x = quantity(answer, _X)
    left, _, right = question.removeprefix("Solve for x: ").removesuffix(".").partition(" = ")
    return x is not None and value_of(left, x) == value_of(right, x)


_LAWS = (
    "adds a fixed number",
    "multiplies by a fixed number",
    "adds a number that grows steadily",
    "multiplies by one number, then adds another",
)


def sequence(rng: Random, level: int) -> Problem:
    """The next term of a sequence whose kind of law is told: arithmetic, geometric, quadratic, affine."""
    start, p, q = rng.randint(2, 60 if level < 3 else 20), rng.randint(2, (15, 9, 9, 5)[level]), rng.randint(2, 9)
    terms = [start]
    for index in range(4):
        last = terms[-1]
        terms.append((last + p, last * p, last + p + q * index, last * p + q)[level])
    shown, following = terms[:4], terms[4]
    a, b, c, d = shown
    steps = (
        (f"{b} - {a} = {p}", f"{c} - {b} = {p}", f"{d} + {p} = {following}"),
        (f"{b} / {a} = {p}", f"{c} / {b} = {p}", f"{d} * {p} = {following}"),
        (f"differences {b - a}, {c - b}, {d - c}", f"they grow by {q}", f"{d} + {d - c + q} = {following}"),
        (f"{a} * {p} + {q} = {b}", f"{b} * {p} + {q} = {c}", f"{d} * {p} + {q} = {following}"),
    )[level]
    question = f"A sequence {_LAWS[level]} each time: {', '.join(map(str, shown))}. What is the next term?"
    back = (f"{following} - {p} = {d}", f"{following} / {p} = {d}", f"{following} - {d - c + q} = {d}", f"({following} - {q}) / {p} = {d}")[
        level
    ]
    return numeric(question, steps, following, _TERM, (d + (d - c), d * p, following + p), back)


def check_sequence(question: str, answer: str) -> bool:
    """The law found from the terms alone holds up to the answer."""
    term, terms = quantity(answer, _TERM), numbers(question)
    if term is None:
        return False
    whole = [*terms, term]
    gaps = [after - before for before, after in pairwise(whole)]
    if _LAWS[3] in question:
        return all(after * gaps[0] == before * gaps[1] for before, after in pairwise(gaps))
    if _LAWS[2] in question:
        return len({after - before for before, after in pairwise(gaps)}) == 1
    if _LAWS[1] in question:
        return len({after / before for before, after in pairwise(whole)}) == 1
    return len(set(gaps)) == 1


TEMPLATES = (
    Template("equation", "mathematics", "deductive", linear, check_linear),
    Template("sequence", "mathematics", "inductive", sequence, check_sequence),
    abductive("shape", "mathematics", laws.LAWS),
    analogical("solid", "mathematics", laws.LIKENESSES),
    causal("scaling", "mathematics", laws.LAWS, laws.LINKS),
    probabilistic("urn", "mathematics", laws.CHANCES),
    counterfactual("figure", "mathematics", laws.LAWS, laws.LINKS),
    audit("geometry", "mathematics", laws.LAWS, laws.LINKS),
)
