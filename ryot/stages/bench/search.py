"""The search for the highest load that a server bears: doubled or halved until the border lies between two loads, then bisected. Pure but
for what it is handed: a way to try a load, and one to ask whether there is time for another try."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Ended = Literal["narrow", "steps", "time", "least", "most"]
"""Why a search ended: its interval is narrow enough; no more tries, or no more time; no load is lower, or none is higher."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Loads from `least` to `most`, `whole` ones where there are no halves (users); at most `steps` tries; narrow enough is an interval
    whose ends are as 1 to 1 + `precision`, or, of whole ones, neighbours."""

    least: float
    most: float
    steps: int
    precision: float = 0.1
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Border:
    """The highest load that was borne, with none below it that was not, and the lowest that was not; None where there is none."""

    borne: float | None
    too_much: float | None
    ended: Ended


def search(start: float, limits: Limits, bears: Callable[[float], bool], in_time: Callable[[], bool]) -> Border:
    """Try loads, the first of them `start`. Takes for granted that who bears a load bears a lower one."""
    borne: float | None = None
    too_much: float | None = None
    for number in range(limits.steps):
        level = start if number == 0 else following(borne, too_much, limits)
        if isinstance(level, str):
            return Border(borne, too_much, level)
        if number and not in_time():
            return Border(borne, too_much, "time")
        if bears(level):
            borne = level
        else:
            too_much = level
    last = following(borne, too_much, limits)
    return Border(borne, too_much, last if isinstance(last, str) else "steps")


def following(borne: float | None, too_much: float | None, limits: Limits) -> float | Ended:
    """The load to try next, or why there is none."""
    if too_much is None:
        assert borne is not None
        return "most" if borne >= limits.most else min(2 * borne, limits.most)
    if borne is None:
        half = too_much / 2
        return "least" if too_much <= limits.least else max(float(math.floor(half)) if limits.whole else half, limits.least)
    if limits.whole:
        return "narrow" if too_much - borne <= 1 else float((borne + too_much) // 2)
    return "narrow" if too_much <= borne * (1 + limits.precision) else math.sqrt(borne * too_much)
