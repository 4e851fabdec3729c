"""Computer science, recomputed; loops are counted by running them."""

from tests.stages.data.recomputed import classics
from tests.stages.data.recomputed import formulas as f
from tests.stages.data.recomputed.formulas import Formula

_QUEUE = Formula("job count", "jobs", {"arrival rate": "jobs", "stay": "s"}, lambda a, t: a * t)
_BUS = Formula("bandwidth", "GB/s", {"width": "bytes", "clock": "GHz"}, lambda w, c: w * c)
_JOB = Formula("run time", "min", {"work": "min", "core count": ""}, lambda w, n: w / n)
_IMAGE = Formula("size", "bits", {"depth": "bits", "side": "px"}, lambda d, s: d * s * s)
_TABLE = Formula("load", "items", {"item count": "", "bucket count": ""}, lambda n, m: n / m)
_LOOP = {"cost": "steps", "item count": ""}
FORMULAS = {
    "A program": Formula("time", "s", {"cycle count": "billion", "clock": "GHz"}, lambda n, c: n * 1e9 / (c * 1e9)),
    "A download": Formula("time", "s", {"size": "MB", "bandwidth": "MB/s"}, lambda s, b: s / b),
    "A double loop": Formula("step count", "steps", _LOOP, lambda c, n: c * n**2),
    "A triple loop": Formula("step count", "steps", _LOOP, lambda c, n: c * n**3),
    "A square image": _IMAGE,
    "A cube of voxels": Formula("size", "bits", {"depth": "bits", "side": "voxels"}, lambda d, s: d * s * s * s),
    "A hash table": _TABLE,
    "A parallel job": _JOB,
    "A server queue": _QUEUE,
    "A memory bus": _BUS,
    "A run on a processor": Formula(
        "time", "s", {"instruction count": "billion", "cycle cost": "", "clock": "GHz"}, lambda n, k, c: n * k / c, lambda n, k, c: n * k
    ),
    "A timed loop": Formula("run time", "ms", _LOOP | {"speed": "steps"}, lambda c, n, v: c * n * n / v, lambda c, n, v: c * n * n),
    "A video upload": Formula(
        "time", "s", {"frame count": "", "frame size": "MB", "bandwidth": "MB/s"}, lambda n, s, b: n * s / b, lambda n, s, b: n * s
    ),
    "A batch on a cluster": Formula(
        "time", "s", {"node count": "", "node rate": "jobs", "batch size": "jobs"}, lambda n, r, b: b / (n * r), lambda n, r, b: n * r
    ),
}
ANALOGUES = {
    "A link": Formula("sending time", "s", {"size": "MB", "bandwidth": "MB/s"}, lambda s, b: s / b),
    "A server queue": _QUEUE,
    "A memory bus": _BUS,
    "A parallel job": _JOB,
    "A square image": _IMAGE,
    "A hash table": _TABLE,
}
LINES = {"A web request": "ms", "A linear scan": "us", "A growing list": "bytes", "A log file": "MB"}
CHANCES = (
    ("A link loses", f.expected, "{} packets"),
    ("A packet arrives", lambda p, n: n / (p / 100), "{} sends"),
    ("A key collides", f.expected, "{} of them"),
    ("two servers", f.every, "{} percent"),
    ("two copies|Three replicas", f.some, "{} percent"),
    ("A cache", f.mean, "{} ns on average"),
    ("Of calls", f.mean, "{} percent"),
    ("Of mail", f.given_sign, "{} percent"),
)
RECOMPUTE = {
    "base": classics.base,
    "loop": classics.loop,
    "benchmark": f.inductive(FORMULAS, LINES),
    "slowdown": f.abductive(FORMULAS),
    "network": f.analogical(ANALOGUES),
    "workload": f.causal(FORMULAS),
    "packet": f.probabilistic(CHANCES),
    "debugging": f.meta(FORMULAS),
}
