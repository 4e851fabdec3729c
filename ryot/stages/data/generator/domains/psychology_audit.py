"""Psychology: worked solutions to audit: a standard score, an old quotient of intelligence, savings in relearning, rates of detection."""

from fractions import Fraction
from random import Random

from ryot.stages.data.generator.facts.audit import Line, Procedure, Values, audit, check_audit
from ryot.stages.data.generator.problem import Template


def _standard(rng: Random) -> Values:
    mean, deviation = rng.randint(20, 90), rng.choice((4, 5, 8, 10, 20))
    return Fraction(mean), Fraction(deviation), mean + deviation * Fraction(rng.randint(1, 10), 4)


def _ages(rng: Random) -> Values:
    return Fraction(rng.randint(5, 19)), Fraction(rng.choice((4, 5, 8, 10, 12, 15, 16)))


def _relearned(rng: Random) -> Values:
    first = rng.choice((10, 16, 20, 25, 30, 40, 50, 60, 80))
    return Fraction(first), Fraction(rng.randint(2, first - 2)), Fraction(rng.choice((10, 20, 30, 40, 60)))


def _tones(rng: Random) -> Values:
    tones, silent = 20 * rng.randint(1, 8), 20 * rng.randint(1, 8)
    return Fraction(tones), Fraction(rng.randint(tones // 2, tones)), Fraction(silent), Fraction(rng.randint(1, silent // 3))


PROCEDURES = (
    Procedure(
        "Mean {}, deviation {}, score {}.",
        _standard,
        (
            Line("above {}", lambda g, _v: g[2] - g[0], (lambda g, _v: g[2] - g[1], lambda g, _v: g[2] + g[0]), "{x} + {g0} = {g2}"),
            Line("z = {}", lambda g, v: v[0] / g[1], (lambda g, _v: g[2] / g[1], lambda g, v: v[0] - g[1]), "{x} * {g1} = {v0}"),
            Line(
                "IQ {}", lambda _g, v: 100 + 15 * v[1], (lambda _g, v: 100 + 10 * v[1], lambda _g, v: 100 + v[1]), "100 + 15 * {v1} = {x}"
            ),
        ),
    ),
    Procedure(
        "Old IQ: mental age {}, true age {}.",
        _ages,
        (
            Line("ratio {}", lambda g, _v: g[0] / g[1], (lambda g, _v: g[1] / g[0], lambda g, _v: g[0] / (g[1] + 1)), "{x} * {g1} = {g0}"),
            Line(
                "IQ {}",
                lambda _g, v: 100 * v[0],
                (lambda _g, v: 100 + v[0], lambda _g, v: 50 * v[0], lambda _g, v: 10 * v[0]),
                "{x} = 100 * {v0}",
            ),
            Line(
                "at 10: {}",
                lambda _g, v: v[1] / 10,
                (lambda g, _v: g[0], lambda _g, v: v[1] - 90, lambda _g, v: v[1] / 5),
                "10 * {x} = {v1}",
            ),
        ),
    ),
    Procedure(
        "Learning {} trials, again {}, of {} seconds.",
        _relearned,
        (
            Line("saved {}", lambda g, _v: g[0] - g[1], (lambda g, _v: g[0] + g[1], lambda g, _v: g[1]), "{x} + {g1} = {g0}"),
            Line(
                "percent {}",
                lambda g, v: 100 * v[0] / g[0],
                (lambda g, _v: 100 * g[1] / g[0], lambda g, v: 100 * v[0] / g[1]),
                "{x} * {g0} = 100 * {v0}",
            ),
            Line("seconds {}", lambda g, v: v[0] * g[2], (lambda g, v: v[1] * g[2], lambda g, _v: g[1] * g[2]), "{x} = {v0} * {g2}"),
        ),
    ),
    Procedure(
        "Of {} tones {} heard; {} silences, {} false alarms.",
        _tones,
        (
            Line(
                "hits {}",
                lambda g, _v: 100 * g[1] / g[0],
                (lambda g, _v: 100 * (g[0] - g[1]) / g[0], lambda g, _v: g[1]),
                "{x} * {g0} = 100 * {g1}",
            ),
            Line(
                "alarms {}",
                lambda g, _v: 100 * g[3] / g[2],
                (lambda g, _v: 100 * g[3] / g[0], lambda g, _v: g[3]),
                "{x} * {g2} = 100 * {g3}",
            ),
            Line("apart {}", lambda _g, v: v[0] - v[1], (lambda _g, v: v[0] + v[1], lambda _g, v: 100 - v[1]), "{x} + {v1} = {v0}"),
        ),
    ),
)

TEMPLATES = (Template("scoring", "psychology", "meta", audit(PROCEDURES), check_audit(PROCEDURES)),)
