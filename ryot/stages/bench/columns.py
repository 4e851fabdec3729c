"""Raw samples as columns of a Parquet file, exactly as they were taken, and back. Its own module, because pyarrow is slow to import.

Any reader of Parquet takes it (pandas, DuckDB, Polars); docs/samples.md tells what is in it. Times are seconds of one clock, kept as they
were read, to the nanosecond: what is reckoned from the file is what was reckoned from the samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from ryot.plugins import NodeError
from ryot.stages.bench.orders import Orders
from ryot.stages.bench.samples import Sample
from ryot.stages.bench.stage import BenchConfig

FILE = "requests.parquet"
SCHEMA = "ryot.requests/1"
"""Under this name in the file's metadata (`ryot.schema`); another one where a column changes what it means."""
_NS = 1e9


def _column(name: str, kind: Any, unit: str, about: str) -> Any:
    return pa.field(name, kind, metadata={"unit": unit, "about": about})


COLUMNS = pa.schema(
    [
        _column("number", pa.int64(), "", "the request, from 0, in the order in which they were to be made; of a warm-up there is none"),
        _column("generator", pa.int16(), "", "the process that made it, from 0"),
        _column("step", pa.int16(), "", "the step of a ramp in which it was to start, from 1; null where there is no ramp"),
        _column("side", pa.string(), "", "what it was asked of, where sides take turns (before, after, 2 replicas); else null"),
        _column("round", pa.int16(), "", "the round of turns, of which 0 does not count; null where there are no turns"),
        _column("intended_s", pa.float64(), "s", "when it was to start, from the first that was to"),
        _column("sent_s", pa.float64(), "s", "when it was sent"),
        _column("first_s", pa.float64(), "s", "when the first chunk of a stream was there; null where none came, or nothing was streamed"),
        _column("end_s", pa.float64(), "s", "when all of the answer was there, or what went wrong was known"),
        _column("gaps_s", pa.list_(pa.float64()), "s", "from each chunk of a stream to the next; null where first_s is"),
        _column("prompt_tokens", pa.int32(), "tokens", "asked with it, in all of its prompts"),
        _column("output_tokens", pa.int32(), "tokens", "generated for all of its prompts, as the server counts; 0 where it failed"),
        _column("error", pa.string(), "", "why it failed (timeout, HTTP 503, ...); null where the answer was right and in time"),
    ]
)
_TIMES = ("intended_s", "sent_s", "first_s", "end_s", "gaps_s.list.element")
_ENCODED = {"number": "DELTA_BINARY_PACKED"} | dict.fromkeys(_TIMES, "BYTE_STREAM_SPLIT")
_LISTED = ["generator", "step", "side", "round", "prompt_tokens", "output_tokens", "error"]
"""Columns of few values."""


def of_load(config: BenchConfig, orders: Orders, samples: Sequence[Sample]) -> bytes:
    """The samples of one load as a file."""
    numbers, arrivals = [sample.number for sample in samples], config.arrivals
    last = len(arrivals.ramp) if arrivals else 0
    return packed(
        samples,
        config,
        generator=[number % orders.workers for number in numbers],
        step=[min(arrivals.step_of(number) + 1, last) if arrivals and last else None for number in numbers],
        prompt_tokens=[orders.batch * orders.lengths(orders.warmup + number)[0] for number in numbers],
    )


def packed(samples: Sequence[Sample], config: BenchConfig, **beside: Iterable[Any]) -> bytes:
    """Samples as a file. `beside` are columns that a sample does not tell of itself, one value for each; what is not given is null. The
    file's metadata say what its percentiles need: how long a request that failed counts."""
    told = {
        "number": [sample.number for sample in samples],
        "intended_s": [sample.intended_s for sample in samples],
        "sent_s": [sample.sent_s for sample in samples],
        "first_s": [sample.chunks_s[0] if sample.chunks_s else None for sample in samples],
        "end_s": [sample.end_s for sample in samples],
        "gaps_s": [sample.gaps_s if sample.chunks_s else None for sample in samples],
        "output_tokens": [sample.tokens for sample in samples],
        "error": [sample.error or None for sample in samples],
    } | {name: list(values) for name, values in beside.items()}
    metadata = {"ryot.schema": SCHEMA, "ryot.scenario": config.scenario, "ryot.timeout_s": str(config.timeout)}
    nothing = [None] * len(samples)
    table = pa.table([pa.array(told.get(field.name, nothing), field.type) for field in COLUMNS], schema=COLUMNS.with_metadata(metadata))
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd", use_dictionary=_LISTED, column_encoding=_ENCODED, write_page_checksum=True)
    return bytes(sink.getvalue())


def read(path: Path) -> list[Sample]:
    """The samples, as they were before they were packed. Raises NodeError for a file that is cut short, damaged or no such file."""
    return [
        Sample(row["number"], row["intended_s"], row["end_s"], row["output_tokens"], row["error"] or "", row["sent_s"], _chunks_s(row))
        for row in _rows(path)
    ]


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise NodeError(f"the samples in {path.name} cannot be read: {why}", hint="apply again: the load is made anew") from None
    found = (table.schema.metadata or {}).get(b"ryot.schema", b"").decode(errors="replace")
    if found != SCHEMA:
        raise NodeError(f"{path.name} is no file of samples that this ryot reads: {found or 'it has no ryot.schema'}")
    if not table.schema.equals(COLUMNS):
        raise NodeError(f"the samples in {path.name} cannot be read: it has other columns than {SCHEMA}")
    return list(table.to_pylist())


def _chunks_s(row: Mapping[str, Any]) -> tuple[float, ...]:
    """When each chunk was there. Times are whole nanoseconds, so that sums of gaps are exact."""
    if row["first_s"] is None:
        return ()
    return tuple(moment / _NS for moment in accumulate(round(part_s * _NS) for part_s in (row["first_s"], *row["gaps_s"])))
