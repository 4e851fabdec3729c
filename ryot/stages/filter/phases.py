"""What a filter has to know of all documents before it can judge one: found shard by shard, decided in one process, kept in scratch."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ryot.plugins import Documents, Shard, StageContext, write_durable
from ryot.stages.filter import contamination, near_duplicates, score
from ryot.stages.filter.evaluation import evaluation_texts
from ryot.stages.filter.settings import Contamination, NearDuplicates, Score, Settings
from ryot.stages.filter.shard import Cut, settings_of
from ryot.stages.filter.verdict import Dropped, Judge
from ryot.stages.filter.words import batches
from ryot.stages.shards.pool import Place, over_shards
from ryot.stages.shards.work import Item, Work

Array = np.ndarray[Any, np.dtype[Any]]
_ORDER = {"test": 0, "heldout": 1, "train": 2}
"""Whose text stays where two are nearly the same: never that of the training split, so that nothing held out is trained on."""


def prepare(told: Mapping[str, Any], documents: Documents, context: StageContext, place: Place) -> dict[str, Any]:
    """Find out what the filter has to know. Returns what of it documents.json should say."""
    settings, known = settings_of(told), Path(told["known"])
    known.mkdir(parents=True, exist_ok=True)
    if isinstance(settings, Contamination):
        return _evaluation_runs(settings, documents, known)
    if not isinstance(settings, Score | NearDuplicates):
        return {}
    context.say("first every shard is examined")
    work = Work("ryot.stages.filter.phases:examine", told, known)
    over_shards(work, [item_of(shard) for shard in documents.shards], context, place)
    context.say("now what was found is put together")
    return _threshold(settings, documents, known) if isinstance(settings, Score) else _near_duplicates(settings, documents, known)


def item_of(shard: Shard) -> Item:
    """A shard as a piece of work."""
    return Item(shard.name, shard.bytes, asdict(shard))


def judge_or_cut(settings: Settings, shard: Shard, known: Path) -> Judge | Cut:
    """How a shard's documents are judged: by their texts, or, where that is decided already, by their places."""
    if isinstance(settings, Score):
        least = json.loads((known / "threshold").read_text())
        found = np.load(known / f"{shard.name}.scores.npy")
        return {int(at): Dropped("low_score", f"{found[at]:.4f}, below {least:.4f}") for at in np.flatnonzero(found < least)}
    if isinstance(settings, NearDuplicates):
        return {int(at): Dropped("near_duplicate", like) for at, like in json.loads((known / f"{shard.name}.cut").read_text()).items()}
    if isinstance(settings, Contamination):
        if shard.split != "train":
            return {}
        return contamination.judge(settings, np.load(known / "runs.npy", mmap_mode="r"))
    judge: Judge = import_module(f"ryot.stages.filter.{settings.kind}").judge(settings)
    return judge


def examine(told: Mapping[str, Any], fields: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Write what has to be known of one shard: its scores, or its sketches."""
    settings, shard = settings_of(told), Shard(**fields)
    texts = (document.text for document in Documents(Path(told["documents"])).read(shard))
    if isinstance(settings, Score):
        _save(folder / f"{shard.name}.scores.npy", np.concatenate([np.zeros(0), *map(score.scores, batches(texts))]))
    else:
        assert isinstance(settings, NearDuplicates)
        found = near_duplicates.sketch(texts, settings)
        _save(folder / f"{shard.name}.bands.npy", np.ascontiguousarray(found.bands_DB.T))
        _save(folder / f"{shard.name}.shingles.npy", found.shingles_S)
        _save(folder / f"{shard.name}.first.npy", found.first_D1)
    return {}


def _threshold(settings: Score, documents: Documents, known: Path) -> dict[str, Any]:
    scores = [np.load(known / f"{shard.name}.scores.npy") for shard in documents.shards if shard.split == "train"]
    together = np.concatenate([np.zeros(0), *scores])
    least = score.threshold(together, settings.drop_lowest) if len(together) else 0.0
    write_durable(known / "threshold", json.dumps(least))
    return {"threshold": least}


def _near_duplicates(settings: NearDuplicates, documents: Documents, known: Path) -> dict[str, Any]:
    shards = sorted((shard for shard in documents.shards if shard.documents), key=lambda shard: _ORDER[shard.split])
    begins = np.concatenate([[0], np.cumsum([shard.documents for shard in shards])]).astype(np.int64)
    first_of = near_duplicates.first_of(_bands(shards, known), _Shingles(shards, begins, known), settings.threshold, int(begins[-1]))
    for shard, begin, end in zip(shards, begins[:-1], begins[1:], strict=True):
        write_durable(known / f"{shard.name}.cut", json.dumps(_cut(first_of[begin:end], shards, begins)))
    for shard in documents.shards:
        if not shard.documents:
            write_durable(known / f"{shard.name}.cut", "{}")
    bands, rows = near_duplicates.bands_of(settings.threshold)
    return {"bands": bands, "hashes_a_band": rows}


def _bands(shards: Sequence[Shard], known: Path) -> Iterator[Array]:
    loaded = [np.load(known / f"{shard.name}.bands.npy", mmap_mode="r") for shard in shards]
    return (np.concatenate([bands[band] for bands in loaded]) for band in range(len(loaded[0]) if loaded else 0))


class _Shingles:
    """The shingles of a document by its number over all shards, read from disk when they are asked for."""

    def __init__(self, shards: Sequence[Shard], begins: Array, known: Path) -> None:
        self._begins = begins
        self._first = [np.load(known / f"{shard.name}.first.npy", mmap_mode="r") for shard in shards]
        self._shingles = [np.load(known / f"{shard.name}.shingles.npy", mmap_mode="r") for shard in shards]

    def __call__(self, document: int) -> Array:
        shard = int(np.searchsorted(self._begins, document, "right")) - 1
        place = document - int(self._begins[shard])
        first = self._first[shard]
        shingles: Array = self._shingles[shard][first[place] : first[place + 1]]
        return shingles


def _cut(first_of: Array, shards: Sequence[Shard], begins: Array) -> dict[str, str]:
    """Which places of a shard go, and which document each is like."""
    cut = {}
    for place in np.flatnonzero(first_of != near_duplicates.NONE):
        like = int(first_of[place])
        shard = int(np.searchsorted(begins, like, "right")) - 1
        cut[str(place)] = f"like document {like - int(begins[shard]) + 1} of {shards[shard].name}"
    return cut


def _evaluation_runs(settings: Contamination, documents: Documents, known: Path) -> dict[str, Any]:
    held_out = chain.from_iterable(documents.split(split) for split in ("heldout", "test") if settings.held_out)
    texts = chain((document.text for document in held_out), *map(evaluation_texts, settings.against))
    runs, short = contamination.runs_of(texts, settings.words, contamination.forms_of(settings))
    _save(known / "runs.npy", runs)
    return {"runs": len(runs), "too_short": short, "against": [file.written for file in settings.against]}


def _save(path: Path, array: Array) -> None:
    data = io.BytesIO()
    np.save(data, array, allow_pickle=False)
    write_durable(path, data.getvalue())
