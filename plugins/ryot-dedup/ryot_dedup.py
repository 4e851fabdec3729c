"""A stage that drops near-duplicate training documents, by MinHash and locality-sensitive hashing. Copy it to write your own.

Everything else of "documents" passes through unchanged, the held-out split above all.
"""

from collections.abc import Iterable, Iterator

from pydantic import Field
from rensa import RMinHash, RMinHashLSH  # type: ignore[import-untyped]

from ryot.plugins import Document, Documents, Measure, Shard, Stage, StageConfig, StageContext

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
        source = Documents(context.inputs["documents"])
        seen = Seen(config)

        def change(shard: Shard, documents: Iterator[Document]) -> Iterable[Document]:
            return documents if shard.split != "train" else (document for document in documents if new(document))

        def new(document: Document) -> bool:
            found = seen.add(document.text)
            context.report(done=seen.read, total=total, unit="documents", removed=seen.read - len(seen.hashes))
            return found

        total = source.count("train")
        kept = source.rewrite(context.out, change).count("train")
        context.measure("removed", total - kept, of=total)
        context.measure("kept", kept)
        context.say(f"{total - kept} of {total} training documents were near-duplicates")


class Seen:
    """The texts kept so far, as sketches."""

    def __init__(self, config: DedupConfig) -> None:
        self.config, self.read = config, 0
        self.index = RMinHashLSH(threshold=config.threshold, num_perm=PERMUTATIONS, num_bands=bands(config.threshold))
        self.hashes: list[RMinHash] = []

    def add(self, text: str) -> bool:
        """Whether a text is less similar than the threshold to every text kept before; it is kept then."""
        self.read += 1
        found = minhash(text, self.config)
        if any(found.jaccard(self.hashes[other]) >= self.config.threshold for other in self.index.query(found)):
            return False
        self.index.insert(len(self.hashes), found)
        self.hashes.append(found)
        return True


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
