"""Mathematics, recomputed; volumes and areas of round things are in units of pi."""

from tests.stages.data.recomputed import classics
from tests.stages.data.recomputed import formulas as f
from tests.stages.data.recomputed.formulas import Formula

_SQUARE, _ROUND, _FLAT = {"side": "cm", "height": "cm"}, {"radius": "cm", "height": "cm"}, {"base": "cm", "height": "cm"}
FORMULAS = {
    "A rectangle": Formula("area", "cm2", {"width": "cm", "length": "cm"}, lambda a, b: ((a + b) ** 2 - (a - b) ** 2) / 4),
    "A triangle": Formula("area", "cm2", _FLAT, lambda b, h: b * h / 2),
    "A square pyramid": Formula("volume", "cm3", _SQUARE, lambda a, h: a * a * h / 3),
    "A cylinder": Formula("volume", "pi cm3", _ROUND, lambda r, h: (2 * r) ** 2 / 4 * h),
    "A cone": Formula("volume", "pi cm3", _ROUND, lambda r, h: (2 * r) ** 2 / 12 * h),
    "A square prism": Formula("volume", "cm3", {"side": "cm", "length": "cm"}, lambda a, h: a * a * h),
    "A sloping line": Formula("slope", "", {"rise": "cm", "run": "cm"}, lambda y, x: y / x),
    "A parabola": Formula("height", "units", {"steepness": "", "distance": "units"}, lambda a, x: a * x * x),
    "A data set": Formula("mean", "points", {"sum": "points", "count": ""}, lambda total, n: total / n),
    "A tower on a square": Formula("volume", "cm3", _SQUARE, lambda a, h: a * a * h, lambda a, h: a * a),
    "A tin on a disc": Formula("volume", "pi cm3", _ROUND, lambda r, h: r * r * h, lambda r, h: r * r),
    "A pyramid on a rectangle": Formula(
        "volume", "cm3", {"width": "cm", "length": "cm", "height": "cm"}, lambda a, b, h: a * b * h / 3, lambda a, b, h: a * b
    ),
    "A prism on a triangle": Formula(
        "volume", "cm3", {"base": "cm", "width": "cm", "height": "cm"}, lambda a, b, h: a * b * h / 2, lambda a, b, h: a * b / 2
    ),
}
ANALOGUES = {
    "A sector": Formula("area", "cm2", {"arc": "cm", "radius": "cm"}, lambda arc, r: (arc / r) * r * r / 2),
    "A ball": Formula("volume", "cm3", {"surface": "cm2", "radius": "cm"}, lambda s, r: s * r / 3),
    "A cone": Formula("volume", "cm3", {"base area": "cm2", "height": "cm"}, lambda s, h: s * h / 3),
    "A prism": Formula("volume", "cm3", {"base area": "cm2", "height": "cm"}, lambda s, h: s * h),
    "A ring": Formula("volume", "cm3", {"section": "cm2", "midline": "cm"}, lambda s, m: s * m),
    "A cylinder": Formula("volume", "pi cm3", {"radius": "cm", "length": "cm"}, lambda r, h: r * r * h),
}


def _red_pairs(n: float, a: float, _again: float) -> float:
    """Ordered pairs of different balls, counted; the first a balls are red."""
    pairs = [(i, j) for i in range(round(n)) for j in range(round(n)) if i != j]
    return 100 * sum(i < a and j < a for i, j in pairs) / len(pairs)


CHANCES = (
    ("An urn holds", lambda n, a: 100 * a / n, "{} percent"),
    ("A wheel", f.expected, "{} times"),
    ("Two of", _red_pairs, "{} percent"),
    ("Two wheels", f.every, "{} percent"),
    ("Two loaded dice|Three wheels", f.some, "{} percent"),
    ("Red is drawn", f.given_sign, "{} percent"),
    ("Urn A", f.mean, "{} percent"),
    ("A game pays", lambda p, w, q: f.mean(w, p, q), "{} points"),
)
RECOMPUTE = {
    "equation": classics.equation,
    "sequence": classics.sequence,
    "shape": f.abductive(FORMULAS),
    "solid": f.analogical(ANALOGUES),
    "scaling": f.causal(FORMULAS),
    "urn": f.probabilistic(CHANCES),
    "figure": f.counterfactual(FORMULAS),
    "geometry": f.meta(FORMULAS),
}
