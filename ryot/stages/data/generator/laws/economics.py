"""Economics as laws: markets, money and risk (any first text, e.g. Mankiw; Fisher's equation of exchange; Pratt 1964 for risk)."""

from fractions import Fraction

from ryot.stages.data.generator.laws.analogical import Likeness
from ryot.stages.data.generator.laws.chance import ANY_OF_THREE, BAYES, COUNT, EITHER, JOINT, MIXTURE, Case
from ryot.stages.data.generator.laws.inductive import Line
from ryot.stages.data.generator.laws.law import Law, Quantity

_SMALL, _MIDDLE, _TENS, _ROUND = range(2, 13), range(2, 21), range(10, 90, 10), (2, 3, 4, 5, 6, 8, 10, 12, 20)

_PRICE, _SOLD = Quantity("price", "dollars", _MIDDLE), Quantity("quantity", "units", _MIDDLE)
_RATE, _OUTPUT = Quantity("rate", "percent", (2, 4, 5, 8, 10)), Quantity("output", "units", _TENS)
_WORKERS, _REVENUE = Quantity("staff", "workers", _ROUND), Quantity("revenue", "dollars", _TENS)
_SPENDING, _LEAK = Quantity("new spending", "dollars", _TENS), Quantity("saving rate", "percent", (5, 8, 10, 16, 20, 25, 40))
_TAX, _MONEY = Quantity("tax", "dollars", _SMALL), Quantity("money", "dollars", _TENS)
_COUPON, _INCOME = Quantity("coupon", "dollars", _MIDDLE), Quantity("income", "dollars", _TENS)

LAWS = (
    Law("A shop", _REVENUE, ((_PRICE, 1), (_SOLD, 1))),
    Law("A perpetual bond", _PRICE, ((_COUPON, 1), (_RATE, -1)), Fraction(100)),
    Law("A stimulus", Quantity("income gain", "dollars", _TENS), ((_SPENDING, 1), (_LEAK, -1)), Fraction(100)),
    Law(
        "A bank",
        Quantity("deposit total", "dollars", _TENS),
        ((Quantity("reserve", "dollars", _MIDDLE), 1), (Quantity("reserve ratio", "percent", (2, 4, 5, 8, 10, 20)), -1)),
        Fraction(100),
    ),
    Law("A country", Quantity("income per head", "dollars", _TENS), ((_INCOME, 1), (Quantity("population", "people", _ROUND), -1))),
    Law(
        "A taxed market",
        Quantity("welfare loss", "dollars", _TENS),
        ((Quantity("sensitivity", "units", _SMALL), 1), (_TAX, 2)),
        Fraction(1, 2),
    ),
    Law(
        "A risky bet",
        Quantity("risk premium", "dollars", _TENS),
        ((Quantity("risk aversion", "", _SMALL), 1), (Quantity("spread", "dollars", _SMALL), 2)),
        Fraction(1, 2),
    ),
    Law(
        "A linear monopoly",
        Quantity("profit", "dollars", _TENS),
        ((Quantity("margin", "dollars", _SMALL), 2), (Quantity("slope", "dollars", (2, 4, 5, 8)), -1)),
    ),
    Law("A factory", _OUTPUT, ((_WORKERS, 1), (Quantity("productivity", "units", _SMALL), 1))),
    Law("A money stock", Quantity("spending", "dollars", _TENS), ((_MONEY, 1), (Quantity("velocity", "", _SMALL), 1))),
)

_MADE = Law("A plant", _OUTPUT, ((_WORKERS, 1), (Quantity("productivity", "units", _SMALL), 1)))
_SALES = Law("A stall", _REVENUE, ((_PRICE, 1), (_SOLD, 1)))
_LIQUID = Law("An exchange economy", Quantity("spending", "dollars", _TENS), ((_MONEY, 1), (Quantity("velocity", "", _SMALL), 1)))
_LAND = Law("A nation", Quantity("income per head", "dollars", _TENS), ((_INCOME, 1), (Quantity("population", "people", _ROUND), -1)))
LINKS = (
    (_MADE, Law("A selling plant", _REVENUE, ((_OUTPUT, 1), (_PRICE, 1)))),
    (
        _SALES,
        Law(
            "A taxed stall",
            Quantity("tax", "dollars", _SMALL),
            ((_REVENUE, 1), (Quantity("tax rate", "percent", (5, 8, 10, 20, 25)), 1)),
            Fraction(1, 100),
        ),
    ),
    (
        _LIQUID,
        Law(
            "A money economy", Quantity("price level", "dollars", _SMALL), ((_LIQUID.result, 1), (Quantity("output", "units", _ROUND), -1))
        ),
    ),
    (
        _LAND,
        Law(
            "A thrifty nation",
            Quantity("saving per head", "dollars", _SMALL),
            ((_LAND.result, 1), (Quantity("saving rate", "percent", _ROUND), 1)),
            Fraction(1, 100),
        ),
    ),
)

LIKENESSES = (
    Likeness(
        "a bath's",
        ("level", "inflow", "leak rate"),
        Law("An economy", Quantity("income", "dollars", _TENS), ((_SPENDING, 1), (Quantity("saving rate", "", (2, 4, 5, 8, 10)), -1))),
    ),
    Likeness(
        "a queue's",
        ("length", "arrival rate", "waiting time"),
        Law(
            "A labour market",
            Quantity("unemployment", "people", _TENS),
            ((Quantity("layoff rate", "people", _MIDDLE), 1), (Quantity("search time", "weeks", _SMALL), 1)),
        ),
    ),
    Likeness(
        "a bus fleet's",
        ("trips", "bus count", "trips per bus"),
        Law("A money stock", Quantity("spending", "dollars", _TENS), ((_MONEY, 1), (Quantity("velocity", "", _SMALL), 1))),
    ),
    Likeness(
        "a spring's",
        ("energy", "stiffness", "stretch"),
        Law(
            "A taxed market",
            Quantity("welfare loss", "dollars", _TENS),
            ((Quantity("sensitivity", "units", _SMALL), 1), (_TAX, 2)),
            Fraction(1, 2),
        ),
    ),
    Likeness("a lamp's", ("power", "voltage", "current"), Law("A shop", _REVENUE, ((_PRICE, 1), (_SOLD, 1)))),
    Likeness(
        "a crystal's",
        ("density", "mass", "volume"),
        Law("A country", Quantity("income per head", "dollars", _TENS), ((_INCOME, 1), (Quantity("population", "people", _ROUND), -1))),
    ),
)

LINES = (
    Line("A bakery", Quantity("output", "loaves", _MIDDLE), Quantity("cost", "dollars", ()), range(2, 9), range(20, 99)),
    Line("A taxi firm", Quantity("trip", "km", _MIDDLE), Quantity("fare", "dollars", ()), range(2, 6), range(3, 12)),
    Line("A household", Quantity("income", "dollars", range(10, 70, 5)), Quantity("spending", "dollars", ()), (2, 3), range(11, 60)),
    Line("A supply curve", _PRICE, Quantity("supply", "units", ()), range(2, 12), range(5, 90, 5)),
)

CHANCES = (
    (
        Case(COUNT, "A loan fails with {p} percent. How many of {n} loans should fail?", "{} loans"),
        Case(COUNT, "A shopper buys with {p} percent. How many of {n} shoppers should buy?", "{} buyers"),
    ),
    (
        Case(JOINT, "Two unrelated shares rise with {p} and {q} percent. How likely do both rise?"),
        Case(EITHER, "Two unrelated debtors fail with {p} and {q} percent. How likely does at least one?"),
    ),
    (
        Case(MIXTURE, "A share pays {p} dollars with {w} percent, else {q}. What is its expected payment?", "{} dollars"),
        Case(
            MIXTURE, "Of loans {w} percent go to firms and fail with {p} percent, the rest to homes with {q}. How likely does a loan fail?"
        ),
    ),
    (
        Case(
            BAYES,
            "Of years {w} percent bring a slump; a signal comes before {p} percent of these, {q} of the rest. "
            "It came. How likely is a slump?",
        ),
        Case(ANY_OF_THREE, "Three unrelated debtors fail with {p}, {q} and {r} percent. How likely does at least one?"),
    ),
)
