"""Engineering, recomputed."""

from tests.stages.data.recomputed import classics
from tests.stages.data.recomputed import formulas as f
from tests.stages.data.recomputed.formulas import Formula

_BEAM, _DUCT = {"width": "mm", "height": "mm"}, {"area": "m2", "speed": "m/s"}
_SHAFT = Formula("power", "W", {"torque": "N m", "turning rate": "rad/s"}, lambda m, w: m * w)
FORMULAS = {
    "A tie rod": Formula("stress", "MPa", {"force": "N", "area": "mm2"}, lambda force, a: force / a),
    "A drive shaft": _SHAFT,
    "A power line": Formula("loss", "W", {"resistance": "ohm", "current": "A"}, lambda r, i: (i * r) * i),
    "A rectangular beam": Formula("modulus", "mm3", _BEAM, lambda b, h: b * h**3 / 12 / (h / 2)),
    "A wind turbine": Formula("wind power", "W", {"swept area": "m2", "wind speed": "m/s"}, lambda a, v: 0.5 * (1.2 * a * v) * v * v),
    "A battery pack": Formula("run time", "h", {"capacity": "Ah", "current": "A"}, lambda c, i: c / i),
    "A duct": Formula("flow", "m3/s", _DUCT, lambda a, v: a * v),
    "A pump": Formula("power", "kW", {"flow": "m3/s", "head": "m"}, lambda q, h: 1000 * 10 * q * h / 1000),
    "A steel rail": Formula("expansion", "mm", {"length": "m", "warming": "K"}, lambda length, t: 12e-6 * length * 1000 * t),
    "A strip of plate": Formula("second moment", "mm4", _BEAM, lambda b, h: b * h**3 / 12),
    "A cantilever": Formula("sag", "mm", {"force": "N", "length": "m", "rigidity": "kN m2"}, lambda p, x, ei: p * x**3 / (3 * ei)),
    "A turning winch": Formula(
        "power", "W", {"pull": "N", "drum radius": "m", "turning rate": "rad/s"}, lambda p, r, w: p * (r * w), lambda p, r, w: p * r
    ),
    "A bent rib": Formula(
        "stress", "MPa", _BEAM | {"bending moment": "N mm"}, lambda b, h, m: m * (h / 2) / (b * h**3 / 12), lambda b, h, m: b * h * h / 6
    ),
    "A feeder fuse": Formula(
        "charge", "C", {"voltage": "V", "resistance": "ohm", "time": "s"}, lambda u, r, t: u * t / r, lambda u, r, t: u / r
    ),
    "A weir with a turbine": Formula("power", "kW", _DUCT | {"head": "m"}, lambda a, v, h: 10 * a * v * h, lambda a, v, h: a * v),
}
ANALOGUES = {
    "A wall": Formula("heat flow", "W", {"temperature gap": "K", "insulation": "K/W"}, lambda t, r: t / r),
    "A pipe run": Formula("pressure drop", "kPa", {"flow": "L/s", "friction": "kPa s/L"}, lambda q, r: q * r),
    "A shaft": Formula("twist", "degrees", {"torque": "N m", "stiffness": "N m/degree"}, lambda m, c: m / c),
    "A drive shaft": _SHAFT,
    "A flywheel": Formula("energy", "J", {"inertia": "kg m2", "turning rate": "rad/s"}, lambda i, w: 0.5 * i * w * w),
    "An iron core": Formula("flux", "Wb", {"magnetic drive": "A", "reluctance": "A/Wb"}, lambda m, r: m / r),
}
LINES = {"A hung cable": "mm", "A tank under a pump": "mm", "A motor": "A", "A worn tool": "um"}
CHANCES = (
    ("A press", f.expected, "{} parts"),
    ("A weld", f.expected, "{} welds"),
    ("A chain", f.every, "{} percent"),
    ("one is enough", f.some, "{} percent"),
    ("spoilt part from", f.given_sign, "{} percent"),
    ("Machine A", f.mean, "{} percent"),
    ("A part lasts", lambda p, w, q: f.mean(w, p, q), "{} years"),
)
RECOMPUTE = {
    "beam": classics.beam,
    "gears": classics.gears,
    "prototype": f.inductive(FORMULAS, LINES),
    "fault": f.abductive(FORMULAS),
    "flow": f.analogical(ANALOGUES),
    "reliability": f.probabilistic(CHANCES),
    "design": f.counterfactual(FORMULAS),
    "inspection": f.meta(FORMULAS),
}
