"""Generated examples, made by all workers: groups of cells, asked again until together they give what the source wants.

Which groups there are depends on the source alone. What was asked is in the name of a group's file, so what lies there fits the order.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from ryot.plugins import Document, Shard, StageContext, write_index, write_shard
from ryot.stages.data.generator.generate import cell_count
from ryot.stages.data.generator.shares import Order, settle
from ryot.stages.data.generator.units import Made, make
from ryot.stages.data.stage import Config, GeneratorSource
from ryot.stages.shards.pool import Place, over_shards
from ryot.stages.shards.work import Item, Result, Work

GROUP = 2000
"""About how many examples a group makes."""
EXAMPLE = 600
"""Bytes of an example, for the progress alone."""


def make_examples(config: Config, context: StageContext, place: Place) -> dict[int, list[Result]]:
    """What each generator of the Config made, group by group: the Shard, `checked`, `wrong`, and why draws were `refused`.

    The shards lie in the folder `made` of the scratch folder. Raises NodeError when a source's cells give too few.
    """
    work = Work("ryot.stages.data.made:make_group", {"config": config.model_dump(mode="json")}, context.scratch / "made")
    made = {
        index: _settled(index, source, work, context, place)
        for index, source in enumerate(config.sources)
        if isinstance(source, GeneratorSource)
    }
    if made:
        write_index(work.folder, [Shard(**group["shard"]) for groups in made.values() for group in groups], {})
    return made


def make_group(settings: Mapping[str, Any], fields: Mapping[str, Any], folder: Path) -> Result:
    """Make the examples of some cells, one cell after another."""
    config = Config.model_validate(settings["config"])
    source = config.sources[fields["source"]]
    assert isinstance(source, GeneratorSource)
    total, keys = Made(), list[list[str]]()

    def documents() -> Iterator[Document]:
        for cell, wanted, without in fields["cells"]:
            made = make(source, config.seed, cell, wanted, without)
            total.checked += made.checked
            total.wrong += made.wrong
            total.refused.update(made.refused)
            keys.append(made.keys)
            yield from made.documents

    shard = write_shard(folder, Shard(_name(fields), "train", fields["source"]), documents())
    written = {name: getattr(shard, name) for name in ("name", "split", "source", "documents", "bytes")}
    return {"shard": written, "checked": total.checked, "wrong": total.wrong, "refused": dict(total.refused), "keys": keys}


def _settled(index: int, source: GeneratorSource, work: Work, context: StageContext, place: Place) -> list[Result]:
    cells = cell_count(source)
    groups = _groups(cells, source.examples)
    results: list[Result] = []

    def ask(orders: Sequence[Order]) -> list[list[str]]:
        results[:] = over_shards(work, [_item(index, group, orders) for group in groups], context, place)
        return [keys for result in results for keys in result["keys"]]

    settle(source.examples, cells, ask)
    return results


def _item(index: int, group: range, orders: Sequence[Order]) -> Item:
    cells = [[cell, orders[cell].wanted, sorted(orders[cell].without)] for cell in group]
    fields = {"source": index, "cells": cells}
    return Item(_name(fields), EXAMPLE * sum(orders[cell].wanted for cell in group), fields)


def _groups(cells: int, examples: int) -> list[range]:
    """The cells in runs that make about GROUP examples each."""
    count = min(cells, -(-examples // GROUP))
    borders = [cells * number // count for number in range(count + 1)]
    return [range(start, end) for start, end in pairwise(borders)]


def _name(fields: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]
    return f"{fields['source']:02d}-{fields['cells'][0][0]:05d}-{digest}"
