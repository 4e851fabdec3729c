"""Physics, recomputed."""

from tests.stages.data.recomputed import classics
from tests.stages.data.recomputed import formulas as f
from tests.stages.data.recomputed.formulas import Formula

FORMULAS = {
    "A spring": Formula("force", "N", {"stiffness": "N/m", "stretch": "m"}, lambda k, x: k * x),
    "A moving body": Formula("kinetic energy", "J", {"mass": "kg", "speed": "m/s"}, lambda m, v: 0.5 * m * v * v),
    "A pushed cart": Formula("acceleration", "m/s2", {"force": "N", "mass": "kg"}, lambda force, m: force / m),
    "A wire": Formula("current", "A", {"voltage": "V", "resistance": "ohm"}, lambda u, r: u / r),
    "A heater": Formula("power", "W", {"voltage": "V", "resistance": "ohm"}, lambda u, r: u * (u / r)),
    "A resistor": Formula("power", "W", {"resistance": "ohm", "current": "A"}, lambda r, i: (r * i) * i),
    "A wave": Formula("length", "m", {"speed": "m/s", "frequency": "Hz"}, lambda c, n: c / n),
    "A piston": Formula("pressure", "kPa", {"force": "kN", "area": "m2"}, lambda force, a: force / a),
    "A ball": Formula("momentum", "N s", {"mass": "kg", "speed": "m/s"}, lambda m, v: m * v),
    "A pot of water": Formula("heat", "kJ", {"mass": "kg", "warming": "K"}, lambda m, t: 4.2 * m * t),
    "A pair of equal charges": Formula("force", "N", {"charge": "uC", "gap": "cm"}, lambda q, r: 9e9 * (q * 1e-6) ** 2 / (r / 100) ** 2),
    "A falling stone": Formula("drop", "m", {"time": "s"}, lambda t: 10 * t * t / 2),
    "A cart from rest": Formula(
        "speed", "m/s", {"force": "N", "mass": "kg", "time": "s"}, lambda force, m, t: force * t / m, lambda force, m, t: force / m
    ),
    "A charging battery": Formula(
        "charge", "C", {"voltage": "V", "resistance": "ohm", "time": "s"}, lambda u, r, t: u * t / r, lambda u, r, t: u / r
    ),
    "A hot plate": Formula(
        "energy", "J", {"voltage": "V", "resistance": "ohm", "time": "s"}, lambda u, r, t: u * u * t / r, lambda u, r, t: u * u / r
    ),
    "A caught ball": Formula(
        "force", "N", {"mass": "kg", "speed": "m/s", "stopping time": "s"}, lambda m, v, t: m * v / t, lambda m, v, t: m * v
    ),
}
ANALOGUES = {
    "A pipe": Formula("pressure", "kPa", {"flow": "L/s", "friction": "kPa s/L"}, lambda q, r: q * r),
    "A flywheel": Formula("energy", "J", {"inertia": "kg m2", "turning rate": "rad/s"}, lambda i, w: 0.5 * i * w * w),
    "A wheel": Formula("spin-up", "rad/s2", {"torque": "N m", "inertia": "kg m2"}, lambda m, i: m / i),
    "A capacitor": Formula("energy", "J", {"capacity": "F", "voltage": "V"}, lambda c, u: 0.5 * c * u * u),
    "A wall": Formula("heat flow", "W", {"temperature gap": "K", "insulation": "K/W"}, lambda t, r: t / r),
}
LINES = {
    "A hung spring": "mm", "An accelerating car": "m/s", "A diver": "kPa", "A heated flask": "C", "A walker": "m",
}  # fmt: skip
CHANCES = (
    ("A detector", f.expected, "{} photons"),
    ("A nucleus", f.expected, "{} nuclei"),
    ("two filters", f.every, "{} percent"),
    ("half-life", lambda n, h, t: n * 0.5 ** (t / h), "{} nuclei"),
    ("(Two|Three) counters", f.some, "{} percent"),
    ("keV", f.mean, "{} keV on average"),
    ("How likely is a ray", f.mean, "{} percent"),
    ("A ray is seen", f.given_sign, "{} percent"),
)
RECOMPUTE = {
    "motion": classics.motion,
    "circuit": classics.circuit,
    "readings": f.inductive(FORMULAS, LINES),
    "trace": f.abductive(FORMULAS),
    "field": f.analogical(ANALOGUES),
    "decay": f.probabilistic(CHANCES),
    "energy": f.counterfactual(FORMULAS),
    "units": f.meta(FORMULAS),
}
