"""The servers that `ryot serve` has up from a store, found again by where they listen."""

from __future__ import annotations

from urllib.parse import urlsplit

from ryot.cli.fresh import OWN, SERVER
from ryot.engine.jobs import events_file, parsed
from ryot.engine.survey import plan_of
from ryot.errors import MachineError, SpecError
from ryot.plan.plan import Plan, differences
from ryot.store.job import ServiceAt
from ryot.store.journal import Run, all_runs
from ryot.store.store import Store

SERVING = "serving"
"""The folder of a store that holds the runs of `ryot serve`."""


def running(plan: Plan, store: Store, url: str) -> ServiceAt:
    """The server of `plan` that listens at `url`. Raises MachineError where none was started there from this store, SpecError where what
    was started is not what the plan serves, or asks for a key, and for an address with a password, which errors would show."""
    if "@" in url:
        raise SpecError("--url has a user or a password in it", hint="leave it out: a server of `ryot serve` asks for neither")
    for run in reversed(all_runs(store.root / SERVING)):
        found = _ready(run)
        if found is not None and _place(found.url) == _place(url):
            _refuse_other(run, plan, url)
            return found
    hint = "start it with `ryot serve SPEC` and the same --store, or leave --url out"
    raise MachineError(f"`ryot serve` started no server at {url} from {store.root}", hint=hint)


def _ready(run: Run) -> ServiceAt | None:
    """Where the server of a run came to listen; None where it did not."""
    path = events_file(run, SERVER)
    for said in parsed(path.read_bytes().splitlines()) if path.exists() else ():
        if said.get("event") == "ready":
            return ServiceAt(url=said["url"], model=said["model"], info=said["info"])
    return None


def _place(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url if "//" in url else f"//{url}")
    return "127.0.0.1" if parts.hostname in ("localhost", "0.0.0.0", None) else parts.hostname, parts.port  # noqa: S104 - compared, not bound


def _refuse_other(run: Run, plan: Plan, url: str) -> None:
    """The targets of a plan say nothing of another model or other settings."""
    past = plan_of(run)
    served = past.node(SERVER) if past else None
    if served is None:
        raise MachineError(f"what {url} serves cannot be read from {run.plan}", hint="start it anew with `ryot serve`")
    before = {name: value for name, value in served.payload.items() if name != OWN}
    if changes := differences(before, plan.node(SERVER).payload):
        shown = ", ".join(map(str, changes[:3]))
        raise SpecError(f"the server at {url} is not the one of this spec: {shown}", hint="start it anew with `ryot serve`")
    if served.config.get("keyed"):
        raise SpecError(f"the server at {url} asks for a key, which the load does not carry", hint="leave --url out: it brings up its own")
