"""Engineering: gear trains, checked by teeth passing the mesh; beams, checked by moments about the other support."""

from fractions import Fraction
from random import Random

from ryot.stages.data.generator.laws import engineering as laws
from ryot.stages.data.generator.laws.abductive import abductive
from ryot.stages.data.generator.laws.analogical import analogical
from ryot.stages.data.generator.laws.audit import audit
from ryot.stages.data.generator.laws.chance import probabilistic
from ryot.stages.data.generator.laws.counterfactual import counterfactual
from ryot.stages.data.generator.laws.inductive import inductive
from ryot.stages.data.generator.problem import Problem, Template, is_decimal, numbers, numeric, quantity, written

_RPM, _TEETH, _NEWTONS, _MOMENT, _METRES = "{} rpm", "{} teeth", "{} newtons", "{} newton metres", "{} metres"


def gears(rng: Random, level: int) -> Problem:
    """The speed of a driven gear; a gear's teeth; two stages; the teeth that a two-stage train needs."""
    while True:
        a, b, c, d = (rng.randint(10, 80) for _ in range(4))
        speed = 10 * rng.randint(2, 180)
        second, end = Fraction(speed * a, b), Fraction(speed * a * c, b * d)
        if is_decimal(second) and is_decimal(end) and a != b and c != d:
            break
    n, last = written(second), written(end)
    if level == 0:
        question = f"A gear of {a} teeth at {speed} rpm drives one of {b} teeth. How fast does that turn?"
        steps = ("teeth * speed is the same on both", f"{speed} * {a} / {b}", f"= {n} rpm")
        return numeric(question, steps, second, _RPM, (Fraction(speed * b, a), speed, second * 2), f"{b} * {n} = {a} * {speed}")
    if level == 1:
        question = f"A gear of {a} teeth at {speed} rpm shall drive another at {n} rpm. How many teeth does that need?"
        steps = ("teeth * speed is the same on both", f"{a} * {speed} / {n}", f"= {b}")
        return numeric(question, steps, b, _TEETH, (Fraction(a * second, speed), a, b * 2), f"{b} * {n} = {a} * {speed}")
    if level == 2:
        question = f"At {speed} rpm {a} teeth drive {b}; on that shaft {c} teeth drive {d}. How fast is the last gear?"
        steps = (f"first stage: {speed} * {a} / {b} = {n}", f"second: {n} * {c} / {d}", f"= {last} rpm")
        return numeric(question, steps, end, _RPM, (second, Fraction(speed * a * d, b * c), speed), f"{last} * {d} / {c} = {n}")
    question = f"At {speed} rpm {a} teeth drive {b}; on that shaft {c} teeth drive the last gear at {last} rpm. How many teeth has it?"
    steps = (f"shaft: {speed} * {a} / {b} = {n} rpm", f"{n} * {c} / {last}", f"= {d}")
    return numeric(question, steps, d, _TEETH, (c, Fraction(speed * c) / end, d * 2), f"{d} * {last} = {c} * {n}")


def check_gears(question: str, answer: str) -> bool:
    """At each mesh as many teeth a minute pass on one gear as on the other."""
    given = numbers(question)
    form = _TEETH if "How many teeth" in question else _RPM
    value = quantity(answer, form)
    if value is None:
        return False
    if "shaft" in question:
        speed, a, b, c, known = given
        return value * known * b == speed * a * c
    a, speed, known = given
    return value * known == a * speed


def beam(rng: Random, level: int) -> Problem:
    """A moment; a support's reaction to one load; to two loads; the place of a load, from the reaction."""
    while True:
        span, at, load = rng.randint(4, 20), rng.randint(1, 16), 10 * rng.randint(1, 90)
        near, weight = rng.randint(1, 16), 10 * rng.randint(1, 60)
        one, two = Fraction(load * at, span), Fraction(load * at + weight * near, span)
        if at < span and near < span and near != at and 2 * at != span and is_decimal(one) and is_decimal(two):
            break
    r, both = written(one), written(two)
    if level == 0:
        question = f"A force of {load} N acts {at} m from a hinge, at a right angle. What is its moment?"
        steps = ("moment = force * arm", f"{load} * {at}", f"= {load * at} N m")
        return numeric(
            question, steps, load * at, _MOMENT, (load + at, Fraction(load, at), load * (at + 1)), f"{load * at} / {at} = {load} N"
        )
    told = f"A {span} m beam rests on A and B at its ends. A load of {load} N stands"
    if level == 1:
        question = f"{told} {at} m from A. What force does B bear?"
        steps = ("moments about A cancel", f"B * {span} = {load} * {at} = {load * at}", f"B = {load * at} / {span} = {r} N")
        return numeric(
            question,
            steps,
            one,
            _NEWTONS,
            (load - one, Fraction(load, 2), load),
            f"A bears {load} * {span - at} / {span}; the sum is {load} N",
        )
    if level == 2:
        question = f"{told} {at} m from A, one of {weight} N {near} m from A. What force does B bear?"
        total = load * at + weight * near
        steps = (f"{load} * {at} = {load * at}", f"{weight} * {near} = {weight * near}", f"B = {total} / {span} = {both} N")
        mistakes = (load + weight - two, one, Fraction(load + weight, 2))
        return numeric(question, steps, two, _NEWTONS, mistakes, f"A bears {written(load + weight - two)}, sum {load + weight} N")
    question = f"{told} so that B bears {r} N. How far from A is it?"
    steps = ("moments about A cancel", f"{load} * d = {r} * {span} = {load * at}", f"d = {load * at} / {load} = {at} m")
    return numeric(question, steps, at, _METRES, (span - at, Fraction(span, 2), at + 2), f"{load} * {at} = {r} * {span}")


def check_beam(question: str, answer: str) -> bool:
    """Moments about B, the other support, cancel when A bears what B does not."""
    given = numbers(question)
    if "moment" in question:
        moment = quantity(answer, _MOMENT)
        return moment is not None and moment / given[0] == given[1]
    if "How far" in question:
        place, (span, load, held) = quantity(answer, _METRES), given
        return place is not None and (load - held) * span == load * (span - place)
    bears, (span, *loads) = quantity(answer, _NEWTONS), given
    forces = list(zip(loads[::2], loads[1::2], strict=True))
    if bears is None:
        return False
    return (sum(force for force, _ in forces) - bears) * span == sum(force * (span - at) for force, at in forces)


TEMPLATES = (
    Template("gears", "engineering", "causal", gears, check_gears),
    Template("beam", "engineering", "deductive", beam, check_beam),
    inductive("prototype", "engineering", laws.CURVES, laws.LINES),
    abductive("fault", "engineering", laws.LAWS),
    analogical("flow", "engineering", laws.LIKENESSES),
    probabilistic("reliability", "engineering", laws.CHANCES),
    counterfactual("design", "engineering", laws.LAWS, laws.LINKS),
    audit("inspection", "engineering", laws.LAWS, laws.LINKS),
)
