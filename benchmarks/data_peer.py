"""Datatrove's side of benchmarks/data.py, run by the Python that has datatrove: `data_peer.py DOCUMENTS.jsonl FOLDER`.

Prints the CPU seconds of each step, and of the chain in one pass, as JSON. The blocks are called as an executor calls them, without
its process, log and statistics, and what they write is not compressed, which is to datatrove's advantage.
"""

import json
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.filters import C4QualityFilter, GopherQualityFilter, GopherRepetitionFilter, LambdaFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.text import split_into_sentences, split_into_words


def go(*blocks: Any, rank: int = 0, tasks: int = 1) -> None:
    """Run blocks one behind the other, as a pipeline executor does."""
    data: Any = None
    for block in blocks:
        data = block(data, rank, tasks)
    if data is not None:
        deque(data, maxlen=0)


def lines(folder: Path) -> int:
    """Documents that a step kept."""
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl"))


def reader(folder: Path) -> JsonlReader:
    """Reads all JSON lines of a folder."""
    return JsonlReader(str(folder), glob_pattern="*.jsonl", compression=None)


def writer(folder: Path) -> JsonlWriter:
    """Writes JSON lines to a folder."""
    return JsonlWriter(str(folder), compression=None)


def length() -> LambdaFilter:
    """100 to a million characters."""
    return LambdaFilter(lambda document: 100 <= len(document.text) <= 1_000_000)


def quality() -> list[Any]:
    """The filters whose rules ryot's `quality` has, with their defaults, which are the published thresholds."""
    return [GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter()]


def dedup(source: Path, folder: Path) -> None:
    """All four steps of MinHash deduplication, with datatrove's own settings: 5-grams, 14 buckets of 8 hashes."""
    config = MinhashConfig()
    signatures, buckets, removed = (str(folder / name) for name in ("signatures", "buckets", "removed"))
    go(reader(source), MinhashDedupSignature(output_folder=signatures, config=config))
    for bucket in range(config.num_buckets):
        block = MinhashDedupBuckets(input_folder=signatures, output_folder=buckets, config=config)
        go(block, rank=bucket, tasks=config.num_buckets)
    go(MinhashDedupCluster(input_folder=buckets, output_folder=removed, config=config))
    go(reader(source), MinhashDedupFilter(input_folder=removed), writer(folder / "kept"))


def timed(work: Callable[[], None]) -> float:
    """CPU seconds of this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Time everything once."""
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    split_into_words("Load the tokenizer.", "eng_Latn")
    split_into_sentences("Load the tokenizer.", "eng_Latn")
    seconds = {
        "length": timed(lambda: go(reader(source), length(), writer(folder / "length"))),
        "quality": timed(lambda: go(reader(source), *quality(), writer(folder / "quality"))),
        "near_duplicates": timed(lambda: dedup(source, folder / "near")),
    }

    def chain() -> None:
        go(reader(source), length(), *quality(), writer(folder / "filtered"))
        dedup(folder / "filtered", folder / "chain")

    seconds["chain"] = timed(chain)
    kept = {"length": folder / "length", "quality": folder / "quality", "near_duplicates": folder / "near" / "kept"}
    counts = {name: lines(path) for name, path in {**kept, "chain": folder / "chain" / "kept"}.items()}
    print(json.dumps({"seconds": seconds, "kept": counts}))


if __name__ == "__main__":
    main()
