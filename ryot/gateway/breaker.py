"""A circuit breaker: after several errors in a row nothing is asked for a while; then one request tries. Pure; the clock is passed in."""

from dataclasses import dataclass
from typing import Literal

State = Literal["closed", "open", "half_open"]


@dataclass(slots=True)
class Breaker:
    """Opens after `errors` consecutive failures. After `cooldown_s` seconds it lets one request try (half open): an answer closes it, a
    failure opens it again for twice as long, up to `longest_s`. (Nygard 2007, Release It!; the doubling is Envoy's outlier ejection.)"""

    errors: int = 5
    cooldown_s: float = 2.0
    longest_s: float = 60.0
    failures: int = 0
    opened: int = 0
    """How often in a row it opened without an answer in between."""
    _until_s: float | None = None
    _trying: bool = False

    def state(self, now_s: float) -> State:
        """The state at a time in seconds."""
        if self._until_s is None:
            return "closed"
        return "half_open" if now_s >= self._until_s else "open"

    def allows(self, now_s: float) -> bool:
        """Whether a request may be sent now. Changes nothing: `begin` says that one was."""
        state = self.state(now_s)
        return state == "closed" or (state == "half_open" and not self._trying)

    def begin(self, now_s: float) -> bool:
        """A request that was allowed is sent. Returns whether it is the one that tries."""
        trial = self._until_s is not None and now_s >= self._until_s
        self._trying = self._trying or trial
        return trial

    def succeed(self) -> None:
        """An answer came. That of a request sent before the breaker opened counts too: the replica answers."""
        self.failures, self.opened, self._until_s, self._trying = 0, 0, None, False

    def fail(self, now_s: float, *, trial: bool = False) -> None:
        """A request failed. While open, failures of requests that were sent before change nothing."""
        self.failures += 1
        if self._until_s is None:
            if self.failures >= self.errors:
                self._open(now_s)
        elif trial and self._trying:
            self._trying = False
            self._open(now_s)

    def give_back(self, *, trial: bool) -> None:
        """A request ended without telling anything of the replica, as when its client left."""
        if trial:
            self._trying = False

    def _open(self, now_s: float) -> None:
        self._until_s = now_s + min(self.cooldown_s * 2**self.opened, self.longest_s)
        self.opened += 1
