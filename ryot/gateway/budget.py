"""A retry budget: retries are a share of requests, so that a failing server is not asked twice as much. Pure."""

from dataclasses import dataclass


@dataclass(slots=True)
class RetryBudget:
    """Every request earns `share` of a retry, up to `most` saved; a retry costs one. It begins with `most`, so that few requests can be
    retried too. (The token bucket of gRPC's retry throttling, gRFC A6, and Finagle's RetryBudget.)"""

    share: float = 0.1
    most: float = 10.0
    saved: float = -1.0

    def __post_init__(self) -> None:
        if self.saved < 0:
            self.saved = self.most

    def earn(self) -> None:
        """A request came."""
        self.saved = min(self.saved + self.share, self.most)

    def spend(self) -> bool:
        """Take one retry, if there is one."""
        if self.saved < 1:
            return False
        self.saved -= 1
        return True
