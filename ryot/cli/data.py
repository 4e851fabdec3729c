"""`ryot data preview`: the first documents through every filter, in this process, without a store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ryot.cli.output import stdout
from ryot.cli.request import Planned, json_option, resolve, spec_options
from ryot.errors import SpecError, printable
from ryot.plan.plan import PlannedNode
from ryot.plugins.discover import load_stage
from ryot.plugins.documents import Document
from ryot.plugins.stage import Stage
from ryot.report.json_data import escaped

_TEXT, _NAME, _VERDICT, _WIDTH = 300, 24, 9, 100
_DEPENDS = "depends: "
"""What a remark begins with where all documents decide what becomes of one."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one node does to one document."""

    node: str
    verdict: str
    remark: str


@dataclass(slots=True)
class Shown:
    """A document on its way. `text` is how it was read; a record that could not be read has none."""

    id: str | None
    text: str
    steps: list[Step] = field(default_factory=list)


@click.group(name="data")
def command() -> None:
    """Show documents of a spec on their way through its filters."""


@command.command(name="preview")
@spec_options
@click.option("--documents", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many documents to read.")
@json_option
def preview(
    spec: Path,
    profile: str | None,
    sets: tuple[str, ...],
    folders: tuple[Path, ...],
    root: Path,
    documents: int,
    as_json: bool,
) -> None:
    """Show documents of SPEC on their way through its filters.

    The first documents of every source, by its weight, from all its files in turn; and what every filter does to each: kept, changed,
    dropped and why, or what depends on all documents and shows only in a run. Writes nothing.
    """
    planned = resolve(spec, profile, sets, folders, root)
    with _waiting() as say:
        shown = previewed(planned, documents, say)
    if as_json:
        click.echo(escaped(json.dumps([asdict(document) for document in shown], indent=2, ensure_ascii=False)))
        return
    console = stdout()
    for number, document in enumerate(shown, start=1):
        for line in lines(number, document):
            console.print(line, width=min(console.width, _WIDTH), overflow="fold")
    console.print(_summary(shown, documents), width=min(console.width, _WIDTH))


@contextmanager
def _waiting() -> Iterator[Callable[[str], None]]:
    """A line on a terminal that says what is being done; silent elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("reading documents") as status:
        yield status.update


def previewed(planned: Planned, count: int, say: Callable[[str], None] = lambda _: None) -> list[Shown]:
    """The first documents with what each node that gives documents does to them; `say` is told which. Raises RyotError."""
    stages = {node.stage: load_stage(planned.plugins[node.stage]) for node in planned.plan.nodes}
    chain = _chain(planned.plan.nodes, stages)
    if not chain:
        raise SpecError("no node of this spec reads documents in a way that can be previewed")
    shown: list[Shown] = []
    going: dict[int, Document] = {}
    first, *others = chain
    say(f"{first.name}: reading {count} documents")
    for document, remark in stages[first.stage].previewer()(_config(first, stages), count):
        verdict = "read" if document is not None else "broken"
        shown.append(Shown(document and document.id, document.text if document else "", [Step(first.name, verdict, remark)]))
        if document is not None:
            going[len(shown) - 1] = document
    for node in others:
        say(f"{node.name}: {len(going)} documents")
        going = _through(node, stages, shown, going)
    return shown


def _chain(nodes: Sequence[PlannedNode], stages: Mapping[str, Stage]) -> list[PlannedNode]:
    """The nodes that give documents, each behind the one it reads."""
    chain: list[PlannedNode] = []
    while following := [
        node
        for node in nodes
        if stages[node.stage].gives == "documents" and node.inputs.get("documents") == (chain[-1].name if chain else None)
    ]:
        chain.append(following[0])
    return chain


def _config(node: PlannedNode, stages: Mapping[str, Stage]) -> Any:
    return stages[node.stage].Config.model_validate(node.config)


def _through(node: PlannedNode, stages: Mapping[str, Stage], shown: list[Shown], going: dict[int, Document]) -> dict[int, Document]:
    previewer = stages[node.stage].previewer()
    if previewer is None:
        for place in going:
            shown[place].steps.append(Step(node.name, "not shown", f"the stage {node.stage} has no preview"))
        return going
    left = {}
    for (place, before), (document, remark) in zip(going.items(), previewer(_config(node, stages), list(going.values())), strict=True):
        verdict = "dropped" if document is None else "changed" if document.text != before.text else "kept"
        verdict = "depends" if document is not None and remark.startswith(_DEPENDS) else verdict
        shown[place].steps.append(Step(node.name, verdict, remark.removeprefix(_DEPENDS)))
        if document is not None:
            left[place] = document
    return left


_STYLE = {"dropped": "red", "broken": "red", "changed": "yellow", "depends": "yellow", "kept": "green", "not shown": "dim"}


def lines(number: int, document: Shown) -> list[RenderableType]:
    """A document for the terminal: where it is from, the start of its text, and a line for each filter, each folded below itself."""
    first, *others = document.steps
    heading = Table.grid(padding=(0, 1, 0, 0))
    heading.add_column(width=len(f"{number}."))
    heading.add_column(overflow="fold")
    heading.add_row(Text(f"{number}.", "bold"), Text(document.id or "broken", "bold").append(f"  {printable(first.remark)}", "dim"))
    text = printable(document.text[:_TEXT].replace("\n", "⏎"))
    more = f" ... {len(document.text):,} characters" if len(document.text) > _TEXT else ""
    shown: list[RenderableType] = [heading]
    if text:
        shown.append(Padding(Text(text).append(more, "dim"), (0, 0, 0, 3)))
    if others:
        shown.append(_steps(others))
    return [*shown, Text()]


def _steps(steps: Sequence[Step]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=_NAME + 3, no_wrap=True)
    table.add_column(width=_VERDICT, no_wrap=True)
    table.add_column(overflow="fold")
    for step in steps:
        remark = Text(printable(step.remark.removeprefix("changed: ")))
        table.add_row(Text(f"   {step.node}", "dim"), Text(step.verdict, _STYLE[step.verdict]), remark)
    return table


def _summary(shown: Sequence[Shown], asked: int) -> Text:
    dropped = [next((step.node for step in document.steps if step.verdict in ("dropped", "broken")), None) for document in shown]
    by_node = {node: dropped.count(node) for node in dict.fromkeys(dropped) if node is not None}
    left = [document for document, node in zip(shown, dropped, strict=True) if node is None]
    open_ = [document for document in left if any(step.verdict == "depends" for step in document.steps)]
    nodes = dict.fromkeys(step.node for document in open_ for step in document.steps if step.verdict == "depends")
    told = [f"{count:,} dropped by {node}" for node, count in by_node.items()]
    told += [f"{len(open_):,} kept or dropped by {' and '.join(nodes)}, as all documents decide"] if open_ else []
    few = f" (of {asked:,} asked for: the sources have no more to show)" if len(shown) < asked else ""
    many = f"{len(shown):,} document{'s' if len(shown) != 1 else ''}{few}"
    return Text("; ".join([f"{many}, {len(left) - len(open_):,} kept", *told]))
