"""The run of `data`: read every unit into shards, find the copies, write again the shards that hold some, and keep the others.

The same Config gives the same bytes, on any number of workers, however often it was killed.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ryot.plugins import Shard, StageContext, write_durable, write_index
from ryot.stages.data.copies import find_copies, write_places
from ryot.stages.data.corpus import statistics_of, write_corpus
from ryot.stages.data.findings import (
    Findings,
    facts,
    measure,
    refuse_damaged,
    refuse_empty,
    refuse_too_many_broken,
    say_empty,
    tell_broken,
)
from ryot.stages.data.made import make_examples
from ryot.stages.data.stage import Config, FileSource
from ryot.stages.data.units import Unit, units_of
from ryot.stages.inputs import refuse_changed, state_of
from ryot.stages.shards.pool import Place, over_shards
from ryot.stages.shards.work import Item, Result, Work, keep

Written = dict[str, Any]


def run(config: Config, context: StageContext) -> None:
    """Write the shards and documents.json. Raises NodeError when too much is broken or nothing is left."""
    place = Place(config.workers or 0, config.ray)
    settings = {"config": config.model_dump(mode="json"), "made": str(context.scratch / "made")}
    read = Work("ryot.stages.data.read:read_unit", settings, context.scratch / "read")
    with unchanged(config, read, context):
        units = units_of(config, context, make_examples(config, context, place))
        results = over_shards(read, [unit.item() for unit in units], context, place)
    say_empty(units, results, context)
    found = Findings(config, units, results)
    refuse_damaged(found, context)
    refuse_too_many_broken(found)
    tell_broken(found, context)
    unique = Work("ryot.stages.data.copies:drop_copies", {"read": str(read.folder)}, context.scratch / "unique")
    again = _without_copies(read, unique, units, results, context, place)
    found = replace(found, shards=_left(results, again))
    refuse_empty(found)
    for written in found.shards:
        shard = Shard(**written["shard"])
        keep((unique if shard.name in again else read).folder / shard.file, context.out)
    shards = [Shard(**written["shard"]) for written in found.shards]
    documents = write_index(context.out, shards, facts(found))
    if (made := statistics_of(found, documents)) is not None:
        write_index(context.out, shards, {**facts(found), "generated": made})
    write_corpus(found, documents, context.out)
    measure(found, context)
    context.say(", ".join(f"{found.kept(split=split)} {split}" for split in ("train", "heldout", "test")) + " documents")


@contextmanager
def unchanged(config: Config, read: Work, context: StageContext) -> Iterator[None]:
    """Hold the local sources to the state they are in before they are digested. Raises NodeError when they changed while they were read.

    The state is kept: what an earlier try read from files in another one is not gone on with.
    """
    sources = {str(index): source for index, source in enumerate(config.sources) if isinstance(source, FileSource)}
    before = {index: state_of(Path(source.path)) for index, source in sources.items()}
    kept = context.scratch / "sources.json"
    if kept.exists() and json.loads(kept.read_text()) != before:
        context.say("the local sources changed since the last try: they are read from the start")
        shutil.rmtree(read.folder, ignore_errors=True)
    write_durable(kept, json.dumps(before))
    yield
    for index, source in sources.items():
        refuse_changed(Path(source.path), before[index], source.written)


def _without_copies(
    read: Work, unique: Work, units: Sequence[Unit], results: Sequence[Result], context: StageContext, place: Place
) -> dict[str, Written]:
    """The shards that hold copies, written again without: by name, what each holds now."""
    unique.folder.mkdir(parents=True, exist_ok=True)
    holding: list[Shard] = []
    for number, places in find_copies([read.folder / f"{unit.name}.ids" for unit in units]):
        holding += write_places(unique.folder, [Shard(**written["shard"]) for written in results[number]["shards"]], places)
    if not holding:
        return {}
    write_index(read.folder, holding, {})
    items = [Item(shard.name, shard.bytes, {"shard": asdict(shard)}) for shard in holding]
    again = over_shards(unique, items, context, place)
    return {shard.name: written for shard, written in zip(holding, again, strict=True)}


def _left(results: Sequence[Result], again: dict[str, Written]) -> list[Written]:
    """Every shard as it is now; those of which nothing is left are none."""
    now = (again.get(written["shard"]["name"], written) for result in results for written in result["shards"])
    return [written for written in now if written["shard"]["documents"]]
