"""`data`: where documents come from, what is held out, and the tokenizer."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from ryot.spec.filters import Filters
from ryot.spec.mixture import from_address, from_preset, refuse_gated
from ryot.spec.section import LocalPath, Section
from ryot.units import Bandwidth, Bytes, Count, Proportion

Domain = Literal[
    "mathematics", "physics", "chemistry", "biology", "computer science", "philosophy",
    "history", "literature", "economics", "psychology", "engineering", "medicine",
]  # fmt: skip
Reasoning = Literal[
    "deductive", "inductive", "abductive", "analogical", "causal", "probabilistic", "counterfactual", "meta"
]  # fmt: skip
Difficulty = Literal["elementary", "intermediate", "advanced", "expert"]


class Composition(Section):
    """The share of each kind of example, of all that are made. They sum to 1; a kind that is not named has none."""

    base: Proportion = 0
    """Drawn from a template as it is."""
    paraphrased: Proportion = 0
    """A base example told in other words, with the same numbers and names."""
    scaled: Proportion = 0
    """A base example of the next difficulty made from the same draw: a changed problem with a changed answer."""
    transferred: Proportion = 0
    """An example whose first step names a problem of another domain that is solved by the same formula."""
    adversarial: Proportion = 0
    """A base example with something that must not change its answer: an idle number or a wrong suggestion."""
    edge: Proportion = 0
    """Parameters at the ends of their ranges."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(sum(self.model_dump().values()) - 1) > 1e-6:
            raise ValueError(f"the shares sum to {sum(self.model_dump().values()):.6g}; they must sum to 1")
        return self


WANTED = Composition(
    base=38_400 / 96_400,
    paraphrased=25_000 / 96_400,
    scaled=15_000 / 96_400,
    transferred=10_000 / 96_400,
    adversarial=5_000 / 96_400,
    edge=3_000 / 96_400,
)
"""What is made where the spec names no composition: 38,400 base examples of 96,400, and so on."""


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
    composition: Composition = WANTED
    """The share of each kind of example; `{base: 100%}` for examples as the templates give them and no others."""
    files: bool = False
    """Write the examples as a text file a domain too, `generated/DOMAIN.txt` in the result of `data`."""


class Source(Section):
    """One source of documents: the generator, local files, or a data set of the Hugging Face hub."""

    generate: Generate | None = None
    """Make documents from templates."""
    path: LocalPath | None = None
    """A local file or folder, relative to the spec: .jsonl (one object a line; also .ndjson), .parquet (a row a document), .txt (a
    document a paragraph block); lines and text also as .gz or .zst."""
    text_field: str | None = None
    """The field or column that holds the text (default `text`); or a template such as `Q: {question}\\nA: {answer}`."""
    hub: str | None = Field(None, pattern=r"^(hf://)?(datasets/)?\w[\w.\-]*(/\w[\w.\-]*)?(:[\w.\-]+)?(@\w[\w.\-/]*)?$")
    """A Hugging Face data set, `owner/name`, `owner/name:config` or `hf://datasets/owner/name@revision`; needs the network."""
    revision: str | None = None
    """The hub revision to pin: a commit. Without one the newest is read, and the result says which it was."""
    preset: str | None = None
    """A known source of the hub: c4, pile, starcoder, books3, wikipedia, arxiv, openwebtext, stackexchange."""
    accept_terms: bool = False
    """The terms of a gated data set were accepted on its page on the hub, and HF_TOKEN is set where the data are read."""
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

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, fields: object) -> object:
        if not isinstance(fields, dict):
            return fields
        return from_address(fields if fields.get("preset") is None else from_preset(fields))

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.generate, self.path, self.hub)) != 1:
            raise ValueError("a source has exactly one of generate, path, hub and preset")
        if self.hub is None and (self.revision is not None or self.accept_terms):
            raise ValueError(f"{'revision' if self.revision is not None else 'accept_terms'} belongs to a hub source")
        if self.hub is not None:
            refuse_gated(self.hub, self.accept_terms)
        return self


class Tokenizer(Section):
    """A byte-level BPE, trained on the training split to the model's vocab_size; or any tokenizer, taken from a local file."""

    min_frequency: int = Field(2, ge=1)
    """Where it is trained: a pair seen less often is not merged."""
    path: LocalPath | None = None
    """The tokenizer to take instead: a tokenizer.json, or a checkpoint's folder that has one, relative to the spec."""
    fast: bool = True
    """Encode by the fast path where a probe proves that it gives the same tokens."""
    long: Literal["split", "cut"] = "split"
    """What becomes of a document longer than the model's context: it is trained on in pieces, or its end is left out."""


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
    keep: Proportion | None = Field(None, gt=0)
    """The share of the text that the filters keep; by default 70 % where there are filters, and all where there are none."""


class Data(Section):
    """Documents and tokens."""

    sources: tuple[Source, ...] = Field(min_length=1)
    """Where documents come from, in order."""
    held_out: Proportion = Field(0.05, gt=0, lt=0.9)
    """The share of documents kept for evaluation and never trained on, chosen by the digest of each document."""
    test: Proportion = Field(0.0, lt=0.9)
    """The share of documents put aside as a third split, chosen in the same way; nothing reads it until you do."""
    seed: int = Field(42, ge=0)
    """Seed of the generator and of the order of documents."""
    max_bad_lines: Proportion = 0.01
    """The share of broken records (bad JSON, wrong encoding, no text) tolerated; they are counted and named."""
    allow_damaged: bool = False
    """Take what can be read of a truncated or damaged archive or Parquet file. How much is lost is not known, and what is read may be
    wrong; by default the node fails."""
    max_line: Bytes = Field(16 * 2**20, ge=1024)
    """A line, a paragraph block or a row longer than this is a broken record."""
    workers: int | None = Field(None, ge=1)
    """Processes that read, filter and tokenise; none means one for each core. Changes no result."""
    ray: str | None = Field(None, min_length=1)
    """A Ray cluster that does this work instead: its address, or `auto`, or `local`. It has to see the same folders."""
    filters: Filters | None = None
    """What documents have to pass on their way to the tokenizer."""
    tokens: Count | None = Field(None, ge=1)
    """Tokens to train on in all, after the filters, where sources have weights; as many as there are, where none is given."""
    max_epochs: float | None = Field(None, gt=0)
    """How often a source may be repeated. Where `tokens` and the sources' own are known the plan refuses more; else the tokenizer fails,
    and without a limit here from 100 times on."""
    preparation: Preparation = Preparation()
    """What the plan of a large data set reckons with."""
    tokenizer: Tokenizer = Tokenizer()
    """How text becomes tokens."""

    @property
    def keep(self) -> float:
        """The share of the text that is left after the filters, as far as is known before they ran."""
        if self.preparation.keep is not None:
            return self.preparation.keep
        return 1.0 if self.filters is None or not self.filters.model_dump(exclude_none=True) else 0.7

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each source: its hub name or path, or `generated`; numbered from the second on where two are the same."""
        names: list[str] = []
        for source in self.sources:
            name = source.hub or source.path or "generated"
            again = sum(other.partition(" #")[0] == name for other in names)
            names.append(f"{name} #{again + 1}" if again else name)
        return tuple(names)

    @model_validator(mode="after")
    def _splits(self) -> Self:
        if self.held_out + self.test >= 1:
            raise ValueError(f"held_out and test take {self.held_out + self.test:.0%} of the documents; none is left to train on")
        return self

    @field_validator("sources", mode="after")
    @classmethod
    def _weights(cls, sources: tuple[Source, ...]) -> tuple[Source, ...]:
        weights = [source.weight for source in sources if source.weight is not None]
        if weights and len(weights) != len(sources):
            raise ValueError("either all sources have a weight or none has")
        if weights and abs(sum(weights) - 1) > 1e-6:
            raise ValueError(f"the sources' weights sum to {sum(weights):.6g}; they must sum to 1")
        return sources
