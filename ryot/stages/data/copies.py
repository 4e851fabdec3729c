"""The second half of `data`: exact copies are found by their ids over all sources, and dropped; the first in reading order stays."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ryot.plugins import Documents, Shard, write_durable
from ryot.stages.data.read import write_counted
from ryot.stages.shards.work import Result

Ids = NDArray[np.uint64]
Places = NDArray[np.int64]


def find_copies(files: Sequence[Path]) -> Iterator[tuple[int, Places]]:
    """The places of the copies in each file of ids that has some, as (number of the file, places).

    Two passes: the first sorts all ids, 8 bytes a document (and 1 for the comparison); the second holds one file's.
    """
    twice = _met_again(files)
    if not len(twice):
        return
    seen = np.zeros(len(twice), bool)
    for number, file in enumerate(files):
        ids = _ids(file)
        at = np.minimum(np.searchsorted(twice, ids), len(twice) - 1)
        places = np.flatnonzero(twice[at] == ids)
        met, first = np.unique(at[places], return_index=True)
        copies = np.ones(len(places), bool)
        copies[first[~seen[met]]] = False
        seen[met] = True
        if copies.any():
            yield number, places[copies]


def drop_copies(settings: Mapping[str, Any], fields: Mapping[str, Any], folder: Path) -> Result:
    """Write a shard again without its copies, whose places are in NAME.copies."""
    shard = Shard(**fields["shard"])
    dropped = set(np.frombuffer((folder / f"{shard.name}.copies").read_bytes(), "<i8").tolist())
    documents = Documents(Path(settings["read"])).read(shard)
    return write_counted(folder, shard, (document for place, document in enumerate(documents) if place not in dropped))


def write_places(folder: Path, shards: Sequence[Shard], places: Places) -> list[Shard]:
    """Write NAME.copies for the shards of one file of ids that hold some of the copies at `places`. Returns those shards."""
    begin, holding = 0, []
    for shard in shards:
        end = begin + shard.documents
        own = places[np.searchsorted(places, begin) : np.searchsorted(places, end)] - begin
        if len(own):
            write_durable(folder / f"{shard.name}.copies", own.astype("<i8").tobytes())
            holding.append(shard)
        begin = end
    return holding


def _met_again(files: Sequence[Path]) -> Ids:
    """The ids that are met more than once, sorted."""
    ids = np.empty(sum(file.stat().st_size for file in files) // 8, np.uint64)
    filled = 0
    for file in files:
        part = _ids(file)
        ids[filled : filled + len(part)] = part
        filled += len(part)
    ids.sort()
    return np.unique(ids[1:][ids[1:] == ids[:-1]])


def _ids(file: Path) -> Ids:
    return np.fromfile(file, "<u8")
