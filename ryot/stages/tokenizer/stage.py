"""The node `tokenizer`: a byte-level BPE trained on the training split to exactly the model's vocabulary, and the token shards."""

from collections.abc import Iterable

from ryot.plugins import Facts, Measure, Node, Spec, Stage, StageConfig


class Config(StageConfig):
    """What the vocabulary is made by. `context` decides which documents count as truncated."""

    vocab_size: int
    min_frequency: int = 2
    context: int


class TokenizerStage(Stage):
    """Trains the tokenizer, encodes both splits, and reports how long the documents are against the context."""

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
        config = Config(vocab_size=spec.model.vocab_size, min_frequency=spec.data.tokenizer.min_frequency, context=spec.model.context)
        inputs = {"documents": "data"}
        yield Node(name="tokenizer", stage=self.name, config=config, inputs=inputs, resources=self.resources, measures=self.measures)
