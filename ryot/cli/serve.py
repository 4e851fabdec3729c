"""`ryot serve`: the exported model behind the gateway, until it is told to end."""

from __future__ import annotations

import errno
import os
import signal
import socket
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click
from rich.console import Console

from ryot.cli.apply import carry_out, code_of, start, unfinished
from ryot.cli.fresh import SERVER, beside, server
from ryot.cli.request import Planned, resolve, spec_options
from ryot.cli.running import SERVING
from ryot.engine import events
from ryot.errors import MachineError, NodeError, SpecError
from ryot.fingerprint import fingerprint
from ryot.gateway.settings import KEY, LOOPBACK
from ryot.plan.plan import Plan, PlannedNode
from ryot.report.live import display
from ryot.store.journal import begin

STAY = "stay"


@click.command(name="serve")
@spec_options
@click.option("--host", default="127.0.0.1", show_default=True, help=f"Where to listen; other machines reach 0.0.0.0, which needs {KEY}.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="The port; 0 takes a free one.")
def command(spec: Path, profile: str | None, sets: tuple[str, ...], folders: tuple[Path, ...], root: Path, host: str, port: int) -> int:
    """Bring the exported model up behind the gateway and stay, showing its load. What is not finished up to the export is run first.

    With RYOT_API_KEY in the environment every route but /health asks for that key. Ctrl-C or SIGTERM lets requests that run end; a
    second one does not.
    """
    keyed = bool(os.environ.get(KEY))
    if host not in LOOPBACK and not keyed:
        raise SpecError(f"--host {host} is open to others, and there is no key", hint=f"set {KEY}, or listen on 127.0.0.1")
    _refuse_taken(host, port)
    console = Console(stderr=True, soft_wrap=False)
    planned = resolve(spec, profile, sets, folders, root)
    failed = bring_model(planned, console)
    return failed or _stay(planned, _staying(planned, host, port, keyed=keyed), console)


def bring_model(planned: Planned, console: Console) -> int:
    """Run what is not finished up to the model that is served. Returns the exit code of what failed. Raises SpecError where none is."""
    if SERVER not in planned.plan.names:
        raise SpecError("the spec has no section `serve`", at=planned.loaded.tree.place, hint="write at least `serve: {}`")
    export = planned.until(planned.plan.node(SERVER).inputs["model"])
    return carry_out(export, console)[1] if unfinished(export) else 0


def _refuse_taken(host: str, port: int) -> None:
    """Raise MachineError where another program listens there already: said now, and not after the engines have started."""
    try:
        kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        hint = "name another one: --port N, or 0 for any" if taken else "--host names an address of this machine: 127.0.0.1 or 0.0.0.0"
        raise MachineError(f"cannot listen on {host}:{port}: {error.strerror}", hint=hint) from None


def _staying(planned: Planned, host: str, port: int, *, keyed: bool) -> Plan:
    """The plan of a server that stays, and of a node that never ends."""
    served = server(planned.plan, host=host, port=port, keyed=keyed)
    payload = {"stage": STAY, "version": 1, "config": {}, "inputs": {}, "services": {SERVER: served.key}}
    stay = PlannedNode(
        name=STAY, stage=STAY, key=fingerprint(payload), payload=payload, config={}, inputs={}, services={SERVER: SERVER}, measures=(),
        cpus=1, measures_speed=False, is_service=False,
    )  # fmt: skip
    plan = beside(planned.plan, served, [stay])
    return plan.model_copy(update={"name": f"{plan.name}-serve"})


def _stay(planned: Planned, plan: Plan, console: Console) -> int:
    """Run it, showing the load. Returns the exit code: 0 when it was told to end."""
    # Not among the runs of the spec: what `ryot report`, `status` and `check` show is what was built and judged.
    run = begin(planned.store.root / SERVING, plan.name, datetime.now(UTC), planned.loaded.text, plan.model_dump_json(indent=1))
    kinds: set[str] = set()
    with (
        display(console) as shown,
        closing(start(replace(planned, plan=plan), run)) as happening,
        _Drain(console) as drain,
    ):
        for event in happening:
            if drain.asked and isinstance(event, events.Failed | events.Skipped):
                break  # it has ended as it should
            shown.show(event)
            if isinstance(event, events.Ready):
                drain.pid = event.pid
                routes = "/infer, /v1/completions, /health, /metrics; /openapi.json tells all"
                console.print(f"serving {planned.plan.name} at {event.url}: {routes}", markup=False, highlight=False, soft_wrap=True)
                log = planned.store.folder("serve", plan.node("serve").key) / "log.txt"
                console.print(f"its model is called `model`; its log is {log}", markup=False, highlight=False, soft_wrap=True)
            if isinstance(event, events.Failed):
                kinds.add(event.kind)
    if drain.asked:
        console.print("drained: every request that was running has its answer", markup=False)
        return 0
    return code_of(kinds) or NodeError.exit_code


class _Drain:
    """The first signal lets the gateway end what runs; the next one does what signals do."""

    def __init__(self, console: Console) -> None:
        self.pid, self.asked, self._console = 0, False, console
        self._before: dict[int, object] = {}

    def __enter__(self) -> _Drain:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.getsignal(number)
            signal.signal(number, self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _heard(self, number: int, frame: FrameType | None) -> None:
        before = self._before[number]
        self.__exit__()
        if self.pid:
            self.asked = True
            with suppress(ProcessLookupError):  # it ended just now: what became of it is about to be told
                os.kill(self.pid, signal.SIGTERM)
            self._console.print("draining: requests that run may end; a second signal ends at once", markup=False)
        elif callable(before):
            before(number, frame)
