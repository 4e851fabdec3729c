"""`filter.near_duplicates`: of texts that are nearly the same, over all shards, the first stays.

Three phases. Every shard's texts become sets of shingles (runs of words, hashed) and MinHash sketches of them (Broder 1997), cut into
bands (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4). Texts that have a band in common are candidates; the
exact similarity of the sets decides, against those that stay, in the order test, held out, training. Then every shard is cut.
So no text is dropped for one that is itself dropped, and what is held out never loses to what is trained on.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ryot.stages.filter.settings import NearDuplicates
from ryot.stages.filter.words import batches, grams, mixed, plain

Array = np.ndarray[Any, np.dtype[Any]]
HASHES = 128
RECALL = 0.99
MOST_ALIKE = 64
"""A band that so many different texts share is that of a mould they were made in. Near-duplicates among them share others too; without
a bound n texts of one mould would be n^2 comparisons."""
NONE = -1
"""The answer for a text that stays."""


@dataclass(frozen=True, slots=True)
class Sketches:
    """Of D documents: B band keys each, and their S shingles one document after the other, as numbers of 32 bits."""

    bands_DB: Array
    shingles_S: Array
    first_D1: Array

    def __len__(self) -> int:
        return len(self.bands_DB)


def bands_of(threshold: float) -> tuple[int, int]:
    """How many bands of how many hashes: the longest bands by which a pair at the threshold is found with RECALL: 1 - (1 - t^r)^b."""
    rows = next(rows for rows in range(HASHES, 0, -1) if rows == 1 or 1 - (1 - threshold**rows) ** (HASHES // rows) >= RECALL)
    return HASHES // rows, rows


def sketch(texts: Iterable[str], settings: NearDuplicates) -> Sketches:
    """The sketches of a shard's texts."""
    parts = [_sketch(batch, settings) for batch in batches(texts)]
    bands, _ = bands_of(settings.threshold)
    counts = [np.diff(part.first_D1) for part in parts]
    return Sketches(
        np.concatenate([np.zeros((0, bands), np.uint64), *(part.bands_DB for part in parts)]),
        np.concatenate([np.zeros(0, np.uint32), *(part.shingles_S for part in parts)]),
        np.concatenate([[0], np.cumsum(np.concatenate([np.zeros(0, np.int64), *counts]))]).astype(np.int64),
    )


def _sketch(texts: Sequence[str], settings: NearDuplicates) -> Sketches:
    found = grams(plain(texts), settings.shingle)
    shingles_S = (found.hashes_G >> np.uint64(32)).astype(np.uint32)
    bands, rows = bands_of(settings.threshold)
    random = np.random.default_rng(settings.seed)
    factors = random.integers(0, 1 << 31, bands * rows, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    shifts = random.integers(0, 1 << 32, bands * rows, dtype=np.uint32)
    bands_DB = np.empty((len(texts), bands), np.uint64)
    for band in range(bands):
        key = np.full(len(texts), band, np.uint64)
        for row in range(band * rows, (band + 1) * rows):
            least = np.minimum.reduceat(shingles_S * factors[row] + shifts[row], found.first_T1[:-1])
            key = mixed(key * np.uint64(31) + least)
        bands_DB[:, band] = key
    return Sketches(bands_DB, shingles_S, found.first_T1)


Shingles = Callable[[int], Array]


def first_of(bands: Iterator[Array], shingles: Shingles, threshold: float, count: int) -> Array:
    """For every document the number of the one it is dropped for, or NONE. Documents are in the order in which they may stay; `bands`
    gives one band's keys of all of them after another, `shingles` the shingles of one."""
    groups = _groups(bands, count)
    kept: defaultdict[int, list[int]] = defaultdict(list)
    sets: dict[int, Array] = {}
    answer = np.full(count, NONE, np.int64)
    for document, own in groups:
        candidates = sorted({other for group in own for other in kept[group]})
        found = np.unique(shingles(document))
        answer[document] = _like(found, candidates, sets, threshold)
        if answer[document] == NONE:
            sets[document] = found
            for group in own:
                if len(kept[group]) < MOST_ALIKE:
                    kept[group].append(document)
    return answer


def _groups(bands: Iterator[Array], count: int) -> Iterator[tuple[int, list[int]]]:
    """Every document that shares a band's key with another one, in order, with the groups it is in."""
    members, groups, seen = [], [], 0
    for keys in bands:
        order = np.argsort(keys, kind="stable")
        begins = np.flatnonzero(np.concatenate(([True], np.diff(keys[order]) != 0)))
        sizes = np.diff(np.append(begins, count))
        group = np.repeat(np.arange(seen, seen + len(sizes)), sizes)
        shared = np.repeat(sizes > 1, sizes)
        members.append(order[shared])
        groups.append(group[shared])
        seen += len(sizes)
    member, group = np.concatenate(members), np.concatenate(groups)
    order = np.argsort(member, kind="stable")
    member, group = member[order], group[order]
    edges = [*np.flatnonzero(np.diff(member, prepend=-1)).tolist(), len(member)]
    for begin, end in pairwise(edges):
        yield int(member[begin]), group[begin:end].tolist()


def _like(found: Array, candidates: Sequence[int], sets: dict[int, Array], threshold: float) -> int:
    """The first candidate whose set is as similar as the threshold; all are looked up together."""
    size = len(found)
    fit = [other for other in candidates if threshold * size <= len(sets[other]) <= size / threshold]
    if not fit:
        return NONE
    sizes = np.array([len(sets[other]) for other in fit])
    together = np.concatenate([sets[other] for other in fit])
    place = np.minimum(np.searchsorted(found, together), size - 1)
    common = np.add.reduceat(found[place] == together, np.cumsum(sizes) - sizes, dtype=np.int64)
    alike = np.flatnonzero(common >= threshold * (size + sizes - common))
    return fit[alike[0]] if len(alike) else NONE
