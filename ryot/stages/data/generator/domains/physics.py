"""Physics: motion in a straight line, checked with times and mean speeds; circuits, checked by Kirchhoff's laws."""

from fractions import Fraction
from random import Random

from ryot.stages.data.generator.laws import physics as laws
from ryot.stages.data.generator.laws.abductive import abductive
from ryot.stages.data.generator.laws.analogical import analogical
from ryot.stages.data.generator.laws.audit import audit
from ryot.stages.data.generator.laws.chance import probabilistic
from ryot.stages.data.generator.laws.counterfactual import counterfactual
from ryot.stages.data.generator.laws.inductive import inductive
from ryot.stages.data.generator.problem import Problem, Template, is_decimal, numbers, numeric, quantity, written

_METRES, _SPEED, _AMPERES = "{} metres", "{} m/s", "{} amperes"


def motion(rng: Random, level: int) -> Problem:
    """Steady motion; final speed; distance under acceleration; braking distance."""
    u, a, t = rng.randint(2, 30), rng.randint(1, 8), rng.randint(2, 20)
    steps: tuple[str, ...]
    if level == 0:
        question = f"A cart moves at a steady {u} m/s for {t} s. How far does it go?"
        steps = ("distance = speed * time", f"{u} * {t}", f"= {u * t} m")
        return numeric(question, steps, u * t, _METRES, (u + t, u * t + u), f"{u * t} / {t} = {u} m/s")
    if level == 1:
        v = u + a * t
        question = f"A car at {u} m/s speeds up by {a} m/s each second for {t} s. What is its final speed?"
        steps = ("v = u + a * t", f"{a} * {t} = {a * t}", f"{u} + {a * t} = {v}")
        return numeric(question, steps, v, _SPEED, (a * t, u * t + a, u + a + t), f"({v} - {u}) / {t} = {a} m/s gained each second")
    if level == 2:
        a, t = 2 * a, rng.randint(2, 12)
        d = u * t + a * t * t // 2
        question = f"A car at {u} m/s speeds up by {a} m/s each second for {t} s. How far does it go meanwhile?"
        steps = ("d = u * t + a * t * t / 2", f"{u} * {t} + {a} * {t * t} / 2", f"= {d} m")
        check = f"({u} + {u + a * t}) / 2 * {t} = {d}"
        return numeric(question, steps, d, _METRES, (u * t + a * t * t, u * t, u * t + a * t), check)
    a, t = 2 * rng.randint(1, 7), rng.randint(2, 12)
    u, reaction = a * t, rng.randint(1, 9)
    d, braking = u * reaction + u * t // 2, u * t // 2
    question = f"A driver at {u} m/s reacts after {reaction} s, then brakes by {a} m/s each second. How far until the car stands?"
    steps = (f"reacting: {u} * {reaction} = {u * reaction} m", f"braking: {u} * {u} / (2 * {a}) = {braking} m", f"sum = {d} m")
    check = f"{u} / {a} = {t} s; {u} / 2 * {t} = {braking} m"
    return numeric(question, steps, d, _METRES, (braking, u * reaction + u * t, u * reaction), check)


def check_motion(question: str, answer: str) -> bool:
    """The answer's mean speed times the time is the distance; a gained speed over the time is the acceleration."""
    given = numbers(question)
    if "final speed" in question:
        speed = quantity(answer, _SPEED)
        return speed is not None and (speed - given[0]) / given[2] == given[1]
    distance = quantity(answer, _METRES)
    if distance is None:
        return False
    if "steady" in question:
        return distance / given[1] == given[0]
    if "meanwhile" in question:
        u, a, t = given
        return distance == (u + (u + a * t)) / 2 * t
    u, reaction, a = given
    return (distance - u * reaction) * 2 * a == u * u


def circuit(rng: Random, level: int) -> Problem:
    """The current through one resistor, two in series, two in parallel, one in series with a parallel pair."""
    while True:
        r, s, t = rng.randint(1, 30), rng.randint(1, 30), rng.randint(1, 30)
        pair = Fraction(s * t, s + t)
        total = (Fraction(r), Fraction(r + s), Fraction(r * s, r + s), r + pair)[level]
        current = Fraction(rng.randint(1, 40), rng.choice((1, 2, 4)))
        volts = current * total
        if volts.denominator == 1 and 1 <= volts <= 400 and is_decimal(total):
            break
    i, u, all_ohms = written(current), written(volts), written(total)
    parts = (
        f"one resistor of {r} ohm",
        f"{r} ohm and {s} ohm in series",
        f"{r} ohm and {s} ohm in parallel",
        f"{r} ohm in series with a parallel pair of {s} ohm and {t} ohm",
    )[level]
    joined = (
        f"R = {r} ohm",
        f"R = {r} + {s} = {all_ohms} ohm",
        f"R = {r} * {s} / ({r} + {s}) = {all_ohms} ohm",
        f"R = {r} + {s} * {t} / ({s} + {t}) = {all_ohms} ohm",
    )[level]
    question = f"A {u} V battery feeds {parts}. What current does it deliver?"
    mistakes = (volts / (r + s), volts * total, volts / r, volts / (r + s + t))
    return numeric(
        question, ("I = U / R", joined, f"{u} / {all_ohms} = {i}"), current, _AMPERES, mistakes, f"{i} A * {all_ohms} ohm = {u} V"
    )


def check_circuit(question: str, answer: str) -> bool:
    """With this current the voltages along every loop add up to the battery's; branch currents add up to the whole."""
    current, (volts, *ohms) = quantity(answer, _AMPERES), numbers(question)
    if current is None:
        return False
    if "pair" in question:
        left = volts - current * ohms[0]
        return left / ohms[1] + left / ohms[2] == current
    if "parallel" in question:
        return volts / ohms[0] + volts / ohms[1] == current
    return sum(current * ohm for ohm in ohms) == volts


TEMPLATES = (
    Template("motion", "physics", "deductive", motion, check_motion),
    Template("circuit", "physics", "causal", circuit, check_circuit),
    inductive("readings", "physics", laws.CURVES, laws.LINES),
    abductive("trace", "physics", laws.LAWS),
    analogical("field", "physics", laws.LIKENESSES),
    probabilistic("decay", "physics", laws.CHANCES),
    counterfactual("energy", "physics", laws.LAWS, laws.LINKS),
    audit("units", "physics", laws.LAWS, laws.LINKS),
)
