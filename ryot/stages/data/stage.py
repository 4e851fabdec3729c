"""The node `data`: documents from templates, local files or the hub, split into training, held-out and test ones, in shards.

What a document is and where it goes depends on its text alone, never on the order in which sources gave it.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from ryot.plugins import Circumstance, Facts, Measure, Node, Resources, Spec, SpecError, Stage, StageConfig
from ryot.stages.filter.stage import last_documents
from ryot.stages.forms import form_of

MAX_LINE = 16 * 2**20
"""What `data.max_line` is by default, in bytes."""


class Noted(StageConfig):
    """What the spec notes of a source. It changes no document: documents.json repeats what was noted when they were read."""

    licence: Annotated[str | None, Circumstance] = None
    weight: Annotated[float | None, Circumstance] = None


class GeneratorSource(Noted):
    """Documents made from templates. An empty tuple means all there are."""

    kind: Literal["generate"] = "generate"
    examples: int
    domains: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    difficulties: tuple[str, ...] = ()
    composition: dict[str, float] = {"base": 1.0}
    """The share of each kind of example."""
    files: bool = False
    """Whether the examples are also written as a text file a domain."""


class FileSource(Noted):
    """Documents read from a local file or folder, known by its digest and not by where it lies."""

    kind: Literal["file"] = "file"
    digest: str
    form: str = ""
    """How it is read, as its name says; empty for a folder, whose digest holds the names."""
    written: Annotated[str, Circumstance]
    """The path as the spec writes it."""
    path: Annotated[str, Circumstance]
    """Where it lies."""
    text_field: str | None = None
    max_documents: int | None = None


class HubSource(Noted):
    """Documents streamed from the Hugging Face hub."""

    kind: Literal["hub"] = "hub"
    dataset: str
    revision: str | None = None
    split: str = "train"
    text_field: str | None = None
    max_documents: int | None = None


Source = GeneratorSource | FileSource | HubSource


class Config(StageConfig):
    """What the documents of one node are made of."""

    sources: tuple[Source, ...]
    held_out: float = 0.05
    test: float = 0.0
    seed: int = 42
    max_bad_lines: float = 0.01
    allow_damaged: bool = False
    max_line: int = MAX_LINE
    shard_bytes: int = 32 * 2**20
    """Files are read in parts of this size, and a shard holds at most about so much text."""
    workers: Annotated[int | None, Circumstance] = None
    ray: Annotated[str | None, Circumstance] = None


COUNTED = (
    Measure(name="examples", kind="exact", about="documents kept, of all splits"),
    Measure(name="bytes", kind="exact", unit="bytes", about="bytes of the texts kept"),
    Measure(name="heldout", kind="exact", about="documents held out for evaluation"),
    Measure(name="test", kind="exact", about="documents put aside as the test split"),
    Measure(name="duplicates", kind="count", about="exact copies dropped, of the documents read", sample="document"),
    Measure(name="broken", kind="count", about="records that could not be read, of all records", sample="record"),
)
GENERATED = (
    Measure(name="generated", kind="exact", about="documents made from templates"),
    Measure(name="cells", kind="exact", about="domain x reasoning x difficulty cells with at least one document"),
    Measure(name="wrong_answers", kind="count", about="generated answers refused by the independent check, of all", sample="answer"),
)


class DataStage(Stage):
    """Reads every source, drops copies, holds some documents out, and counts what it could not read."""

    name = "data"
    version = 3
    Config = Config
    gives = "documents"
    measures = COUNTED
    resources = Resources(cpus=0)
    preview = "ryot.stages.data.preview:preview"
    work = "ryot.stages.data.work:run"

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """The one node `data`. Raises SpecError for a local path that is not there."""
        data = spec.data
        sources = tuple(_source(source, facts) for source in data.sources)
        taken_over = data.model_dump(include={"held_out", "test", "seed", "max_bad_lines", "allow_damaged", "max_line", "workers", "ray"})
        config = Config(sources=sources, **taken_over)
        made = generated_of(spec)
        taken = {"wrong_answers": made} if made else {}
        yield Node("data", self.name, config, resources=self.resources, measures=measures_of(config), samples=taken)


def generated_of(spec: Spec) -> int:
    """Documents that the generator makes for a spec; each has a question of its own, so none is dropped as a copy."""
    return sum(source.makes or 0 for source in spec.data.sources)


def heldout_of(spec: Spec) -> int | None:
    """About how many documents will be held out; None where other sources than the generator, or filters, decide it.

    The expected number: each document is held out or not by its own digest.
    """
    if any(source.generate is None for source in spec.data.sources) or last_documents(spec) != "data":
        return None
    return round(generated_of(spec) * spec.data.held_out)


def measures_of(config: Config) -> tuple[Measure, ...]:
    """What a node with this Config finds out; the generator's measures only where it is a source."""
    generates = any(isinstance(source, GeneratorSource) for source in config.sources)
    return COUNTED + (GENERATED if generates else ())


def _source(source: Any, facts: Facts) -> Source:
    noted = {"licence": source.licence, "weight": source.weight}
    if (generate := source.generate) is not None:
        return GeneratorSource(
            examples=source.makes,
            domains=generate.domains,
            reasoning=generate.reasoning,
            difficulties=generate.difficulties,
            composition=generate.composition.model_dump(),
            files=generate.files,
            **noted,
        )
    common = {**noted, "text_field": source.text_field, "max_documents": source.max_documents}
    if (path := source.path) is not None:
        if path not in facts.digests:
            raise SpecError(f"data.sources names {path}, which is not there", hint="paths are relative to the spec's folder")
        there = facts.paths.get(path, path)
        return FileSource(digest=facts.digests[path], form=form_of(there), written=path, path=there, **common)
    return HubSource(dataset=source.hub, revision=source.revision, split=source.split, **common)
