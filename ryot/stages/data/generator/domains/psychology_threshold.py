"""Psychology: differences just noticed, had things been otherwise, by Weber's law (1834) and Fechner's (1860)."""

from fractions import Fraction
from random import Random

from ryot.stages.data.generator.problem import Problem, Template, numbers, numeric, quantity, written

_GRAMS = "{} g more"


def threshold(rng: Random, level: int) -> Problem:
    """The difference just noticed at another weight; how much it would grow; with another sharpness; Fechner's steps by doubling."""
    percent, weight = rng.choice((2, 4, 5, 10, 20)), 50 * rng.randint(1, 20)
    step = Fraction(weight * percent, 100)
    factor = rng.randint(2, 9)
    told = f"{written(step)} g more is just noticed on {weight} g."
    if level == 0:
        value = step * factor
        question = f"{told} Had the weight been {weight * factor} g, what is noticed?"
        steps: tuple[str, ...] = (
            "Weber: the share stays",
            f"{weight * factor} / {weight} = {factor}",
            f"{factor} * {written(step)} = {written(value)}",
        )
        back = f"{written(value)} / {weight * factor} = {written(step)} / {weight}"
        return numeric(question, steps, value, _GRAMS, (step, step + weight * (factor - 1), value + step), back)
    if level == 1:
        other = weight * factor
        value = Fraction(other * percent, 100) - step
        question = f"{told} Had the weight been {other} g, how much greater is the step?"
        steps = (
            f"share: {written(step)} / {weight} = {percent} percent",
            f"{percent} percent of {other} = {written(value + step)}",
            f"{written(value + step)} - {written(step)} = {written(value)}",
        )
        return numeric(
            question,
            steps,
            value,
            _GRAMS,
            (value + step, Fraction(other - weight), value + 2 * step),
            f"{written(value)} + {written(step)} is {percent} percent of {other}",
        )
    if level == 2:
        keen, other = percent * Fraction(1, 2), weight * factor
        value = other * keen / 100
        question = f"{told} Had the hand been twice as keen and the weight {other} g, what is noticed?"
        steps = (
            f"share: {percent} percent",
            f"twice as keen: {written(keen)} percent",
            f"{written(keen)} percent of {other} = {written(value)}",
        )
        mistakes: tuple[Fraction | int, ...] = (value * 2, value * 4, step / 2)
        return numeric(question, steps, value, _GRAMS, mistakes, f"{written(value)} * 2 / {other} = {written(step)} / {weight}")
    per, doublings = rng.randint(2, 12), rng.randint(2, 6)
    fewer = rng.randint(1, doublings - 1)
    light = weight * 2**doublings
    lost = per * (doublings - fewer)
    told = f"A light's doubling adds {per} steps of brightness. It rose from {weight} to {light}"
    question = f"{told}; had it risen to {weight * 2**fewer}, how many fewer?"
    steps = (
        f"{doublings} doublings: {doublings * per}",
        f"else {fewer}: {fewer * per}",
        f"{doublings * per} - {fewer * per} = {lost}",
    )
    wrong = (fewer * per, doublings * per, lost + per)
    return numeric(question, steps, lost, "{} steps fewer", wrong, f"doublings lost: {lost} / {per} = {doublings - fewer}")


def check_threshold(question: str, answer: str) -> bool:
    """The share of the answer is that of the given step; the lost doublings lead from the lesser light to the greater."""
    given = numbers(question)
    if "doubling" in question:
        fewer, (per, _, rose, else_) = quantity(answer, "{} steps fewer"), given
        if fewer is None or (fewer / per).denominator != 1 or not 0 <= fewer / per < 64:
            return False
        return bool(else_ * 2 ** int(fewer / per) == rose)
    value, (step, weight, other) = quantity(answer, _GRAMS), given
    if value is None:
        return False
    if "greater" in question:
        value += step
    return value * (2 if "keen" in question else 1) * weight == step * other


TEMPLATES = (Template("threshold", "psychology", "counterfactual", threshold, check_threshold),)
