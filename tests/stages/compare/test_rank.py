"""Which updates the blocks of a round time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ryot.cli.request import resolve
from ryot.stages.compare.stage import CompareConfig
from ryot.units import STORED

pytestmark = pytest.mark.heavy
PHASE3 = Path(__file__).parent.parent.parent.parent / "specs" / "phase3.yaml"


@dataclass
class Asked:
    """What stands in for a trainer: it remembers which updates it was asked for."""

    updates: int = 1000
    asked: list[int] = field(default_factory=list)

    def update(self, index: int) -> Any:
        self.asked.append(index)
        return SimpleNamespace(seconds=1.0, tokens=10)


def timed(draw: int, folder: Path) -> list[int]:
    from ryot.stages.compare.rank import Sides, _pairs  # noqa: PLC0415 - imports torch

    config = resolve(PHASE3, "none", (), (), folder).plan.node("compare").config | {"draw": draw, "blocks": 4, "block_steps": 3}
    baseline, optimized = Asked(), Asked()
    silent = SimpleNamespace(at=lambda *_: None, send=lambda _: None)
    _pairs(CompareConfig.model_validate(config, context=STORED), Sides(baseline, optimized, None), silent)  # type: ignore[arg-type]
    assert baseline.asked == optimized.asked
    return baseline.asked


def test_further_round_times_the_updates_that_follow(tmp_path: Path) -> None:
    assert timed(0, tmp_path) == list(range(2, 14))
    assert timed(1, tmp_path) == list(range(14, 26))
