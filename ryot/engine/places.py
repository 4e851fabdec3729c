"""Two places for the jobs of one apply: at home, beside the program that runs it, and away. A server listens on this machine only, so it
runs at home, and so does what asks it."""

from __future__ import annotations

import time
from collections.abc import Collection

from ryot.plugins.backend import Backend, Job, JobState

_TURN_S = 0.2


class Places:
    """A backend for what runs at home and one for what runs away. They may be one."""

    def __init__(self, away: Backend, home: Backend | None = None) -> None:
        self._away, self._home = away, home or away
        self._at: dict[str, Backend] = {}

    def submit(self, job: Job, *, home: bool) -> None:
        """Start a job."""
        backend = self._home if home else self._away
        backend.submit(job)
        self._at[job.name] = backend

    def wait(self, timeout_s: float) -> Collection[str]:
        """Wait for an event or an end, in turns where there are jobs at both places."""
        used = [backend for backend in (self._home, self._away) if backend in self._at.values()]
        if self._home is self._away or len(used) == 1:
            return used[0].wait(timeout_s)
        deadline, found = time.monotonic() + timeout_s, set[str]()
        while not found and (left := deadline - time.monotonic()) > 0:
            found = {*self._home.wait(min(_TURN_S, left)), *self._away.wait(0)}
        return found

    def poll(self, name: str) -> JobState:
        """A job's state now."""
        return self._at[name].poll(name)

    def end(self, name: str, grace_s: float) -> None:
        """Cancel a job, and forget it."""
        self._at[name].cancel(name, grace_s)
        self.forget(name)

    def forget(self, name: str) -> None:
        """Drop an ended job."""
        self._at.pop(name).forget(name)

    def close(self) -> None:
        """End every job."""
        try:
            self._away.close()
        finally:
            if self._home is not self._away:
                self._home.close()
