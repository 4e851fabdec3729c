"""A stage that drops near-duplicate training documents, by MinHash and locality-sensitive hashing. Copy it to write your own.

Everything else of "documents" passes through unchanged, the held-out split above all.
"""

import json
import shutil

from pydantic import Field
from rensa import RMinHash, RMinHashLSH  # type: ignore[import-untyped]

from ryot.plugins import Measure, Stage, StageConfig, StageContext

PERMUTATIONS = 128


class DedupConfig(StageConfig):
    """What counts as a near-duplicate. Every field changes the result, so every field is part of the node's identity."""

    threshold: float = Field(0.8, gt=0, le=1)
    """Estimated Jaccard similarity, of the sets of shingles, from which a document is dropped."""
    shingle: int = Field(5, ge=1)
    """Length of a shingle in words."""
    seed: int = Field(42, ge=0)
    """Seed of the hash functions."""


class Dedup(Stage):
    """Keeps the first of the documents that are near-duplicates of each other."""

    name = "dedup"
    version = 1
    Config = DedupConfig
    takes = "documents"
    gives = "documents"
    measures = (
        Measure(name="removed", kind="count", about="near-duplicates dropped, of the training documents read"),
        Measure(name="kept", kind="exact", about="training documents that remain"),
    )

    def run(self, config: DedupConfig, context: StageContext) -> None:
        """Read documents, write documents, measure."""
        source = context.inputs["documents"]
        for path in source.iterdir():
            if path.name != "train.jsonl":
                shutil.copyfile(path, context.out / path.name)
        with (source / "train.jsonl").open(encoding="utf-8", newline="\n") as file:
            lines = list(file)
        kept = unique(lines, config, context)
        context.write("train.jsonl", "".join(kept))
        context.measure("removed", len(lines) - len(kept), of=len(lines))
        context.measure("kept", len(kept))
        context.say(f"{len(lines) - len(kept)} of {len(lines)} training documents were near-duplicates")


def unique(lines: list[str], config: DedupConfig, context: StageContext) -> list[str]:
    """The lines whose text is less similar than the threshold to every line kept before."""
    index = RMinHashLSH(threshold=config.threshold, num_perm=PERMUTATIONS, num_bands=bands(config.threshold))
    kept: list[str] = []
    hashes: list[RMinHash] = []
    for number, line in enumerate(lines, start=1):
        found = minhash(json.loads(line)["text"], config)
        if all(found.jaccard(hashes[other]) < config.threshold for other in index.query(found)):
            index.insert(len(kept), found)
            kept.append(line)
            hashes.append(found)
        context.report(done=number, total=len(lines), unit="documents", removed=number - len(kept))
    return kept


def minhash(text: str, config: DedupConfig) -> RMinHash:
    """The sketch of a text's set of shingles; a text shorter than a shingle is one shingle."""
    words = text.split()
    found = RMinHash(num_perm=PERMUTATIONS, seed=config.seed)
    found.update([" ".join(words[place : place + config.shingle]) for place in range(max(len(words) - config.shingle + 1, 1))])
    return found


def bands(threshold: float) -> int:
    """The fewest bands b of r rows (b r = permutations) that find a pair at the threshold with 99 %: 1 - (1 - t^r)^b >= 0.99."""
    choices = [1 << power for power in range(PERMUTATIONS.bit_length())]
    return next((b for b in choices if 1 - (1 - threshold ** (PERMUTATIONS // b)) ** b >= 0.99), PERMUTATIONS)
