"""The checks that backends are held to find what they are there to find."""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ryot.backends.local import LocalBackend
from ryot.plugins import Fit, Job, JobState, Outlook, Wish
from ryot.plugins.backend_checks import Trial, cancels, fails, finishes, surveys, survives, wakes

pytestmark = pytest.mark.heavy


class Cheerful(LocalBackend):
    """Every job that ended ended well."""

    def poll(self, name: str) -> JobState:
        state = super().poll(name)
        return state if state.code is None else JobState(0)


class Deaf(LocalBackend):
    """Hears ends, and no events."""

    def wait(self, timeout_s: float) -> Collection[str]:
        return {name for name in super().wait(timeout_s) if self.poll(name).code is not None}


class Careless(LocalBackend):
    """Kills the keeper, and looks after nothing that it kept."""

    def cancel(self, name: str, grace_s: float) -> None:
        keeper = self._running[name].keeper
        if keeper.poll() is not None:
            super().cancel(name, grace_s)  # as the test cleans up
        keeper.kill()
        keeper.wait()


class Nameless(LocalBackend):
    """Marks no process."""

    def submit(self, job: Job) -> None:
        super().submit(replace(job, mark="0.0"))


class Lossy(LocalBackend):
    """Takes a signal in a job for the loss of its machine."""

    def poll(self, name: str) -> JobState:
        state = super().poll(name)
        return replace(state, lost=state.code == 128 + signal.SIGKILL)


class Promising(LocalBackend):
    """Takes anything to fit."""

    def survey(self, wishes: Sequence[Wish]) -> Outlook:
        return Outlook((("cores", "many"),), tuple(Fit(wish.node, True) for wish in wishes))


class Curt(LocalBackend):
    """Says that something does not fit, and not why."""

    def survey(self, wishes: Sequence[Wish]) -> Outlook:
        return Outlook((("cores", "few"),), tuple(Fit(wish.node, None if wish.cpus > 1 else True) for wish in wishes))


@pytest.mark.parametrize(("make", "check", "words"), [
    (Promising, surveys, "sixteen million cores fits"),
    (Curt, surveys, "has no reason"),
    (Cheerful, fails, "exits ended with 0"),
    (Deaf, wakes, "`wait` did not return first"),
    (Careless, cancels, "a process of cancel outlived it"),
    (Nameless, finishes, "RYOT_MARK is 0.0"),
    (Lossy, fails, "killed failed by itself, and is not lost"),
    (Cheerful, survives, "whose keeper was killed has not ended with 0"),
])  # fmt: skip
def test_what_a_backend_does_wrong_is_found(make: type[LocalBackend], check: Callable[[Trial], None], words: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=words):
        check(Trial(make, tmp_path / "jobs", 20.0))
