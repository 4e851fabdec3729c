"""Computer science as laws: times, sizes and step counts (Hennessy and Patterson; Cormen et al.; Little's law, 1961)."""

from ryot.stages.data.generator.laws.analogical import Likeness
from ryot.stages.data.generator.laws.chance import ANY_OF_THREE, BAYES, COUNT, EITHER, JOINT, MIXTURE, RETRIES, Case
from ryot.stages.data.generator.laws.inductive import Line
from ryot.stages.data.generator.laws.law import Law, Quantity

_SMALL, _MIDDLE, _TENS, _ROUND = range(2, 13), range(2, 21), range(10, 90, 10), (2, 3, 4, 5, 6, 8, 10, 12, 20)

_TIME, _CLOCK, _CYCLES = Quantity("time", "s", _SMALL), Quantity("clock", "GHz", (2, 4, 5, 8)), Quantity("cycle count", "billion", _MIDDLE)
_ITEMS, _COST = Quantity("item count", "", _SMALL), Quantity("cost", "steps", _SMALL)
_STEPS, _SIDE, _DEPTH = (
    Quantity("step count", "steps", _TENS),
    Quantity("side", "px", _SMALL),
    Quantity("depth", "bits", (2, 4, 8, 16, 24, 32)),
)
_SIZE, _RATE, _NODES = Quantity("size", "MB", _MIDDLE), Quantity("bandwidth", "MB/s", _ROUND), Quantity("node count", "", _ROUND)
_WORK, _JOBS = Quantity("work", "min", _TENS), Quantity("job count", "jobs", _MIDDLE)

LAWS = (
    Law("A program", _TIME, ((_CYCLES, 1), (_CLOCK, -1))),
    Law("A download", _TIME, ((_SIZE, 1), (_RATE, -1))),
    Law("A double loop", _STEPS, ((_COST, 1), (_ITEMS, 2))),
    Law("A triple loop", _STEPS, ((_COST, 1), (_ITEMS, 3))),
    Law("A square image", Quantity("size", "bits", _TENS), ((_DEPTH, 1), (_SIDE, 2))),
    Law("A cube of voxels", Quantity("size", "bits", _TENS), ((_DEPTH, 1), (Quantity("side", "voxels", _SMALL), 3))),
    Law("A hash table", Quantity("load", "items", _SMALL), ((_ITEMS, 1), (Quantity("bucket count", "", _ROUND), -1))),
    Law("A parallel job", Quantity("run time", "min", _SMALL), ((_WORK, 1), (Quantity("core count", "", _ROUND), -1))),
    Law("A server queue", _JOBS, ((Quantity("arrival rate", "jobs", _MIDDLE), 1), (Quantity("stay", "s", _SMALL), 1))),
    Law("A memory bus", Quantity("bandwidth", "GB/s", _TENS), ((Quantity("width", "bytes", (4, 8, 16, 32)), 1), (_CLOCK, 1))),
)

_STEP_RATE = Quantity("speed", "steps", _ROUND)
_INSTRUCTIONS = Law(
    "A processor", _CYCLES, ((Quantity("instruction count", "billion", _SMALL), 1), (Quantity("cycle cost", "", _SMALL), 1))
)
_LOOP, _SHOT = (
    Law("A nested loop", _STEPS, ((_COST, 1), (_ITEMS, 2))),
    Law("A shot", _SIZE, ((Quantity("frame count", "", _MIDDLE), 1), (Quantity("frame size", "MB", _SMALL), 1))),
)
_CLUSTER = Law("A cluster", Quantity("throughput", "jobs", _TENS), ((_NODES, 1), (Quantity("node rate", "jobs", _SMALL), 1)))
LINKS = (
    (_INSTRUCTIONS, Law("A run on a processor", _TIME, ((_CYCLES, 1), (_CLOCK, -1)))),
    (_LOOP, Law("A timed loop", Quantity("run time", "ms", _SMALL), ((_STEPS, 1), (_STEP_RATE, -1)))),
    (_SHOT, Law("A video upload", _TIME, ((_SIZE, 1), (_RATE, -1)))),
    (_CLUSTER, Law("A batch on a cluster", _TIME, ((Quantity("batch size", "jobs", range(60, 1300, 60)), 1), (_CLUSTER.result, -1)))),
)

LIKENESSES = (
    Likeness(
        "a pipe's", ("filling time", "volume", "flow"), Law("A link", Quantity("sending time", "s", _SMALL), ((_SIZE, 1), (_RATE, -1)))
    ),
    Likeness(
        "a shop's",
        ("number of customers", "arrivals an hour", "hours of stay"),
        Law("A server queue", _JOBS, ((Quantity("arrival rate", "jobs", _MIDDLE), 1), (Quantity("stay", "s", _SMALL), 1))),
    ),
    Likeness(
        "a road's",
        ("traffic", "lane count", "cars per lane"),
        Law("A memory bus", Quantity("bandwidth", "GB/s", _TENS), ((Quantity("width", "bytes", (4, 8, 16, 32)), 1), (_CLOCK, 1))),
    ),
    Likeness(
        "a building site's",
        ("days", "work", "crew"),
        Law("A parallel job", Quantity("run time", "min", _SMALL), ((_WORK, 1), (Quantity("core count", "", _ROUND), -1))),
    ),
    Likeness(
        "a square pool's", ("volume", "depth", "side"), Law("A square image", Quantity("size", "bits", _TENS), ((_DEPTH, 1), (_SIDE, 2)))
    ),
    Likeness(
        "a hotel's",
        ("guests per room", "number of guests", "number of rooms"),
        Law("A hash table", Quantity("load", "items", _SMALL), ((_ITEMS, 1), (Quantity("bucket count", "", _ROUND), -1))),
    ),
)

LINES = (
    Line("A web request", Quantity("size", "kB", _MIDDLE), Quantity("latency", "ms", ()), range(2, 9), range(10, 90)),
    Line("A linear scan", Quantity("row count", "", _MIDDLE), Quantity("run time", "us", ()), range(2, 9), range(3, 40)),
    Line("A growing list", Quantity("item count", "", _MIDDLE), Quantity("memory", "bytes", ()), (4, 8, 16), range(24, 97, 8)),
    Line("A log file", Quantity("time", "min", _MIDDLE), Quantity("size", "MB", ()), range(2, 9), range(5, 60)),
)

CHANCES = (
    (
        Case(COUNT, "A link loses {p} percent of packets. How many of {n} packets should be lost?", "{} packets"),
        Case(
            RETRIES, "A packet arrives with {p} percent, else it is sent again. How many sends do {n} packets take on average?", "{} sends"
        ),
        Case(COUNT, "A key collides with {p} percent. How many of {n} keys should collide?", "{} of them"),
    ),
    (
        Case(JOINT, "A request needs two servers that are up {p} and {q} percent of the time. How likely are both up?"),
        Case(EITHER, "A file has two copies on disks that work with {p} and {q} percent. How likely can it be read?"),
    ),
    (
        Case(MIXTURE, "A cache hits with {w} percent; a hit takes {p} ns, a miss {q} ns. What is the mean time?", "{} ns on average"),
        Case(
            MIXTURE, "Of calls {w} percent go to server A and fail with {p} percent, the rest to B with {q}. How likely does a call fail?"
        ),
    ),
    (
        Case(BAYES, "Of mail {w} percent is spam; a word is in {p} percent of spam, {q} of the rest. A mail has it. How likely is spam?"),
        Case(ANY_OF_THREE, "Three replicas are up with {p}, {q} and {r} percent. How likely is at least one up?"),
    ),
)
