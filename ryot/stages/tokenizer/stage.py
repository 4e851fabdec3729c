"""The node `tokenizer`: a byte-level BPE trained to exactly the model's vocabulary, or one that was taken, and the token shards."""

from collections.abc import Iterable
from typing import Annotated, Literal

from ryot.plugins import Circumstance, Facts, Measure, Node, Resources, Spec, SpecError, Stage, StageConfig
from ryot.stages.filter.stage import last_documents


class TakenTokenizer(StageConfig):
    """A tokenizer from a local file or folder, known by its digest and not by where it lies."""

    digest: str
    written: Annotated[str, Circumstance]
    """The path as the spec writes it."""
    path: Annotated[str, Circumstance]
    """Where it lies."""


class Config(StageConfig):
    """What the vocabulary is made by, and in which order documents are taken. `context` is the longest piece of a document."""

    vocab_size: int
    min_frequency: int = 2
    context: int
    taken: TakenTokenizer | None = None
    fast: Annotated[bool, Circumstance] = True
    """Whether the fast path may encode, where a probe proves it: the tokens are the same."""
    long: Literal["split", "cut"] = "split"
    seed: int = 42
    weights: tuple[float, ...] = ()
    tokens: int | None = None
    max_epochs: float | None = None
    sources: Annotated[tuple[str, ...], Circumstance] = ()
    """The names of the sources, for what is said of them."""
    workers: Annotated[int, Circumstance] = 0
    ray: Annotated[str | None, Circumstance] = None


MIXED = (Measure(name="epochs", kind="exact", about="how often the most repeated source is gone through"),)


class TokenizerStage(Stage):
    """Trains or takes the tokenizer, encodes all splits, and reports how long the documents are against the context."""

    name = "tokenizer"
    version = 3
    Config = Config
    takes = "documents"
    gives = "tokens"
    measures = (
        Measure(name="tokens", kind="exact", unit="tokens", about="tokens of all splits, each document's end included"),
        Measure(name="mean_tokens", kind="mean", unit="tokens", about="length of a document, its end included"),
        Measure(name="over_context", kind="count", about="documents longer than the context, in pieces or cut, of all", sample="document"),
        Measure(name="vocab_size", kind="exact", about="entries in the vocabulary"),
        Measure(name="reserved", kind="exact", about="entries that fill the vocabulary where the text gave too few merges"),
    )
    resources = Resources(cpus=0)
    work = "ryot.stages.tokenizer.work:run"

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """The one node `tokenizer`."""
        data = spec.data
        weights = tuple(float(source.weight) for source in data.sources if source.weight is not None)
        config = Config(
            vocab_size=spec.model.vocab_size,
            min_frequency=data.tokenizer.min_frequency,
            context=spec.model.context,
            taken=None if data.tokenizer.path is None else _taken(data.tokenizer.path, facts),
            fast=data.tokenizer.fast,
            long=data.tokenizer.long,
            seed=data.seed,
            weights=weights,
            tokens=data.tokens if weights else None,
            max_epochs=data.max_epochs if weights else None,
            sources=data.names if weights else (),
            workers=data.workers or 0,
            ray=data.ray,
        )
        inputs = {"documents": last_documents(spec)}
        yield Node("tokenizer", self.name, config, inputs, resources=self.resources, measures=self.measures + (MIXED if weights else ()))


def _taken(path: str, facts: Facts) -> TakenTokenizer:
    if path not in facts.digests:
        raise SpecError(f"data.tokenizer names {path}, which is not there", hint="paths are relative to the spec's folder")
    return TakenTokenizer(digest=facts.digests[path], written=path, path=facts.paths.get(path, path))
