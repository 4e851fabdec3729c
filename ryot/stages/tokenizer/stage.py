"""The node `tokenizer`: a byte-level BPE trained to exactly the model's vocabulary, or one that was taken, and the token shards."""

from collections.abc import Iterable
from typing import Annotated

from ryot.plugins import Circumstance, Facts, Measure, Node, Spec, SpecError, Stage, StageConfig


class TakenTokenizer(StageConfig):
    """A tokenizer from a local file or folder, known by its digest and not by where it lies."""

    digest: str
    written: Annotated[str, Circumstance]
    """The path as the spec writes it."""
    path: Annotated[str, Circumstance]
    """Where it lies."""


class Config(StageConfig):
    """What the vocabulary is made by. `context` decides which documents count as truncated."""

    vocab_size: int
    min_frequency: int = 2
    context: int
    taken: TakenTokenizer | None = None
    fast: Annotated[bool, Circumstance] = True
    """Whether the fast path may encode, where a probe proves it: the tokens are the same."""


class TokenizerStage(Stage):
    """Trains or takes the tokenizer, encodes both splits, and reports how long the documents are against the context."""

    name = "tokenizer"
    version = 1
    Config = Config
    takes = "documents"
    gives = "tokens"
    measures = (
        Measure(name="tokens", kind="exact", unit="tokens", about="tokens of both splits, each document's end included"),
        Measure(name="mean_tokens", kind="mean", unit="tokens", about="length of a document, its end included"),
        Measure(name="truncated", kind="count", about="documents longer than the context, of all"),
        Measure(name="vocab_size", kind="exact", about="entries in the vocabulary"),
        Measure(name="reserved", kind="exact", about="entries that fill the vocabulary where the text gave too few merges"),
    )
    work = "ryot.stages.tokenizer.work:run"

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """The one node `tokenizer`."""
        tokenizer = spec.data.tokenizer
        config = Config(
            vocab_size=spec.model.vocab_size,
            min_frequency=tokenizer.min_frequency,
            context=spec.model.context,
            taken=None if tokenizer.path is None else _taken(tokenizer.path, facts),
            fast=tokenizer.fast,
        )
        inputs = {"documents": "data"}
        yield Node(name="tokenizer", stage=self.name, config=config, inputs=inputs, resources=self.resources, measures=self.measures)


def _taken(path: str, facts: Facts) -> TakenTokenizer:
    if path not in facts.digests:
        raise SpecError(f"data.tokenizer names {path}, which is not there", hint="paths are relative to the spec's folder")
    return TakenTokenizer(digest=facts.digests[path], written=path, path=facts.paths.get(path, path))
