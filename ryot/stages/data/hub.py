"""Reading a Hugging Face hub data set as a stream. Its own module, because `datasets` is slow to import and seldom needed."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import datasets
import httpx2
from huggingface_hub import HfApi

from ryot.plugins import Document, NodeError
from ryot.stages.data.records import Broken, Record, text_of
from ryot.stages.data.sources import first
from ryot.stages.data.stage import MAX_LINE, HubSource

_HINT = "the hub needs the network (HF_ENDPOINT, HF_HOME and proxies are respected); offline, give local files with `path:`"
_GATED = "accept its terms on its page on the hub and set HF_TOKEN to a token of that account"


def pin(source: HubSource) -> tuple[str | None, int, int]:
    """The commit that is read, in how many shards the data lie, and about how many bytes they are (0 where that is not known).

    A revision that is none, or a branch, becomes the commit it stands for now. A local folder by that name has no commit.
    """
    with _failures(source):
        name = _name(source)
        revision = source.revision if Path(name).is_dir() else HfApi().dataset_info(name, revision=source.revision).sha
        rows = _rows(source.dataset, source.split, revision)
        size = rows.info.download_size or rows.info.dataset_size or 0
        return revision, rows.num_shards, size


def read_hub(source: HubSource, shard: int | None = None, max_line: int = MAX_LINE) -> Iterator[Record]:
    """The records of a hub data set, streamed, or of one shard of it. Raises NodeError when it cannot be reached or read."""
    with _failures(source):
        rows = _rows(source.dataset, source.split, source.revision)
        label = source.dataset
        if shard is not None:
            rows, label = rows.shard(num_shards=rows.num_shards, index=shard), f"{label}#{shard}"
        yield from first(_records(rows, label, source.text_field, max_line), source.max_documents)


@contextmanager
def _failures(source: HubSource) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, RuntimeError, httpx2.HTTPError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        gated = any(word in str(error).lower() for word in ("gated", "401 client error", "403 client error"))
        raise NodeError(f"cannot read {source.dataset} from the hub: {said}", hint=_GATED if gated else _HINT) from error


@cache
def _rows(dataset: str, split: str, revision: str | None) -> Any:
    name, _, config = dataset.partition(":")
    return datasets.load_dataset(name, config or None, split=split, revision=revision, streaming=True)


def _name(source: HubSource) -> str:
    return source.dataset.partition(":")[0]


def _records(rows: Iterable[object], label: str, text_field: str | None, max_line: int) -> Iterator[Record]:
    for number, row in enumerate(rows, start=1):
        try:
            text = text_of(row, text_field)
            if len(text) > max_line:
                raise ValueError(f"longer than {max_line:,}, which is data.max_line")
            yield Document.of(text)
        except ValueError as error:
            yield Broken(label, number, str(error))
