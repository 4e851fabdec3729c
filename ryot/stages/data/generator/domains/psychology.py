"""Psychology: test scores, checked by going back from the standard score; detection of signals, checked by counting people."""

from fractions import Fraction
from random import Random

from ryot.stages.data.generator.domains import psychology_audit, psychology_reasoning
from ryot.stages.data.generator.problem import Problem, Template, is_decimal, numbers, numeric, quantity, written

_POINTS, _Z, _PERCENT = "{} points", "z = {} exactly", "{} percent"
_POINTS_APART = "{} percentage points"


def scores(rng: Random, level: int) -> Problem:
    """A mean of scores; a z-score; a score from its z; the same standing on another test."""
    mean, sd, z = rng.randint(40, 110), rng.choice((4, 5, 8, 10, 12, 15, 16, 20)), Fraction(rng.randint(1, 12), 4)
    raw, zs = mean + z * sd, written(z)
    if level == 0:
        first, second, middle = rng.randint(10, 60), rng.randint(10, 60), rng.randint(30, 60)
        third = 3 * middle - first - second
        if third < 1:
            third, middle = third + 150, middle + 50
        question = f"Three recall tests gave {first}, {second} and {third} points. What is the mean score?"
        total = first + second + third
        steps = ("mean = sum / number", f"{first} + {second} + {third} = {total}", f"{total} / 3 = {middle}")
        return numeric(question, steps, middle, _POINTS, (sorted((first, second, third))[1], total, middle + 3), f"3 * {middle} = {total}")
    if level == 1:
        question = f"A test has mean {mean} and standard deviation {sd}. What is the z-score of {written(raw)} points?"
        steps = (f"{written(raw)} - {mean} = {written(raw - mean)}", f"{written(raw - mean)} / {sd}", f"= {zs}")
        return numeric(question, steps, z, _Z, (raw - mean, raw / sd, z + 1), f"{mean} + {zs} * {sd} = {written(raw)}")
    if level == 2:
        below = rng.random() < 0.5
        score = mean - z * sd if below else raw
        word, sign = ("below", "-") if below else ("above", "+")
        question = f"A test has mean {mean} and standard deviation {sd}. What score lies {zs} deviations {word} the mean?"
        steps = (f"{zs} * {sd} = {written(z * sd)}", f"{word} the mean: {sign}", f"{mean} {sign} {written(z * sd)} = {written(score)}")
        back = f"({written(score)} - {mean}) / {sd} = {'-' if below else ''}{zs}"
        return numeric(question, steps, score, _POINTS, (2 * mean - score, z * sd, mean + z), back)
    other, spread = rng.randint(90, 500), rng.choice((4, 12, 16, 20, 40, 100))
    same = other + z * spread
    question = (
        f"Test A has mean {mean} and deviation {sd}, test B mean {other} and deviation {spread}. "
        f"Which score on B stands like {written(raw)} on A?"
    )
    steps = (
        f"z on A: ({written(raw)} - {mean}) / {sd} = {zs}",
        f"{zs} * {spread} = {written(z * spread)}",
        f"{other} + {written(z * spread)} = {written(same)}",
    )
    mistakes = (raw * other / mean, other + raw - mean, other - z * spread)
    return numeric(question, steps, same, _POINTS, mistakes, f"({written(same)} - {other}) / {spread} = {zs}")


def check_scores(question: str, answer: str) -> bool:
    """Deviations from the mean add up to nothing; a standard score leads back to the raw one."""
    given = numbers(question)
    if "z-score" in question:
        z, (mean, sd, raw) = quantity(answer, _Z), given
        return z is not None and mean + z * sd == raw
    score = quantity(answer, _POINTS)
    if score is None:
        return False
    if "recall" in question:
        return sum(value - score for value in given) == 0
    if "Test A" in question:
        mean, sd, other, spread, raw = given
        return (score - other) * sd == (raw - mean) * spread
    mean, sd, z = given
    return (mean - score if "below" in question else score - mean) / sd == z


def detection(rng: Random, level: int) -> Problem:
    """A hit rate; a false-alarm rate from correct rejections; hits above false alarms; how often a yes is right."""
    while True:
        signals, noise = 20 * rng.randint(1, 15), 20 * rng.randint(1, 15)
        hits, alarms = rng.randint(1, signals - 1), rng.randint(1, noise - 1)
        hit, alarm, right = Fraction(100 * hits, signals), Fraction(100 * alarms, noise), Fraction(100 * hits, hits + alarms)
        if is_decimal(hit) and is_decimal(alarm) and hit > alarm and hit + alarm != 100 and (level < 3 or is_decimal(right)):
            break
    h, f = written(hit), written(alarm)
    told = f"Of {signals} tones a listener notices {hits}"
    hit_step = f"hits {hits} / {signals} = {h} percent"
    if level == 0:
        steps = ("hit rate = noticed / all tones", f"{hits} / {signals}", f"= {h} percent")
        mistakes = (100 - hit, Fraction(hits), hit / 2)
        return numeric(f"{told}. What is the hit rate?", steps, hit, _PERCENT, mistakes, f"{signals} * {h} / 100 = {hits}")
    if level == 1:
        question = f"In {noise} trials without a tone a listener says no {noise - alarms} times. What is the false alarm rate?"
        steps = (f"said yes: {noise} - {noise - alarms} = {alarms}", f"{alarms} / {noise}", f"= {f} percent")
        return numeric(question, steps, alarm, _PERCENT, (100 - alarm, Fraction(alarms), alarm * 2), f"{noise} * {f} / 100 = {alarms}")
    told += f"; in {noise} silent trials there are {alarms} false alarms"
    if level == 2:
        steps = (hit_step, f"false alarms {alarms} / {noise} = {f} percent", f"{h} - {f} = {written(hit - alarm)}")
        question = f"{told}. How far does the hit rate exceed the false alarm rate?"
        return numeric(question, steps, hit - alarm, _POINTS_APART, (hit, alarm, hit + alarm), f"{written(hit - alarm)} + {f} = {h}")
    r = written(right)
    steps = (f"a yes: {hits} + {alarms} = {hits + alarms} times", f"right: {hits} of them", f"{hits} / {hits + alarms} = {r} percent")
    question = f"{told}. When the listener says yes, how likely is there a tone?"
    return numeric(question, steps, right, _PERCENT, (hit, 100 - right, alarm), f"{hits + alarms} * {r} / 100 = {hits}")


def check_detection(question: str, answer: str) -> bool:
    """The rate, taken of the people or trials it is of, gives the counted number back."""
    rate, given = quantity(answer, _POINTS_APART if "exceed" in question else _PERCENT), numbers(question)
    if rate is None:
        return False
    if "says no" in question:
        trials, noes = given
        return trials * (100 - rate) == 100 * noes
    if "exceed" in question:
        tones, hits, trials, alarms = given
        return (rate * tones - 100 * hits) * trials == -100 * alarms * tones
    if "how likely" in question:
        _, hits, _, alarms = given
        return rate * alarms == (100 - rate) * hits
    tones, hits = given
    return rate * tones == 100 * hits


TEMPLATES = (
    *psychology_reasoning.TEMPLATES,
    *psychology_audit.TEMPLATES,
    Template("scores", "psychology", "deductive", scores, check_scores),
    Template("detection", "psychology", "probabilistic", detection, check_detection),
)
