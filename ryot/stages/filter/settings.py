"""The settings of each filter as its node's Config carries them: what data.filters says, with local files known by their digests."""

from typing import Annotated, Literal

from ryot.plugins import Circumstance, StageConfig


class LocalFile(StageConfig):
    """A local file or folder, known by its digest and not by where it lies."""

    digest: str
    written: Annotated[str, Circumstance]
    """The path as the spec writes it."""
    path: Annotated[str, Circumstance]
    """Where it lies."""


class EvaluationFile(LocalFile):
    """A local file or folder of texts that the model is evaluated on."""

    form: str
    """How it is read, as its name says; empty for a folder, whose digest holds the names."""


class Normalise(StageConfig):
    """One form: Unicode, line ends, blanks."""

    kind: Literal["normalise"] = "normalise"
    nfc: bool
    controls: bool
    line_ends: bool
    trailing_blanks: bool
    blank_lines: bool


class Length(StageConfig):
    """Characters, at least and at most."""

    kind: Literal["length"] = "length"
    min: int
    max: int


class Language(StageConfig):
    """The languages to keep, and the probability above which they count as recognised in the first `characters`."""

    kind: Literal["language"] = "language"
    keep: tuple[str, ...]
    confidence: float
    characters: int
    model: LocalFile | None = None


class Quality(StageConfig):
    """The rules of Gopher and C4 that are left out."""

    kind: Literal["quality"] = "quality"
    without: tuple[str, ...]


class Score(StageConfig):
    """The share of the training documents to drop."""

    kind: Literal["score"] = "score"
    drop_lowest: float


class Profanity(StageConfig):
    """How much of a text may be on the list; `words` is a list that replaces the built-in one."""

    kind: Literal["profanity"] = "profanity"
    max_share: float | None
    max_words: int | None
    words: LocalFile | None = None


class PersonalData(StageConfig):
    """What to look for and what to do about it."""

    kind: Literal["personal"] = "personal"
    kinds: tuple[str, ...]
    action: Literal["mask", "drop"]


class NearDuplicates(StageConfig):
    """The similarity from which a pair counts, the words of a shingle, the seed of the hashes."""

    kind: Literal["near_duplicates"] = "near_duplicates"
    threshold: float
    shingle: int
    seed: int


class Contamination(StageConfig):
    """What must not be in the training documents, in runs of so many words. `normalise` and `personal` are the settings of those
    filters, where they are on: evaluation texts are looked for as they would be left by them, too."""

    kind: Literal["contamination"] = "contamination"
    against: tuple[EvaluationFile, ...]
    held_out: bool
    words: int
    coverage: float
    normalise: Normalise | None = None
    personal: PersonalData | None = None


Settings = Normalise | Length | Language | Quality | Score | Profanity | PersonalData | NearDuplicates | Contamination
CLASSES: dict[str, type[Settings]] = {
    "normalise": Normalise,
    "length": Length,
    "language": Language,
    "quality": Quality,
    "score": Score,
    "profanity": Profanity,
    "personal": PersonalData,
    "near_duplicates": NearDuplicates,
    "contamination": Contamination,
}
"""By their names in data.filters, in the order in which they run."""
