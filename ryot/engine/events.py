"""What an apply tells as it goes. Everything but progress stands in the journal before it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a node."""

    node: str


@dataclass(frozen=True, slots=True)
class Started(Event):
    """A node's worker was started; `service` when it is a service that comes up."""

    service: bool = False


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """A node waits for a lock; `holder` says who has it and why."""

    holder: str = ""


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """Something a user should know about a node's result, though it is no failure."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """How far a node is, in its own `unit`, and the numbers it wants shown."""

    done: float = 0
    total: float = 0
    unit: str = ""
    numbers: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """A node is committed. `seconds` is what its last try took."""

    seconds: float = 0


@dataclass(frozen=True, slots=True)
class Ready(Event):
    """A service made its first answer."""

    url: str = ""
    seconds: float = 0
    pid: int = 0
    """The process that clients talk to, where the service tells."""


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """A service was stopped, and its processes are gone."""


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """A node's try failed: why, what to do, and the last lines of its log; `kind` is the class of the error."""

    message: str = ""
    hint: str | None = None
    log: str = ""
    last_lines: tuple[str, ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Lost(Event):
    """A node's try ended with its machine, or was taken away; the node is tried again, `left` times more if it has to be."""

    why: str = ""
    left: int = 0


@dataclass(frozen=True, slots=True)
class Skipped(Event):
    """A node does not run because of another one that failed: one it needs, or, where `ordered`, one it only comes after."""

    because: str = ""
    ordered: bool = False

    @property
    def words(self) -> str:
        """The reason, for people."""
        return f"it {'comes after' if self.ordered else 'needs'} {self.because}, which failed"


@dataclass(frozen=True, slots=True)
class Looked(Event):
    """The verdicts on a node after `look` rounds, of `promised` at most, in words; `again` where another round follows."""

    look: int = 1
    promised: int = 1
    text: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Damaged(Event):
    """A finished node's files are not what was recorded; they were set aside and the node runs again."""

    what: str = ""
    aside: str = ""


@dataclass(frozen=True, slots=True)
class Fetched(Event):
    """A node was committed as it lay on a share, where `host` had made it."""

    share: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Shared(Event):
    """A finished node was put on a share."""

    share: str = ""


@dataclass(frozen=True, slots=True)
class Unshared(Event):
    """A node could not be taken from a share, or not be put there: why, and what to do. The run goes on without."""

    text: str = ""
    hint: str = ""


def as_json(event: Event) -> dict[str, object]:
    """The event as a line of the journal."""
    return {"event": type(event).__name__.lower(), **asdict(event)}
