"""Several torchruns as one, with stand-ins for them."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from ryot.stages.train import torchrun
from ryot.stages.train.torchrun import Launchers


def launchers(here: int | None, away: int | None) -> Launchers:
    """One here and one on a further machine, which have ended with these codes or not at all."""
    made = Launchers.__new__(Launchers)
    made._here = SimpleNamespace(poll=lambda: here)  # type: ignore[assignment]
    made._away = [SimpleNamespace(poll=lambda: away)]  # type: ignore[list-item]
    return made


def test_a_machine_that_never_ends_is_watched_for_as_long_as_it_is_waited_for() -> None:
    looks: Iterator[bool] = iter([False, False, True])
    launchers(0, None).settle(lambda: next(looks))
    assert list(looks) == []


def test_what_the_watch_finds_out_is_not_kept_back() -> None:
    def stuck() -> bool:
        raise TimeoutError("rank 1 is stuck")

    with pytest.raises(TimeoutError, match="rank 1 is stuck"):
        launchers(None, 0).settle(stuck)


def test_after_a_bad_end_the_others_are_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchrun, "SETTLE_S", 0.1)
    failing = launchers(1, None)
    failing.settle(lambda: False)
    assert failing.code == -9  # the one that had to be ended
