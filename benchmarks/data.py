"""Measures what filters and deduplication get through a core, beside datatrove's same chain on the same documents, by turns.

Run it as `python benchmarks/data.py [--megabytes N] [--rounds N] [--peer-python PATH] [--json FILE] [FILE ...]`. Files are .txt, .jsonl or
what else a source may be; without any the text is made of the generator's words. The peer's Python is one that has
`datatrove[io,processing]` and spacy. Every step reads documents from disk and writes what it keeps; seconds are those of the CPU, on one
core. It fails where filters and deduplication together stay below 3 MB/s, or the chain that both have is not twice as fast as datatrove's.
Language and personal data are told apart: they are bound by py3langid and by regular expressions.

The rules of quality are the same, but datatrove's words are spaCy's, which parts punctuation from words, and ryot's lie between blanks:
where punctuation stands apart, as in WikiText, datatrove keeps fewer, and its deduplication has less to do.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from ryot.plugins import Document, Facts, Shard, Spec, digest_path, write_index, write_shard
from ryot.plugins.testing import run_stage
from ryot.stages.data.generator.generate import generate
from ryot.stages.data.sources import read_files
from ryot.stages.data.stage import FileSource, GeneratorSource
from ryot.stages.filter.stage import CLASSES, Config, FilterStage, measures_of

APART = ("language", "personal")
SHARED = ("length", "quality", "near_duplicates")
LEAST, TIMES = 3.0, 2.0
SHARD = 16 * 10**6
Seconds = dict[str, float]


def documents_of(files: Sequence[Path], size: int) -> Iterator[Document]:
    """Documents of about `size` bytes in all, or as many as there are, each text once."""
    seen, taken = set(), 0
    for document in _read(files, size):
        if document.id not in seen:
            seen.add(document.id)
            taken += len(document.text.encode())
            yield document
        if taken >= size:
            return


def _read(files: Sequence[Path], size: int) -> Iterator[Document]:
    if not files:
        yield from made(size)
    for path in files:
        field = "{question}\\n{answer}" if "gsm8k" in path.name else None
        source = FileSource(digest=digest_path(path), written=path.name, path=str(path), text_field=field)
        yield from (record for record in read_files(source) if isinstance(record, Document))


def made(size: int) -> Iterator[Document]:
    """Sentences of words drawn as often as the generator uses them: English to a classifier, and prose to the rules."""
    draw = random.Random(42)  # noqa: S311 - where to strike, no secret
    examples = generate(GeneratorSource(examples=2000), 42, lambda **_: None).documents
    words = [word for document in examples for word in document.text.split() if word.isalpha()]
    while size > 0:
        sentences = (" ".join(draw.choices(words, k=draw.randint(6, 25))) for _ in range(draw.randint(4, 20)))
        document = Document.of(" ".join(f"{sentence.capitalize()}." for sentence in sentences))
        size -= len(document.text)
        yield document


def write(documents: Iterable[Document], folder: Path) -> tuple[Path, Path, int]:
    """The same documents for both sides: a folder of ryot's, one of JSON lines; and their bytes."""
    ours, theirs = folder / "documents", folder / "lines"
    ours.mkdir()
    theirs.mkdir()
    held, shards, size = list(documents), [], 0
    begin = 0
    while begin < len(held):
        end, filled = begin, 0
        while end < len(held) and filled < SHARD:
            filled += len(held[end].text.encode())
            end += 1
        shards.append(write_shard(ours, Shard(f"train-{len(shards):05d}", "train", 0), held[begin:end]))
        size, begin = size + filled, end
    shards.append(write_shard(ours, Shard("heldout-00000", "heldout", 0), [Document.of("Nothing that a document here would hold.")]))
    write_index(ours, shards, {})
    with (theirs / "all.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": document.text, "id": document.id}, ensure_ascii=False) + "\n" for document in held)
    return ours, theirs, size


def spec_of(names: Sequence[str]) -> Spec:
    """A spec with these filters and their defaults."""
    sections = {"model": {"preset": "ryot-tiny"}, "train": {"batch_size": 1, "steps": 1}}
    data = {"sources": [{"generate": {}}], "filters": {name: {} for name in names}}
    return Spec.model_validate({"version": 1, "name": "speed", **sections, "data": data})


def filtered(source: Path, name: str, folder: Path) -> tuple[Path, float, int]:
    """One filter over a folder: what it left, its CPU seconds, and how many documents."""
    (node,) = FilterStage().expand(spec_of([name]), Facts("cpu"))
    assert isinstance(node.config, Config)
    config = node.config.model_copy(update={"workers": 1})
    began = time.process_time()
    with redirect_stdout(StringIO()):
        result = run_stage(FilterStage(), config, folder, inputs={"documents": source}, measures=measures_of(name))
    return result.out, time.process_time() - began, int(result.value("kept") or 0)


def ours_once(source: Path, folder: Path) -> tuple[Seconds, dict[str, int]]:
    """Each filter alone on all documents; then the two chains, each filter on what the one before it left."""
    seconds: Seconds = {}
    kept: dict[str, int] = {}
    for name in CLASSES:
        _, seconds[name], kept[name] = filtered(source, name, folder / name)
    for chain, names in (("chain", SHARED), ("filters and dedup", [name for name in CLASSES if name not in APART])):
        left, seconds[chain] = source, 0.0
        for name in names:
            left, took, kept[chain] = filtered(left, name, folder / chain / name)
            seconds[chain] += took
    return seconds, kept


def theirs_once(python: str, source: Path, folder: Path) -> tuple[Seconds, dict[str, int]]:
    """Datatrove's seconds and what it kept."""
    argv = [python, str(Path(__file__).with_name("data_peer.py")), str(source), str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the peer failed:\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return found["seconds"], found["kept"]


def pace(rounds: Sequence[Seconds], step: str, megabytes: float) -> tuple[float, float, float]:
    """MB/s of a core: the median over the rounds, the slowest, the fastest."""
    found = sorted(megabytes / seconds[step] for seconds in rounds)
    return statistics.median(found), found[0], found[-1]


def show(rows: Sequence[dict[str, object]]) -> None:
    """The table: median, and in brackets the slowest and fastest round."""
    print(f"{'MB/s a core':20} {'ryot':>24} {'kept':>8} {'datatrove':>24} {'kept':>8} {'times':>7}")
    for row in rows:
        cells = [f"{row['step']:20}"]
        for side in ("ryot", "datatrove"):
            found = row.get(side)
            cells.append(f"{'':33}" if found is None else f"{found[0]:8.2f} ({found[1]:6.2f}-{found[2]:6.2f}) {row[f'{side} kept']:8}")  # type: ignore[index]
        cells.append(f"{row['times']:7.1f}" if "times" in row else "")
        print(*cells)


def measure(arguments: argparse.Namespace, folder: Path) -> tuple[list[dict[str, object]], float]:
    """A row for each step, and the megabytes."""
    ours, theirs, size = write(documents_of(arguments.files, int(arguments.megabytes * 1e6)), folder)
    rounds: list[Seconds] = []
    peer_rounds: list[Seconds] = []
    kept: dict[str, int] = {}
    peer_kept: dict[str, int] = {}
    for number in range(arguments.rounds):
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            seconds, kept = ours_once(ours, Path(scratch))
            rounds.append(seconds)
        if arguments.peer_python:
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                seconds, peer_kept = theirs_once(arguments.peer_python, theirs, Path(scratch))
                peer_rounds.append(seconds)
        print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr)
    rows: list[dict[str, object]] = []
    for step in rounds[0]:
        row: dict[str, object] = {"step": step, "ryot": pace(rounds, step, size / 1e6), "ryot kept": kept[step]}
        if peer_rounds and step in peer_rounds[0]:
            row |= {"datatrove": pace(peer_rounds, step, size / 1e6), "datatrove kept": peer_kept[step]}
            row["times"] = statistics.median(their[step] / our[step] for our, their in zip(rounds, peer_rounds, strict=True))
        rows.append(row)
    return rows, size / 1e6


def main() -> int:
    """0 when both demands are met, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-python")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows, megabytes = measure(arguments, Path(folder))
    print(f"{megabytes:.2f} MB of {', '.join(path.name for path in arguments.files) or 'made text'}, {arguments.rounds} rounds")
    show(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps({"megabytes": megabytes, "rows": rows}, indent=1))
    by_step = {row["step"]: row for row in rows}
    speed, times = by_step["filters and dedup"]["ryot"][0], by_step["chain"].get("times")  # type: ignore[index]
    print(f"filters and dedup: {speed:.2f} MB/s a core, {LEAST:g} wanted")
    if times is not None:
        print(f"the chain: {times:.1f} x datatrove's, {TIMES:g} wanted")
    return 0 if speed >= LEAST and (times is None or times >= TIMES) else 1  # type: ignore[operator]


if __name__ == "__main__":
    sys.exit(main())
