"""Generated examples, made by all workers: groups of cells, asked again until together they give what the source wants.

Which groups there are depends on the source alone. What was asked is in the name of a group's file, so what lies there fits the order.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from ryot.plugins import Document, Documents, Shard, StageContext, write_index, write_shard
from ryot.stages.data.generator.shares import Order, settle
from ryot.stages.data.generator.units import Made, cells_of, make
from ryot.stages.data.stage import Config, GeneratorSource
from ryot.stages.shards.pool import Place, over_shards
from ryot.stages.shards.work import Item, Result, Work

GROUP = 1000
"""About how many examples a group makes."""
EXAMPLE = 600
"""Bytes of an example, for the progress alone."""


def make_examples(config: Config, context: StageContext, place: Place) -> dict[int, list[Result]]:
    """What each generator of the Config made, group by group: the Shard, `checked`, `wrong`, why draws were `refused`, and `takes`.

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


def examples_of(group: Mapping[str, Any], folder: Path) -> Iterator[Document]:
    """The examples of a group that are taken: of each cell the first."""
    documents = Documents(folder).read(Shard(**group["shard"]))
    for there, taken in group["takes"]:
        yield from [document for place, document in enumerate(islice(documents, there)) if place < taken]


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
    cells = len(cells_of(source))
    groups = _groups(cells, source.examples)
    results: list[Result] = []
    asked = [Order(0)] * cells

    def ask(orders: Sequence[Order]) -> list[list[str]]:
        asked[:] = [_enough(order, before) for order, before in zip(orders, asked, strict=True)]
        results[:] = over_shards(work, [_item(index, group, asked) for group in groups], context, place)
        made = [keys for result in results for keys in result["keys"]]
        return [keys[: order.wanted] for keys, order in zip(made, orders, strict=True)]

    orders = settle(source.examples, cells, ask)
    return [_taken(result, [orders[cell].wanted for cell in group]) for result, group in zip(results, groups, strict=True)]


def _taken(result: Result, wanted: Sequence[int]) -> Result:
    """A group with how many examples of each cell are there and are taken, in place of their keys."""
    takes = [[len(keys), most] for keys, most in zip(result["keys"], wanted, strict=True)]
    return {**{name: value for name, value in result.items() if name != "keys"}, "takes": takes}


def _item(index: int, group: range, orders: Sequence[Order]) -> Item:
    cells = [[cell, orders[cell].wanted, sorted(orders[cell].without)] for cell in group]
    fields = {"source": index, "cells": cells}
    return Item(_name(fields), EXAMPLE * sum(orders[cell].wanted for cell in group), fields)


def _enough(order: Order, before: Order) -> Order:
    """What a cell was asked before, where that is enough; else up to a tenth more than the order: when a dry cell's share goes to
    the others, most of them have made it already."""
    if before.without == order.without and before.wanted >= order.wanted:
        return before
    enough = 1
    while enough < order.wanted:
        enough = max(enough + 1, enough * 11 // 10)
    return Order(enough, order.without)


def _groups(cells: int, examples: int) -> list[range]:
    """The cells in runs that make about GROUP examples each."""
    count = min(cells, -(-examples // GROUP))
    borders = [cells * number // count for number in range(count + 1)]
    return [range(start, end) for start, end in pairwise(borders)]


def _name(fields: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]
    return f"{fields['source']:02d}-{fields['cells'][0][0]:05d}-{digest}"
