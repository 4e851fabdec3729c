"""Biology: worked solutions to audit: shares of bases, energy in a food chain, marked fish, Hardy and Weinberg's law."""

from fractions import Fraction
from math import isqrt
from random import Random

from ryot.stages.data.generator.facts.audit import Line, Procedure, Values, audit, check_audit
from ryot.stages.data.generator.problem import Template


def _bases(rng: Random) -> Values:
    return (Fraction(rng.randint(10, 80), 2),)


def _energy(rng: Random) -> Values:
    return Fraction(1000 * rng.randint(2, 90)), Fraction(rng.choice((5, 10, 20)))


def _fish(rng: Random) -> Values:
    again = 10 * rng.randint(3, 20)
    return Fraction(10 * rng.randint(3, 20)), Fraction(again), Fraction(rng.randint(5, again // 2))


def _alleles(rng: Random) -> Values:
    plants = 100 * rng.randint(1, 60)
    return Fraction(plants), Fraction(plants * rng.randint(1, 9) ** 2, 100)


def _root(share: Fraction) -> Fraction:
    return Fraction(isqrt(share.numerator), isqrt(share.denominator))


PROCEDURES = (
    Procedure(
        "DNA has {} percent A.",
        _bases,
        (
            Line("T {}", lambda g, _v: g[0], (lambda g, _v: 50 - g[0], lambda g, _v: 100 - g[0]), "{x} = {g0}"),
            Line("A and T {}", lambda g, v: g[0] + v[0], (lambda _g, v: v[0] + 10, lambda _g, v: v[0] / 2), "{x} = {g0} + {v0}"),
            Line("G {}", lambda _g, v: (100 - v[1]) / 2, (lambda _g, v: 100 - v[1], lambda _g, v: v[1] / 2), "2 * {x} + {v1} = 100"),
        ),
    ),
    Procedure(
        "Plants, mice, snakes, owls: {} kJ, then {} percent each time.",
        _energy,
        (
            Line(
                "mice {}",
                lambda g, _v: g[0] * g[1] / 100,
                (lambda g, _v: g[0] * (100 - g[1]) / 100, lambda g, _v: g[0] * g[1] / 1000),
                "100 * {x} = {g1} * {g0}",
            ),
            Line(
                "snakes {}",
                lambda g, v: v[0] * g[1] / 100,
                (lambda g, v: v[0] - v[0] * g[1] / 100, lambda _g, v: v[0] / 2),
                "100 * {x} = {g1} * {v0}",
            ),
            Line(
                "owls {}",
                lambda g, v: v[1] * g[1] / 100,
                (lambda g, v: v[0] * g[1] / 100, lambda _g, v: v[1] / 2),
                "100 * {x} = {g1} * {v1}",
            ),
        ),
    ),
    Procedure(
        "{} fish are marked; of {} caught later, {} are marked.",
        _fish,
        (
            Line(
                "marked {} percent",
                lambda g, _v: 100 * g[2] / g[1],
                (lambda g, _v: 100 * g[2] / g[0], lambda g, _v: 100 - 100 * g[2] / g[1]),
                "{x} * {g1} = 100 * {g2}",
            ),
            Line(
                "all fish {}",
                lambda g, v: 100 * g[0] / v[0],
                (lambda g, v: g[0] * v[0] / 100, lambda g, v: 100 * g[1] / v[0]),
                "{x} * {v0} = 100 * {g0}",
            ),
            Line("unmarked {}", lambda g, v: v[1] - g[0], (lambda g, v: v[1] + g[0], lambda g, v: v[1] - g[2]), "{x} + {g0} = {v1}"),
        ),
    ),
    Procedure(
        "Of {} mice {} show a recessive trait.",
        _alleles,
        (
            Line(
                "q = {}",
                lambda g, _v: _root(g[1] / g[0]),
                (lambda g, _v: g[1] / g[0], lambda g, _v: g[1] / g[0] / 2),
                "{x} * {x} * {g0} = {g1}",
            ),
            Line("p = {}", lambda _g, v: 1 - v[0], (lambda _g, v: 1 - v[0] * v[0], lambda _g, v: 1 - v[0] / 2), "{x} + {v0} = 1"),
            Line(
                "carriers {}",
                lambda g, v: 2 * v[0] * v[1] * g[0],
                (lambda g, v: v[0] * v[1] * g[0], lambda g, v: v[1] * v[1] * g[0]),
                "{x} + 2 * {g1} = 2 * {v0} * {g0}",
            ),
        ),
    ),
)

TEMPLATES = (Template("specimens", "biology", "meta", audit(PROCEDURES), check_audit(PROCEDURES)),)
