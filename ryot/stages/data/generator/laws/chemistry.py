"""Chemistry as laws: solutions, gases, heat, light and rates (any general text, e.g. Zumdahl); amounts in mol.

The gas constant is 8.3 kPa L/(mol K), water's heat 4.2 J/(g K), its freezing constant 1.86 K kg/mol, a mole of gas at 0 C and 1 atm 22.4 L.
"""

from fractions import Fraction

from ryot.stages.data.generator.laws.analogical import Likeness
from ryot.stages.data.generator.laws.chance import ANY_OF_THREE, BAYES, COUNT, EITHER, JOINT, MASS, MIXTURE, ONE_OF_TWO, Case
from ryot.stages.data.generator.laws.inductive import Line
from ryot.stages.data.generator.laws.law import Law, Quantity

_SMALL, _MIDDLE, _TENS, _ROUND = range(2, 13), range(2, 21), range(10, 90, 10), (2, 3, 4, 5, 6, 8, 10, 12, 20)

_AMOUNT, _VOLUME = Quantity("amount", "mol", _MIDDLE), Quantity("volume", "L", _ROUND)
_MASS, _MOLAR = Quantity("mass", "g", range(20, 400, 20)), Quantity("molar mass", "g/mol", (16, 20, 25, 32, 40, 50, 64, 80, 100, 160))
_CONCENTRATION, _RATE = Quantity("concentration", "M", _SMALL), Quantity("rate", "M/s", _TENS)
_CONSTANT, _HEAT = Quantity("rate constant", "units", _SMALL), Quantity("heat", "J", _TENS)
_CURRENT, _TIME = Quantity("current", "A", _SMALL), Quantity("time", "s", _TENS)
_TEMPERATURE = Quantity("temperature", "K", (200, 250, 300, 350, 400))

LAWS = (
    Law("A solution", _CONCENTRATION, ((_AMOUNT, 1), (_VOLUME, -1))),
    Law("A pure sample", _AMOUNT, ((_MASS, 1), (_MOLAR, -1))),
    Law("A second-order reaction", _RATE, ((_CONSTANT, 1), (_CONCENTRATION, 2))),
    Law("A third-order reaction", _RATE, ((_CONSTANT, 1), (_CONCENTRATION, 3))),
    Law(
        "A dissolved sugar", Quantity("freezing drop", "K", _SMALL), ((_AMOUNT, 1), (Quantity("water", "kg", _ROUND), -1)), Fraction("1.86")
    ),
    Law("Warmed water", _HEAT, ((Quantity("mass", "g", _ROUND), 1), (Quantity("warming", "K", _MIDDLE), 1)), Fraction("4.2")),
    Law("An electrolysis", Quantity("charge", "C", _TENS), ((_CURRENT, 1), (_TIME, 1))),
    Law(
        "A crystal",
        Quantity("density", "g/cm3", _SMALL),
        ((Quantity("mass", "g", range(6, 61, 2)), 1), (Quantity("volume", "cm3", _ROUND), -1)),
    ),
)
CURVES = (
    *LAWS,
    Law("A gas", Quantity("pressure", "kPa", _TENS), ((_AMOUNT, 1), (_TEMPERATURE, 1), (_VOLUME, -1)), Fraction("8.3")),
    Law("A fluoride salt", Quantity("product", "units", _TENS), ((Quantity("solubility", "mM", _SMALL), 3),), Fraction(4)),
)

_DISSOLVED = Law("A dissolved powder", _CONCENTRATION, ((_AMOUNT, 1), (_VOLUME, -1)))
_BURNT = Law("A burnt fuel", Quantity("heat", "kJ", _TENS), ((_AMOUNT, 1), (Quantity("molar heat", "kJ/mol", _TENS), 1)))
_EVAPORATED = Law("A gas at STP", Quantity("volume", "L", _TENS), ((_AMOUNT, 1),), Fraction("22.4"))
_STRENGTH = Law("A stock", _CONCENTRATION, ((_AMOUNT, 1), (_VOLUME, -1)))
_DECAY = Law("A first-order reaction", _RATE, ((_CONCENTRATION, 1), (_CONSTANT, 1)))
_POWDER = Law("A powder", _AMOUNT, ((_MASS, 1), (_MOLAR, -1)))
LINKS = ((_POWDER, _DISSOLVED), (_POWDER, _BURNT), (_POWDER, _EVAPORATED), (_STRENGTH, _DECAY))

LIKENESSES = (
    Likeness(
        "a gas's",
        ("pressure", "molar density", "temperature"),
        Law("A solution", Quantity("osmotic pressure", "kPa", _TENS), ((_CONCENTRATION, 1), (_TEMPERATURE, 1)), Fraction("8.3")),
    ),
    Likeness(
        "a decaying sample's",
        ("activity", "decay constant", "number of nuclei"),
        Law("A first-order reaction", _RATE, ((_CONSTANT, 1), (_CONCENTRATION, 1))),
    ),
    Likeness(
        "a wire's",
        ("current", "voltage", "resistance"),
        Law(
            "A membrane",
            Quantity("ion flow", "umol/s", _TENS),
            ((Quantity("level gap", "mM", _MIDDLE), 1), (Quantity("barrier", "s/L", _ROUND), -1)),
        ),
    ),
    Likeness("a tap's", ("volume", "flow", "time"), Law("An electrolysis", Quantity("charge", "C", _TENS), ((_CURRENT, 1), (_TIME, 1)))),
    Likeness(
        "a tank's",
        ("volume", "floor", "rise"),
        Law("A calorimeter", _HEAT, ((Quantity("heat capacity", "J/K", _TENS), 1), (Quantity("warming", "K", _MIDDLE), 1))),
    ),
)

LINES = (
    Line("A beaker of acid", _VOLUME, Quantity("mass", "kg", ()), range(2, 4), range(3, 20)),
    Line("A heated bath", Quantity("time", "min", _MIDDLE), Quantity("temperature", "C", ()), range(2, 7), range(8, 26)),
    Line("A salt in water", Quantity("temperature", "C", _MIDDLE), Quantity("solubility", "g/L", ()), range(2, 9), range(20, 99)),
    Line("A zeroth-order reaction", Quantity("time", "s", _MIDDLE), Quantity("product", "mmol", ()), range(2, 9), range(1, 30)),
    Line(
        "A homologous series", Quantity("carbon count", "", range(2, 13)), Quantity("molar mass", "g/mol", ()), (14,), (2, 16, 18, 32, 46)
    ),
)

CHANCES = (
    (
        Case(COUNT, "Of an element's atoms {p} percent are heavy. How many of {n} atoms are expected to be?", "{} atoms"),
        Case(COUNT, "A collision leads to reaction with {p} percent. How many of {n} collisions are expected to?", "{} of them"),
    ),
    (
        Case(JOINT, "A molecule survives two steps with {p} and {q} percent. How likely does it survive both?"),
        Case(
            ONE_OF_TWO, "Of an element's atoms {p} percent are heavy. How many of {n} molecules X2 should hold exactly one?", "{} of them"
        ),
        Case(EITHER, "Two catalysts turn a molecule with {p} and {q} percent. How likely does at least one?"),
    ),
    (
        Case(MASS, "An element is {w} percent of mass {p} u, else of {q} u. What is its mean atomic mass?", "{} u on average"),
        Case(MIXTURE, "Of a drug {w} percent goes path A with yield {p} percent, the rest B with {q}. What is the yield?"),
    ),
    (
        Case(
            BAYES,
            "Lead is in {w} percent of samples; a test turns red for {p} percent of these, {q} of the rest. It is red. How likely is lead?",
        ),
        Case(ANY_OF_THREE, "Three tests find lead with {p}, {q} and {r} percent. How likely does at least one?"),
    ),
)
