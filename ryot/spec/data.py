"""`data`: where documents come from, what is held out, and the tokenizer."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ryot.spec.section import LocalPath, Section
from ryot.units import Bandwidth, Count, Proportion

Domain = Literal[
    "mathematics", "physics", "chemistry", "biology", "computer science", "philosophy",
    "history", "literature", "economics", "psychology", "engineering", "medicine",
]  # fmt: skip
Reasoning = Literal[
    "deductive", "inductive", "abductive", "analogical", "causal", "probabilistic", "counterfactual", "meta"
]  # fmt: skip
Difficulty = Literal["elementary", "intermediate", "advanced", "expert"]


class Generate(Section):
    """Examples made from templates, each with an answer that was computed and checked."""

    examples: Count = Field(5000, ge=10, le=10_000_000)
    """How many unique examples to make."""
    domains: tuple[Domain, ...] = ()
    """The domains to draw from; none named means all there are."""
    reasoning: tuple[Reasoning, ...] = ()
    """The reasoning types to draw from; none named means all there are."""
    difficulties: tuple[Difficulty, ...] = ()
    """The difficulties to draw from; none named means all there are."""


class Source(Section):
    """One source of documents: the generator, or local files."""

    generate: Generate | None = None
    """Make documents from templates."""
    path: LocalPath | None = None
    """A local file or folder, relative to the spec: .jsonl (one object a line), .txt (a document a paragraph block)."""
    text_field: str | None = None
    """In JSON lines: the field that holds the text (default `text`); or a template such as `Q: {question}\\nA: {answer}`."""
    hub: str | None = Field(None, pattern=r"^[\w.\-]+(/[\w.\-]+)?(:[\w.\-]+)?$")
    """A Hugging Face data set, `owner/name` or `owner/name:config`; needs the network."""
    revision: str | None = None
    """The hub revision to pin: a commit."""
    split: str = "train"
    """The hub split to read."""
    max_documents: Count | None = Field(None, ge=1)
    """Stop after this many documents."""
    weight: Proportion | None = Field(None, gt=0)
    """The share of the tokens that come from this source. All sources give one, and they sum to 1; or none does."""
    tokens: Count | None = Field(None, ge=1)
    """How many tokens the source has, as far as is known. Plans count epochs and entropy with it."""
    licence: str | None = None
    """A note on the terms it may be used under."""
    entropy: Annotated[float, Field(ge=0)] | Literal["uniform"] | None = None
    """The least loss in nats per token that any model can reach on it, where that is known; `uniform` for random tokens: ln vocab_size."""

    @property
    def makes(self) -> int | None:
        """Documents that the generator makes for it; None for a source that is read."""
        return None if self.generate is None else min(self.generate.examples, self.max_documents or self.generate.examples)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.generate, self.path, self.hub)) != 1:
            raise ValueError("a source has exactly one of generate, path and hub")
        if self.hub is None and self.revision is not None:
            raise ValueError("revision belongs to a hub source")
        return self


class Tokenizer(Section):
    """A byte-level BPE, trained on the training split to the model's vocab_size; or any tokenizer, taken from a local file."""

    min_frequency: int = Field(2, ge=1)
    """Where it is trained: a pair seen less often is not merged."""
    path: LocalPath | None = None
    """The tokenizer to take instead: a tokenizer.json, or a checkpoint's folder that has one, relative to the spec."""
    fast: bool = True
    """Encode by the fast path where a probe proves that it gives the same tokens."""


class Preparation(Section):
    """What the plan of a large data set reckons with. Changes no result."""

    workers: int = Field(1, ge=1)
    """Processes that filter, deduplicate and tokenise."""
    bytes_per_token: float = Field(4.8, gt=0)
    """Text bytes to a token; about 4.8 for English and a vocabulary of 128,000, 4 for one of 32,000."""
    download: Bandwidth = 10e6
    """What all workers together download at."""
    filter: Bandwidth = 3e6
    """What one worker filters at."""
    dedup: Bandwidth = 10e6
    """What one worker finds near-duplicates at."""
    tokenize: Bandwidth = 1.4e6
    """What one worker tokenises at."""
    keep: Proportion = Field(0.7, gt=0)
    """The share of the text that the filters keep."""


class Data(Section):
    """Documents and tokens."""

    sources: tuple[Source, ...] = Field(min_length=1)
    """Where documents come from, in order."""
    held_out: Proportion = Field(0.05, gt=0, lt=0.9)
    """The share of documents kept for evaluation and never trained on, chosen by the digest of each document."""
    seed: int = Field(42, ge=0)
    """Seed of the generator and of the order of documents."""
    max_bad_lines: Proportion = 0.01
    """The share of broken records (bad JSON, wrong encoding, no text) tolerated; they are counted and named."""
    tokens: Count | None = Field(None, ge=1)
    """Tokens to prepare in all, where sources have weights. Only plans use it."""
    max_epochs: float | None = Field(None, gt=0)
    """How often a source may be repeated; a plan that repeats one more often is refused."""
    preparation: Preparation = Preparation()
    """What the plan of a large data set reckons with."""
    tokenizer: Tokenizer = Tokenizer()
    """How text becomes tokens."""

    @model_validator(mode="after")
    def _weights(self) -> Self:
        weights = [source.weight for source in self.sources if source.weight is not None]
        if weights and len(weights) != len(self.sources):
            raise ValueError("either all sources have a weight or none has")
        if weights and abs(sum(weights) - 1) > 1e-6:
            raise ValueError(f"the sources' weights sum to {sum(weights):.6g}; they must sum to 1")
        return self
