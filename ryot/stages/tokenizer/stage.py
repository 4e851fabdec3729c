"""The node `tokenizer`: a byte-level BPE trained on the training split to exactly the model's vocabulary, and the token shards."""

from collections.abc import Iterable
from typing import Annotated, Literal

from ryot.plugins import Circumstance, Facts, Measure, Node, Resources, Spec, Stage, StageConfig


class Config(StageConfig):
    """What the vocabulary is made by, and in which order documents are taken. `context` is the longest piece of a document."""

    vocab_size: int
    min_frequency: int = 2
    context: int
    long: Literal["split", "cut"] = "split"
    seed: int = 42
    weights: tuple[float, ...] = ()
    tokens: int | None = None
    max_epochs: float | None = None
    workers: Annotated[int, Circumstance] = 0
    ray: Annotated[str | None, Circumstance] = None


def last_documents(spec: Spec) -> str:
    """The node that gives the documents to be trained on."""
    return "data"


MIXED = (Measure(name="epochs", kind="exact", about="how often the most repeated source is gone through"),)


class TokenizerStage(Stage):
    """Trains the tokenizer, encodes both splits, and reports how long the documents are against the context."""

    name = "tokenizer"
    version = 2
    Config = Config
    takes = "documents"
    gives = "tokens"
    measures = (
        Measure(name="tokens", kind="exact", unit="tokens", about="tokens of both splits, each document's end included"),
        Measure(name="mean_tokens", kind="mean", unit="tokens", about="length of a document, its end included"),
        Measure(name="truncated", kind="count", about="documents longer than the context, of all", sample="document"),
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
            long=data.tokenizer.long,
            seed=data.seed,
            weights=weights,
            tokens=data.tokens if weights else None,
            max_epochs=data.max_epochs if weights else None,
            workers=data.workers or 0,
            ray=data.ray,
        )
        inputs = {"documents": last_documents(spec)}
        yield Node("tokenizer", self.name, config, inputs, resources=self.resources, measures=self.measures + (MIXED if weights else ()))
