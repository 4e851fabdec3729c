"""Engineering as laws: strength, power, flow and heat (Roark's Formulas; Cengel's Fluid Mechanics); g is 10 m/s2.

Steel lengthens by 0.012 mm/(m K); air of 1.2 kg/m3 carries 0.6 v^3 W/m2; water under gravity gives 10 kW per m3/s and m.
"""

from fractions import Fraction

from ryot.stages.data.generator.laws.analogical import Likeness
from ryot.stages.data.generator.laws.chance import ANY_OF_THREE, BAYES, COUNT, EITHER, JOINT, MIXTURE, Case
from ryot.stages.data.generator.laws.inductive import Line
from ryot.stages.data.generator.laws.law import Law, Quantity

_SMALL, _MIDDLE, _TENS, _ROUND = range(2, 13), range(2, 21), range(10, 90, 10), (2, 3, 4, 5, 6, 8, 10, 12, 20)

_FORCE, _AREA, _STRESS = Quantity("force", "N", _TENS), Quantity("area", "mm2", _ROUND), Quantity("stress", "MPa", _MIDDLE)
_TORQUE, _TURNING, _POWER = Quantity("torque", "N m", _MIDDLE), Quantity("turning rate", "rad/s", _MIDDLE), Quantity("power", "W", _TENS)
_CURRENT, _RESISTANCE = Quantity("current", "A", _SMALL), Quantity("resistance", "ohm", _SMALL)
_HEIGHT, _WIDTH, _SPEED = Quantity("height", "mm", _SMALL), Quantity("width", "mm", _MIDDLE), Quantity("wind speed", "m/s", _SMALL)
_MODULUS, _FLOW = Quantity("modulus", "mm3", _ROUND), Quantity("flow", "m3/s", _SMALL)
_GAP = Quantity("temperature gap", "K", _MIDDLE)

LAWS = (
    Law("A tie rod", _STRESS, ((_FORCE, 1), (_AREA, -1))),
    Law("A drive shaft", _POWER, ((_TORQUE, 1), (_TURNING, 1))),
    Law("A power line", Quantity("loss", "W", _TENS), ((_RESISTANCE, 1), (_CURRENT, 2))),
    Law("A rectangular beam", Quantity("modulus", "mm3", _TENS), ((_WIDTH, 1), (_HEIGHT, 2)), Fraction(1, 6)),
    Law("A wind turbine", Quantity("wind power", "W", _TENS), ((Quantity("swept area", "m2", _ROUND), 1), (_SPEED, 3)), Fraction("0.6")),
    Law(
        "A battery pack",
        Quantity("run time", "h", _SMALL),
        ((Quantity("capacity", "Ah", _MIDDLE), 1), (Quantity("current", "A", _ROUND), -1)),
    ),
    Law("A duct", Quantity("flow", "m3/s", _SMALL), ((Quantity("area", "m2", _SMALL), 1), (Quantity("speed", "m/s", _SMALL), 1))),
    Law("A pump", Quantity("power", "kW", _TENS), ((_FLOW, 1), (Quantity("head", "m", _MIDDLE), 1)), Fraction(10)),
    Law(
        "A steel rail",
        Quantity("expansion", "mm", _SMALL),
        ((Quantity("length", "m", _ROUND), 1), (Quantity("warming", "K", _MIDDLE), 1)),
        Fraction("0.012"),
    ),
    Law("A strip of plate", Quantity("second moment", "mm4", _TENS), ((_WIDTH, 1), (_HEIGHT, 3)), Fraction(1, 12)),
)
CURVES = (
    *LAWS,
    Law(
        "A cantilever",
        Quantity("sag", "mm", _SMALL),
        ((_FORCE, 1), (Quantity("length", "m", _SMALL), 3), (Quantity("rigidity", "kN m2", _ROUND), -1)),
        Fraction(1, 3),
    ),
)

_WINCH = Law("A winch", _TORQUE, ((Quantity("pull", "N", _TENS), 1), (Quantity("drum radius", "m", _SMALL), 1)))
_RIB = Law("A rib", _MODULUS, ((_WIDTH, 1), (_HEIGHT, 2)), Fraction(1, 6))
_FEED = Law("A feeder", _CURRENT, ((Quantity("voltage", "V", range(12, 121, 12)), 1), (_RESISTANCE, -1)))
_PIPE = Law("A canal", _FLOW, ((Quantity("area", "m2", _SMALL), 1), (Quantity("speed", "m/s", _SMALL), 1)))
LINKS = (
    (_WINCH, Law("A turning winch", _POWER, ((_TORQUE, 1), (_TURNING, 1)))),
    (_RIB, Law("A bent rib", _STRESS, ((Quantity("bending moment", "N mm", range(120, 1300, 120)), 1), (_MODULUS, -1)))),
    (_FEED, Law("A feeder fuse", Quantity("charge", "C", _TENS), ((_CURRENT, 1), (Quantity("time", "s", _SMALL), 1)))),
    (_PIPE, Law("A weir with a turbine", Quantity("power", "kW", _TENS), ((_FLOW, 1), (Quantity("head", "m", _SMALL), 1)), Fraction(10))),
)

LIKENESSES = (
    Likeness(
        "a wire's",
        ("current", "voltage", "resistance"),
        Law("A wall", Quantity("heat flow", "W", _TENS), ((_GAP, 1), (Quantity("insulation", "K/W", _ROUND), -1))),
    ),
    Likeness(
        "a wire's",
        ("voltage", "current", "resistance"),
        Law(
            "A pipe run",
            Quantity("pressure drop", "kPa", _TENS),
            ((Quantity("flow", "L/s", _SMALL), 1), (Quantity("friction", "kPa s/L", _SMALL), 1)),
        ),
    ),
    Likeness(
        "a spring's",
        ("stretch", "force", "stiffness"),
        Law("A shaft", Quantity("twist", "degrees", _SMALL), ((_TORQUE, 1), (Quantity("stiffness", "N m/degree", _ROUND), -1))),
    ),
    Likeness("a pulled cart's", ("power", "force", "speed"), Law("A drive shaft", _POWER, ((_TORQUE, 1), (_TURNING, 1)))),
    Likeness(
        "a moving body's",
        ("kinetic energy", "mass", "speed"),
        Law("A flywheel", Quantity("energy", "J", _TENS), ((Quantity("inertia", "kg m2", _ROUND), 1), (_TURNING, 2)), Fraction(1, 2)),
    ),
    Likeness(
        "a wire's",
        ("current", "voltage", "resistance"),
        Law(
            "An iron core",
            Quantity("flux", "Wb", _SMALL),
            ((Quantity("magnetic drive", "A", _MIDDLE), 1), (Quantity("reluctance", "A/Wb", _ROUND), -1)),
        ),
    ),
)

LINES = (
    Line("A hung cable", Quantity("load", "kN", _MIDDLE), Quantity("length", "mm", ()), range(2, 9), range(200, 900, 20)),
    Line("A tank under a pump", Quantity("time", "min", _MIDDLE), Quantity("level", "mm", ()), range(2, 12), range(30, 300, 10)),
    Line("A motor", Quantity("load", "kN", _MIDDLE), Quantity("current", "A", ()), range(2, 7), range(3, 30)),
    Line("A worn tool", Quantity("part count", "", _MIDDLE), Quantity("wear", "um", ()), range(2, 9), range(5, 60)),
)

CHANCES = (
    (
        Case(COUNT, "A press spoils {p} percent of parts. How many of {n} parts should be spoilt?", "{} parts"),
        Case(COUNT, "A weld is sound with {p} percent. How many of {n} welds should be sound?", "{} welds"),
    ),
    (
        Case(JOINT, "A chain of two links holds if both do: with {p} and {q} percent. How likely does it hold?"),
        Case(EITHER, "Two pumps run with {p} and {q} percent; one is enough. How likely is there flow?"),
    ),
    (
        Case(
            MIXTURE,
            "Machine A makes {w} percent of parts and spoils {p} percent; B makes the rest and spoils {q}. What share is spoilt?",
        ),
        Case(MIXTURE, "A part lasts {p} years with {w} percent, else {q}. What is its mean life?", "{} years"),
    ),
    (
        Case(
            BAYES,
            "Machine A makes {w} percent of parts and spoils {p} percent; B makes the rest and spoils {q}. "
            "How likely is a spoilt part from A?",
        ),
        Case(ANY_OF_THREE, "Three pumps run with {p}, {q} and {r} percent; one is enough. How likely is there flow?"),
    ),
)
