"""Reading a Hugging Face hub data set as a stream. Its own module, because `datasets` is slow to import and seldom needed."""

from collections.abc import Iterable, Iterator
from typing import Any

import datasets
import httpx

from ryot.plugins import NodeError
from ryot.stages.data.records import Broken, Document, text_of
from ryot.stages.data.sources import Record, first
from ryot.stages.data.stage import HubSource

_HINT = "the hub needs the network (HF_ENDPOINT, HF_HOME and proxies are respected); offline, give local files with `path:`"


def read_hub(source: HubSource) -> Iterator[Record]:
    """The records of a hub data set, streamed. Raises NodeError when the hub or the data set cannot be reached or read."""
    name, _, config = source.dataset.partition(":")
    try:
        rows: Any = datasets.load_dataset(name, config or None, split=source.split, revision=source.revision, streaming=True)
        yield from first(_records(rows, source), source.max_documents)
    except (OSError, ValueError, RuntimeError, httpx.HTTPError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise NodeError(f"cannot read {source.dataset} from the hub: {said}", hint=_HINT) from error


def _records(rows: Iterable[object], source: HubSource) -> Iterator[Record]:
    for number, row in enumerate(rows, start=1):
        try:
            yield Document(text_of(row, source.text_field))
        except ValueError as error:
            yield Broken(source.dataset, number, str(error))
