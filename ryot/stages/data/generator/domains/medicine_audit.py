"""Medicine: worked solutions to audit: a dose, a drip, a screening, the number needed to treat. The drugs are made up."""

from fractions import Fraction
from random import Random

from ryot.stages.data.generator.facts.audit import Line, Procedure, Values, audit, check_audit
from ryot.stages.data.generator.problem import Template


def _dose(rng: Random) -> Values:
    return Fraction(rng.randint(2, 30)), Fraction(rng.randint(8, 95)), Fraction(rng.choice((2, 3, 4)))


def _drip(rng: Random) -> Values:
    hours = rng.randint(2, 12)
    return Fraction(60 * hours * rng.randint(1, 5)), Fraction(hours), Fraction(rng.choice((10, 15, 20, 60)))


def _screened(rng: Random) -> Values:
    return Fraction(1000 * rng.randint(1, 20)), Fraction(rng.choice((2, 5, 10, 20))), Fraction(rng.choice((60, 70, 80, 90, 95)))


def _trial(rng: Random) -> Values:
    people = 100 * rng.randint(1, 12)
    ill = rng.randint(10, 40)
    return Fraction(people), Fraction(people * ill, 100), Fraction(people * (ill - rng.choice((1, 2, 4, 5, 8))), 100)


def _needed(risks: Values) -> Fraction:
    """The number to treat; nought where the risks do not differ."""
    return 100 / (risks[0] - risks[1]) if risks[0] > risks[1] else Fraction(0)


PROCEDURES = (
    Procedure(
        "{} mg per kg, {} kg, {} doses a day.",
        _dose,
        (
            Line("daily {}", lambda g, _v: g[0] * g[1], (lambda g, _v: g[0] + g[1], lambda g, _v: g[0] * g[1] * g[2]), "{x} = {g0} * {g1}"),
            Line("dose {}", lambda g, v: v[0] / g[2], (lambda g, v: v[0] * g[2], lambda g, v: v[0] / (g[2] + 1)), "{x} * {g2} = {v0}"),
            Line("weekly {}", lambda g, v: v[1] * g[2] * 7, (lambda _g, v: v[1] * 7, lambda _g, v: v[0] * 5), "{x} = 7 * {v1} * {g2}"),
        ),
    ),
    Procedure(
        "A drip: {} mL in {} hours, {} drops per mL.",
        _drip,
        (
            Line("hourly {}", lambda g, _v: g[0] / g[1], (lambda g, _v: g[0] / 60, lambda g, _v: g[0] / g[1] * 2), "{x} * {g1} = {g0}"),
            Line("each minute {}", lambda _g, v: v[0] / 60, (lambda _g, v: v[0] / 24, lambda _g, v: v[0] / 30), "{x} * 60 = {v0}"),
            Line("drops {}", lambda g, v: v[1] * g[2], (lambda g, v: g[2] / v[1], lambda g, v: v[0] * g[2]), "{x} = {v1} * {g2}"),
        ),
    ),
    Procedure(
        "{} people, {} percent ill, {} percent of them found.",
        _screened,
        (
            Line(
                "ill {}",
                lambda g, _v: g[0] * g[1] / 100,
                (lambda g, _v: g[0] * g[1] / 1000, lambda g, _v: g[0] * g[2] / 100),
                "100 * {x} = {g0} * {g1}",
            ),
            Line(
                "found {}",
                lambda g, v: v[0] * g[2] / 100,
                (lambda g, _v: g[0] * g[2] / 100, lambda g, v: v[0] * (100 - g[2]) / 100),
                "100 * {x} = {v0} * {g2}",
            ),
            Line("missed {}", lambda _g, v: v[0] - v[1], (lambda g, v: g[0] - v[1], lambda _g, v: v[0] + v[1]), "{x} + {v1} = {v0}"),
        ),
    ),
    Procedure(
        "Of {}: untreated {} ill, treated {}.",
        _trial,
        (
            Line(
                "untreated {} percent",
                lambda g, _v: 100 * g[1] / g[0],
                (lambda g, _v: g[1], lambda g, _v: 100 * (g[0] - g[1]) / g[0]),
                "{x} * {g0} = 100 * {g1}",
            ),
            Line(
                "treated {} percent",
                lambda g, _v: 100 * g[2] / g[0],
                (lambda g, _v: 100 * (g[0] - g[2]) / g[0], lambda g, _v: 50 * g[2] / g[0]),
                "{x} * {g0} = 100 * {g2}",
            ),
            Line(
                "treat {} for one",
                lambda _g, v: _needed(v),
                (lambda _g, v: v[0] - v[1], lambda _g, v: _needed(v) / 10, lambda _g, v: 100 - v[0]),
                "{x} * {v0} = 100 + {x} * {v1}",
            ),
        ),
    ),
)

TEMPLATES = (Template("charts", "medicine", "meta", audit(PROCEDURES), check_audit(PROCEDURES)),)
