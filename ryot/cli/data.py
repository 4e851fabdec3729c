"""`ryot data preview`: the first documents through every filter, in this process, without a store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from ryot.cli.output import escaped, stdout
from ryot.cli.request import Planned, json_option, resolve, spec_options
from ryot.errors import SpecError, printable
from ryot.plan.plan import PlannedNode
from ryot.plugins.discover import load_stage
from ryot.plugins.documents import Document
from ryot.plugins.stage import Stage

_TEXT, _NAME, _WIDTH = 300, 24, 100


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
    """The documents of a spec."""


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
    """Read the first documents of SPEC and show what every filter does to each: kept, changed, or dropped and why. Writes nothing."""
    planned = resolve(spec, profile, sets, folders, root)
    shown = previewed(planned, documents)
    if as_json:
        click.echo(escaped(json.dumps([asdict(document) for document in shown], indent=2, ensure_ascii=False)))
        return
    console = stdout()
    for number, document in enumerate(shown, start=1):
        for line in lines(number, document):
            console.print(line, width=min(console.width, _WIDTH), overflow="fold")
    console.print(_summary(shown), width=min(console.width, _WIDTH))


def previewed(planned: Planned, count: int) -> list[Shown]:
    """The first documents with what each node that gives documents does to them. Raises RyotError."""
    stages = {node.stage: load_stage(planned.plugins[node.stage]) for node in planned.plan.nodes}
    chain = _chain(planned.plan.nodes, stages)
    if not chain:
        raise SpecError("no node of this spec reads documents in a way that can be previewed")
    shown: list[Shown] = []
    going: dict[int, Document] = {}
    first, *others = chain
    for document, remark in stages[first.stage].previewer()(_config(first, stages), count):
        verdict = "read" if document is not None else "broken"
        shown.append(Shown(document and document.id, document.text if document else "", [Step(first.name, verdict, remark)]))
        if document is not None:
            going[len(shown) - 1] = document
    for node in others:
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
        verdict = "dropped" if document is None else "kept" if document.text == before.text else "changed"
        shown[place].steps.append(Step(node.name, verdict, remark))
        if document is not None:
            left[place] = document
    return left


_STYLE = {"dropped": "red", "broken": "red", "changed": "yellow", "kept": "green", "not shown": "dim"}


def lines(number: int, document: Shown) -> list[Text]:
    """A document for the terminal: where it is from, the start of its text, and a line for each filter."""
    first, *others = document.steps
    heading = Text(f"{number}. {document.id or 'broken'}", "bold").append(f"  {printable(first.remark)}", "dim")
    text = printable(document.text[:_TEXT].replace("\n", "⏎"))
    more = f" ... {len(document.text):,} characters" if len(document.text) > _TEXT else ""
    shown = [heading, *([Text(f"   {text}").append(more, "dim")] if text else [])]
    for step in others:
        line = Text(f"   {step.node:{_NAME}} ", "dim").append(step.verdict, _STYLE[step.verdict])
        shown.append(line.append(f"  {printable(step.remark.removeprefix('changed: '))}" if step.remark else "", "default"))
    return [*shown, Text()]


def _summary(shown: Sequence[Shown]) -> Text:
    dropped = [next((step.node for step in document.steps if step.verdict in ("dropped", "broken")), None) for document in shown]
    by_node = {node: dropped.count(node) for node in dict.fromkeys(dropped) if node is not None}
    told = "; ".join(f"{count} dropped by {node}" for node, count in by_node.items())
    kept = dropped.count(None)
    return Text(f"{len(shown)} documents, {kept} kept" + (f"; {told}" if told else ""))
