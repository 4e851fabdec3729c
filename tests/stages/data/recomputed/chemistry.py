"""Chemistry, recomputed."""

from tests.stages.data.recomputed import classics
from tests.stages.data.recomputed import formulas as f
from tests.stages.data.recomputed.formulas import Formula

_ORDERED, _POWDER = {"rate constant": "units", "concentration": "M"}, {"mass": "g", "molar mass": "g/mol"}
FORMULAS = {
    "A solution": Formula("concentration", "M", {"amount": "mol", "volume": "L"}, lambda n, v: n / v),
    "A pure sample": Formula("amount", "mol", _POWDER, lambda m, molar: m / molar),
    "A second-order reaction": Formula("rate", "M/s", _ORDERED, lambda k, c: k * c * c),
    "A third-order reaction": Formula("rate", "M/s", _ORDERED, lambda k, c: k * c * c * c),
    "A dissolved sugar": Formula("freezing drop", "K", {"amount": "mol", "water": "kg"}, lambda n, water: 1.86 * (n / water)),
    "Warmed water": Formula("heat", "J", {"mass": "g", "warming": "K"}, lambda m, t: m * t * 4.2),
    "An electrolysis": Formula("charge", "C", {"current": "A", "time": "s"}, lambda i, t: i * t),
    "A crystal": Formula("density", "g/cm3", {"mass": "g", "volume": "cm3"}, lambda m, v: m / v),
    "A gas": Formula("pressure", "kPa", {"amount": "mol", "temperature": "K", "volume": "L"}, lambda n, t, v: n * 8.3 * t / v),
    "A fluoride salt": Formula("product", "units", {"solubility": "mM"}, lambda s: s * (2 * s) ** 2),
    "A dissolved powder": Formula("concentration", "M", _POWDER | {"volume": "L"}, lambda m, u, v: m / u / v, lambda m, u, v: m / u),
    "A burnt fuel": Formula("heat", "kJ", _POWDER | {"molar heat": "kJ/mol"}, lambda m, u, q: m / u * q, lambda m, u, q: m / u),
    "A gas at STP": Formula("volume", "L", _POWDER, lambda m, u: 22.4 * m / u, lambda m, u: m / u),
    "A first-order reaction": Formula(
        "rate", "M/s", {"amount": "mol", "volume": "L", "rate constant": "units"}, lambda n, v, k: k * n / v, lambda n, v, k: n / v
    ),
}
ANALOGUES = {
    "A solution": Formula("osmotic pressure", "kPa", {"concentration": "M", "temperature": "K"}, lambda c, t: c * 8.3 * t),
    "A first-order reaction": Formula("rate", "M/s", {"rate constant": "units", "concentration": "M"}, lambda k, c: k * c),
    "A membrane": Formula("ion flow", "umol/s", {"level gap": "mM", "barrier": "s/L"}, lambda c, r: c / r),
    "An electrolysis": Formula("charge", "C", {"current": "A", "time": "s"}, lambda i, t: i * t),
    "A calorimeter": Formula("heat", "J", {"heat capacity": "J/K", "warming": "K"}, lambda c, t: c * t),
}
LINES = {
    "A beaker of acid": "kg", "A heated bath": "C", "A salt in water": "g/L", "A zeroth-order reaction": "mmol",
    "A homologous series": "g/mol",
}  # fmt: skip


def _one_heavy(p: float, n: float) -> float:
    """Of n molecules of two atoms, those of which the one or the other is heavy, but not both."""
    return n * sum(weight for happened, weight in f.independent(p, p) if sum(happened) == 1)


CHANCES = (
    ("molecules X2", _one_heavy, "{} of them"),
    ("atoms .* are heavy", f.expected, "{} atoms"),
    ("A collision", f.expected, "{} of them"),
    ("survives two steps", f.every, "{} percent"),
    ("Two catalysts|Three tests", f.some, "{} percent"),
    ("mean atomic mass", f.mean, "{} u on average"),
    ("Of a drug", f.mean, "{} percent"),
    ("It is red", f.given_sign, "{} percent"),
)
RECOMPUTE = {
    "moles": classics.moles,
    "dilution": classics.dilution,
    "rates": f.inductive(FORMULAS, LINES),
    "solution": f.abductive(FORMULAS),
    "gas": f.analogical(ANALOGUES),
    "isotope": f.probabilistic(CHANCES),
    "reaction": f.counterfactual(FORMULAS),
    "titration": f.meta(FORMULAS),
}
