"""Economics, recomputed; rates in percent are turned to shares."""

from tests.stages.data.recomputed import classics
from tests.stages.data.recomputed import formulas as f
from tests.stages.data.recomputed.formulas import Formula

_SHOP = {"price": "dollars", "quantity": "units"}
_STAFF, _MONEY = {"staff": "workers", "productivity": "units"}, {"money": "dollars", "velocity": ""}
_HEADS, _TAX = {"income": "dollars", "population": "people"}, {"sensitivity": "units", "tax": "dollars"}
_LOSS = Formula("welfare loss", "dollars", _TAX, lambda b, t: 0.5 * t * (b * t))
_COUNTRY = Formula("income per head", "dollars", _HEADS, lambda y, n: y / n)
_SALES = Formula("revenue", "dollars", _SHOP, lambda p, q: p * q)
_SPENT = Formula("spending", "dollars", _MONEY, lambda m, v: m * v)
FORMULAS = {
    "A shop": _SALES,
    "A perpetual bond": Formula("price", "dollars", {"coupon": "dollars", "rate": "percent"}, lambda c, r: c / (r / 100)),
    "A stimulus": Formula("income gain", "dollars", {"new spending": "dollars", "saving rate": "percent"}, lambda g, s: g / (s / 100)),
    "A bank": Formula("deposit total", "dollars", {"reserve": "dollars", "reserve ratio": "percent"}, lambda r, s: r / (s / 100)),
    "A country": _COUNTRY,
    "A taxed market": _LOSS,
    "A risky bet": Formula("risk premium", "dollars", {"risk aversion": "", "spread": "dollars"}, lambda a, s: a * s * s / 2),
    "A linear monopoly": Formula("profit", "dollars", {"margin": "dollars", "slope": "dollars"}, lambda m, b: m * (m / b)),
    "A factory": Formula("output", "units", _STAFF, lambda n, p: n * p),
    "A money stock": _SPENT,
    "A selling plant": Formula(
        "revenue", "dollars", _STAFF | {"price": "dollars"}, lambda n, p, price: n * p * price, lambda n, p, price: n * p
    ),
    "A taxed stall": Formula("tax", "dollars", _SHOP | {"tax rate": "percent"}, lambda p, q, r: p * q * (r / 100), lambda p, q, r: p * q),
    "A money economy": Formula("price level", "dollars", _MONEY | {"output": "units"}, lambda m, v, y: m * v / y, lambda m, v, y: m * v),
    "A thrifty nation": Formula(
        "saving per head", "dollars", _HEADS | {"saving rate": "percent"}, lambda y, n, s: y / n * (s / 100), lambda y, n, s: y / n
    ),
}
ANALOGUES = {
    "An economy": Formula("income", "dollars", {"new spending": "dollars", "saving rate": ""}, lambda g, s: g / s),
    "A labour market": Formula("unemployment", "people", {"layoff rate": "people", "search time": "weeks"}, lambda a, t: a * t),
    "A money stock": _SPENT,
    "A taxed market": _LOSS,
    "A shop": _SALES,
    "A country": _COUNTRY,
}
LINES = {"A bakery": "dollars", "A taxi firm": "dollars", "A household": "dollars", "A supply curve": "units"}
CHANCES = (
    ("A loan fails with", f.expected, "{} loans"),
    ("A shopper", f.expected, "{} buyers"),
    ("shares rise", f.every, "{} percent"),
    ("unrelated debtors", f.some, "{} percent"),
    ("A share pays", lambda p, w, q: f.mean(w, p, q), "{} dollars"),
    ("Of loans", f.mean, "{} percent"),
    ("Of years", f.given_sign, "{} percent"),
)
RECOMPUTE = {
    "interest": classics.interest,
    "market": classics.market,
    "output": f.deductive(FORMULAS),
    "costs": f.inductive(FORMULAS, LINES),
    "shock": f.abductive(FORMULAS),
    "exchange": f.analogical(ANALOGUES),
    "risk": f.probabilistic(CHANCES),
    "ledger": f.meta(FORMULAS),
}
