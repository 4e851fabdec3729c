"""Mathematics as laws: areas, volumes and means (Euclid's Elements I, XI and XII; Archimedes for the sphere); pi stays a unit."""

from fractions import Fraction

from ryot.stages.data.generator.laws.analogical import Likeness
from ryot.stages.data.generator.laws.chance import ANY_OF_THREE, BAYES, COUNT, EITHER, JOINT, MIXTURE, SHARE, WITHOUT, Case
from ryot.stages.data.generator.laws.law import Law, Quantity

_SMALL, _MIDDLE, _ROUND = range(2, 13), range(2, 21), (2, 3, 4, 5, 6, 8, 10, 12, 20)

_WIDTH, _LENGTH, _SIDE = Quantity("width", "cm", _MIDDLE), Quantity("length", "cm", _MIDDLE), Quantity("side", "cm", _SMALL)
_BASE, _HEIGHT, _RADIUS = Quantity("base", "cm", _MIDDLE), Quantity("height", "cm", _MIDDLE), Quantity("radius", "cm", _SMALL)
_AREA, _VOLUME = Quantity("area", "cm2", _MIDDLE), Quantity("volume", "cm3", _MIDDLE)
_BASE_AREA, _ROUND_AREA = Quantity("base area", "cm2", _MIDDLE), Quantity("base area", "pi cm2", _MIDDLE)
_ROUND_VOLUME = Quantity("volume", "pi cm3", _MIDDLE)

LAWS = (
    Law("A rectangle", _AREA, ((_WIDTH, 1), (_LENGTH, 1))),
    Law("A triangle", _AREA, ((_BASE, 1), (_HEIGHT, 1)), Fraction(1, 2)),
    Law("A square pyramid", _VOLUME, ((_SIDE, 2), (_HEIGHT, 1)), Fraction(1, 3)),
    Law("A cylinder", _ROUND_VOLUME, ((_RADIUS, 2), (_HEIGHT, 1))),
    Law("A cone", _ROUND_VOLUME, ((_RADIUS, 2), (_HEIGHT, 1)), Fraction(1, 3)),
    Law("A square prism", _VOLUME, ((_SIDE, 2), (_LENGTH, 1))),
    Law("A sloping line", Quantity("slope", "", _SMALL), ((Quantity("rise", "cm", _MIDDLE), 1), (Quantity("run", "cm", _ROUND), -1))),
    Law(
        "A parabola",
        Quantity("height", "units", _MIDDLE),
        ((Quantity("steepness", "", _SMALL), 1), (Quantity("distance", "units", _SMALL), 2)),
    ),
    Law(
        "A data set",
        Quantity("mean", "points", _SMALL),
        ((Quantity("sum", "points", range(12, 200, 6)), 1), (Quantity("count", "", _ROUND), -1)),
    ),
)

_TILED, _PAVED = Quantity("edge", "cm", _SMALL), Quantity("face", "cm2", _MIDDLE)
_FLOOR = Law("A square floor", _BASE_AREA, ((_SIDE, 2),))
_DISC = Law("A disc", _ROUND_AREA, ((_RADIUS, 2),))
_OBLONG = Law("An oblong", _BASE_AREA, ((_WIDTH, 1), (_LENGTH, 1)))
_HALF = Law("A three-sided floor", _BASE_AREA, ((_BASE, 1), (_WIDTH, 1)), Fraction(1, 2))
LINKS = (
    (_FLOOR, Law("A tower on a square", _VOLUME, ((_BASE_AREA, 1), (_HEIGHT, 1)))),
    (_DISC, Law("A tin on a disc", _ROUND_VOLUME, ((_ROUND_AREA, 1), (_HEIGHT, 1)))),
    (_OBLONG, Law("A pyramid on a rectangle", _VOLUME, ((_BASE_AREA, 1), (_HEIGHT, 1)), Fraction(1, 3))),
    (_HALF, Law("A prism on a triangle", _VOLUME, ((_BASE_AREA, 1), (_HEIGHT, 1)))),
)

LIKENESSES = (
    Likeness(
        "a triangle's",
        ("area", "base", "height"),
        Law("A sector", _AREA, ((Quantity("arc", "cm", _MIDDLE), 1), (_RADIUS, 1)), Fraction(1, 2)),
    ),
    Likeness(
        "a pyramid's",
        ("volume", "base area", "height"),
        Law("A ball", _VOLUME, ((Quantity("surface", "cm2", _MIDDLE), 1), (_RADIUS, 1)), Fraction(1, 3)),
    ),
    Likeness("a pyramid's", ("volume", "base area", "height"), Law("A cone", _VOLUME, ((_BASE_AREA, 1), (_HEIGHT, 1)), Fraction(1, 3))),
    Likeness("a rectangle's", ("area", "width", "length"), Law("A prism", _VOLUME, ((_BASE_AREA, 1), (_HEIGHT, 1)))),
    Likeness(
        "a straight tube's",
        ("volume", "section", "length"),
        Law("A ring", _VOLUME, ((Quantity("section", "cm2", _SMALL), 1), (Quantity("midline", "cm", _MIDDLE), 1))),
    ),
    Likeness("a square prism's", ("volume", "side", "length"), Law("A cylinder", _ROUND_VOLUME, ((_RADIUS, 2), (_LENGTH, 1)))),
)

CHANCES = (
    (
        Case(SHARE, "An urn holds {n} balls, {a} of them red. How likely is a red one?"),
        Case(COUNT, "A wheel stops on blue with {p} percent. How often is that expected in {n} turns?", "{} times"),
    ),
    (
        Case(WITHOUT, "Two of {n} balls are drawn, {a} of the {n} are red. How likely are two red ones?"),
        Case(JOINT, "Two wheels stop on blue with {p} and {q} percent. How likely do both?"),
        Case(EITHER, "Two loaded dice show a six with {p} and {q} percent. How likely is at least one six?"),
    ),
    (
        Case(MIXTURE, "Urn A is taken with {w} percent, else urn B; red has {p} percent in A, {q} in B. How likely is red?"),
        Case(MIXTURE, "A game pays {p} points with {w} percent, else {q}. What is the mean?", "{} points"),
    ),
    (
        Case(BAYES, "Urn A is taken with {w} percent, else urn B; red has {p} percent in A, {q} in B. Red is drawn. How likely was it A?"),
        Case(ANY_OF_THREE, "Three wheels stop on blue with {p}, {q} and {r} percent. How likely does at least one?"),
    ),
)
