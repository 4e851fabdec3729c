"""Physics as laws: mechanics, heat and circuits (any school text, e.g. Halliday, Resnick and Walker); g is 10 m/s2.

Coulomb's constant is 9e9 N m2/C2: 90 N cm2/uC2. The heat of water is 4.2 kJ/(kg K).
"""

from fractions import Fraction

from ryot.stages.data.generator.laws.analogical import Likeness
from ryot.stages.data.generator.laws.chance import ANY_OF_THREE, BAYES, COUNT, EITHER, HALVING, JOINT, MIXTURE, Case
from ryot.stages.data.generator.laws.inductive import Line
from ryot.stages.data.generator.laws.law import Law, Quantity

_SMALL, _MIDDLE, _TENS, _ROUND = range(2, 13), range(2, 21), range(10, 90, 10), (2, 3, 4, 5, 6, 8, 10, 12, 20)

_FORCE, _MASS, _SPEED = Quantity("force", "N", _MIDDLE), Quantity("mass", "kg", _ROUND), Quantity("speed", "m/s", _MIDDLE)
_TIME, _VOLTAGE, _CURRENT = Quantity("time", "s", _SMALL), Quantity("voltage", "V", range(3, 61, 3)), Quantity("current", "A", _SMALL)
_RESISTANCE, _POWER = Quantity("resistance", "ohm", _ROUND), Quantity("power", "W", _TENS)
_STRETCH, _ENERGY = Quantity("stretch", "m", _SMALL), Quantity("energy", "J", _TENS)
_ACCELERATION, _CHARGE = Quantity("acceleration", "m/s2", _SMALL), Quantity("charge", "C", _SMALL)
_MOMENTUM = Quantity("momentum", "N s", _TENS)

SPRING = Law("A spring", _FORCE, ((Quantity("stiffness", "N/m", _TENS), 1), (_STRETCH, 1)))
BODY = Law("A moving body", Quantity("kinetic energy", "J", _TENS), ((_MASS, 1), (_SPEED, 2)), Fraction(1, 2))
CART = Law("A pushed cart", _ACCELERATION, ((_FORCE, 1), (_MASS, -1)))
WIRE = Law("A wire", _CURRENT, ((_VOLTAGE, 1), (_RESISTANCE, -1)))
HEATER = Law("A heater", _POWER, ((_VOLTAGE, 2), (_RESISTANCE, -1)))
RESISTOR = Law("A resistor", _POWER, ((_RESISTANCE, 1), (_CURRENT, 2)))
WAVE = Law("A wave", Quantity("length", "m", _SMALL), ((_SPEED, 1), (Quantity("frequency", "Hz", _ROUND), -1)))
PISTON = Law("A piston", Quantity("pressure", "kPa", _TENS), ((Quantity("force", "kN", _MIDDLE), 1), (Quantity("area", "m2", _ROUND), -1)))
STONE = Law("A falling stone", Quantity("drop", "m", _TENS), ((_TIME, 2),), Fraction(5))
BALL = Law("A ball", _MOMENTUM, ((_MASS, 1), (_SPEED, 1)))
WATER = Law("A pot of water", Quantity("heat", "kJ", _TENS), ((_MASS, 1), (Quantity("warming", "K", _MIDDLE), 1)), Fraction("4.2"))
CHARGES = Law(
    "A pair of equal charges",
    _FORCE,
    ((Quantity("charge", "uC", _SMALL), 2), (Quantity("gap", "cm", (3, 5, 6, 10, 15, 30)), -2)),
    Fraction(90),
)

LAWS = (SPRING, BODY, CART, WIRE, HEATER, RESISTOR, WAVE, PISTON, BALL, WATER, CHARGES)
CURVES = (*LAWS, STONE)

_STARTED = Law("A cart from rest", _SPEED, ((_ACCELERATION, 1), (_TIME, 1)))
_FILLED = Law("A charging battery", _CHARGE, ((_CURRENT, 1), (_TIME, 1)))
_WARMED = Law("A hot plate", _ENERGY, ((_POWER, 1), (_TIME, 1)))
_STOPPED = Law("A caught ball", _FORCE, ((_MOMENTUM, 1), (Quantity("stopping time", "s", _SMALL), -1)))
LINKS = ((CART, _STARTED), (WIRE, _FILLED), (HEATER, _WARMED), (BALL, _STOPPED))

_RATE, _INERTIA = Quantity("turning rate", "rad/s", _MIDDLE), Quantity("inertia", "kg m2", _ROUND)
LIKENESSES = (
    Likeness(
        "a wire's",
        ("voltage", "current", "resistance"),
        Law(
            "A pipe",
            Quantity("pressure", "kPa", _TENS),
            ((Quantity("flow", "L/s", _MIDDLE), 1), (Quantity("friction", "kPa s/L", _SMALL), 1)),
        ),
    ),
    Likeness(
        "a moving body's", ("kinetic energy", "mass", "speed"), Law("A flywheel", _ENERGY, ((_INERTIA, 1), (_RATE, 2)), Fraction(1, 2))
    ),
    Likeness(
        "a cart's",
        ("acceleration", "force", "mass"),
        Law("A wheel", Quantity("spin-up", "rad/s2", _SMALL), ((Quantity("torque", "N m", _MIDDLE), 1), (_INERTIA, -1))),
    ),
    Likeness(
        "a spring's",
        ("energy", "stiffness", "stretch"),
        Law("A capacitor", _ENERGY, ((Quantity("capacity", "F", _ROUND), 1), (_VOLTAGE, 2)), Fraction(1, 2)),
    ),
    Likeness(
        "a wire's",
        ("current", "voltage", "resistance"),
        Law(
            "A wall",
            Quantity("heat flow", "W", _TENS),
            ((Quantity("temperature gap", "K", _MIDDLE), 1), (Quantity("insulation", "K/W", _ROUND), -1)),
        ),
    ),
)

_LOAD = Quantity("load", "N", _MIDDLE)
LINES = (
    Line("A hung spring", _LOAD, Quantity("length", "mm", ()), range(2, 10), range(50, 160, 10)),
    Line("An accelerating car", _TIME, _SPEED, range(2, 7), range(3, 21)),
    Line("A diver", Quantity("depth", "m", _MIDDLE), Quantity("pressure", "kPa", ()), (10,), (95, 98, 100, 101, 102)),
    Line("A heated flask", Quantity("time", "min", _MIDDLE), Quantity("temperature", "C", ()), range(2, 7), range(8, 26)),
    Line("A walker", _TIME, Quantity("distance", "m", ()), range(2, 5), range(3, 60)),
)

CHANCES = (
    (
        Case(COUNT, "A detector sees {p} percent of photons. How many of {n} photons should it see?", "{} photons"),
        Case(COUNT, "A nucleus decays within a day with {p} percent. How many of {n} should decay?", "{} nuclei"),
    ),
    (
        Case(JOINT, "A photon passes two filters with {p} and {q} percent. How likely does it pass both?"),
        Case(HALVING, "Of {n} nuclei with half-life {h} s, how many are left on average after {t} s?", "{} nuclei"),
        Case(EITHER, "Two counters catch a muon with {p} and {q} percent. How likely does at least one?"),
    ),
    (
        Case(MIXTURE, "Of decays {w} percent give {p} keV, the others {q} keV. What is the mean energy?", "{} keV on average"),
        Case(MIXTURE, "Of rays {w} percent are alpha and seen with {p} percent, the rest beta with {q}. How likely is a ray seen?"),
    ),
    (
        Case(
            BAYES, "Of rays {w} percent are alpha and seen with {p} percent, the rest beta with {q}. A ray is seen. How likely is it alpha?"
        ),
        Case(ANY_OF_THREE, "Three counters catch a muon with {p}, {q} and {r} percent. How likely does at least one?"),
    ),
)
