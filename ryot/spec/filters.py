"""`data.filters`: what documents have to pass on their way to the tokenizer, in the order of the fields here."""

from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from ryot.spec.section import LocalPath, Section
from ryot.units import Count, Proportion

Rule = Literal[
    "gopher_words", "gopher_word_length", "gopher_symbols", "gopher_bullets", "gopher_ellipsis_lines", "gopher_letters",
    "gopher_stop_words", "gopher_repeated_lines", "gopher_repeated_paragraphs", "gopher_top_ngram", "gopher_repeated_ngrams",
    "c4_line_end", "c4_line_words", "c4_long_words", "c4_javascript", "c4_policy", "c4_citations", "c4_lorem_ipsum", "c4_curly_bracket",
    "c4_sentences",
]  # fmt: skip
Personal = Literal["email", "phone", "card", "iban", "ip", "ssn", "secret"]


LANGUAGES = tuple(
    (  # noqa: SIM905
        "ace af am an ar ary arz as az ba bcl be bg bn br bs ca crh cs cy da de dz el en eo es et eu ext fa fi fo fr fuv fy ga "
        "gcf gcr gd gl gom grc gu gug guw ha hbo he hi hr ht hu hy id ig is it ja jv ka kab kik kk km kn ko ku ky la lb lg lij "
        "ln lo lt ltg lv mg mk ml mn mr ms mt my ne nl nn no nso oc om or pa pcm pl ps pt qu ro ru rw sa sdh se si sk sl sn so "
        "sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz uzs vec vi vo wa wuu xh yo yue zh zu zxx "
    ).split()
)
"""What py3langid tells apart, by its own codes."""
NAMED = {
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "italian": "it", "portuguese": "pt", "dutch": "nl", "russian": "ru",
    "chinese": "zh", "japanese": "ja", "korean": "ko", "arabic": "ar", "hindi": "hi", "turkish": "tr", "polish": "pl", "swedish": "sv",
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "spa": "es",
}  # fmt: skip
"""Languages as one may write them instead."""


class Normalise(Section):
    """Brings the text into one form. Drops only what is empty afterwards."""

    nfc: bool = True
    """Compose characters: Unicode's NFC."""
    controls: bool = True
    """Take out control characters; tabs and line ends stay."""
    line_ends: bool = True
    """Make every line end a line feed."""
    trailing_blanks: bool = True
    """Take out blanks at the ends of lines and of the text."""
    blank_lines: bool = True
    """Make one blank line of several."""


class Length(Section):
    """Keeps texts of a fit length."""

    min: Count = Field(100, ge=0)
    """Shorter texts are dropped; in characters."""
    max: Count = Field(1_000_000, ge=1)
    """Longer texts are dropped; in characters."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min is {self.min} and max is {self.max}: no text is so long")
        return self


class Language(Section):
    """Keeps texts in given languages, recognised by py3langid, or by a fastText model."""

    keep: tuple[str, ...] = Field(("en",), min_length=1)
    """The languages to keep, by their ISO 639-1 codes."""
    confidence: Proportion = Field(0.9, gt=0, lt=1)
    """A text is dropped unless its language is recognised with more than this probability."""
    characters: Count = Field(2000, ge=50)
    """Only so many characters from the start of a text are looked at, for speed."""
    model: LocalPath | None = None
    """A fastText model file (lid.176.bin) to use instead of py3langid; needs the package fasttext."""

    @field_validator("keep", mode="after")
    @classmethod
    def _in_small_letters(cls, keep: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(language.strip().lower() for language in keep)

    @model_validator(mode="after")
    def _known(self) -> Self:
        unknown = [language for language in self.keep if language not in LANGUAGES] if self.model is None else []
        if unknown:
            meant = f"did you mean {NAMED[unknown[0]]}? " if unknown[0] in NAMED else ""
            raise ValueError(f"py3langid does not know {', '.join(unknown)}; {meant}it knows {' '.join(LANGUAGES)}")
        return self


class Quality(Section):
    """Rules of Gopher (Rae et al. 2021, arXiv 2112.11446, section A.1.1) and of C4 (Raffel et al. 2020, arXiv 1910.10683, section 2.2),
    with the thresholds published there."""

    without: tuple[Rule, ...] = ()
    """Rules to leave out. The rules c4_line_*, c4_long_words, c4_javascript, c4_policy and c4_citations change lines, others drop texts."""


class Score(Section):
    """Drops the texts of the lowest quality score. The score, 0 to 1, is the mean of seven features that ryot computes from the words."""

    drop_lowest: Proportion = Field(0.3, gt=0, lt=1)
    """The share of the training documents to drop. The threshold that it gives holds for the other splits too."""


class Profanity(Section):
    """Drops texts with more words from a list than allowed."""

    max_share: Proportion | None = 0.005
    """The most words of a text that may be on the list, as a share of its words; null for any."""
    max_words: int | None = Field(None, ge=0)
    """The most words of a text that may be on the list; null for any number."""
    words: LocalPath | None = None
    """A list of your own instead, one word a line; it may be in any language."""

    @model_validator(mode="after")
    def _some_bound(self) -> Self:
        if self.max_share is None and self.max_words is None:
            raise ValueError("give max_share or max_words; without both nothing is dropped")
        return self


class PersonalData(Section):
    """Finds what points to a person, and credentials."""

    kinds: tuple[Personal, ...] = Field(("email", "phone", "card", "iban", "ip", "ssn", "secret"), min_length=1)
    """What to look for: e-mail addresses, phone numbers (international, with a calling code that is assigned, and US forms), card numbers
    (by their networks' ranges and Luhn's check), IBANs (by their country's length and check digits), IPv4 and IPv6 addresses, US social
    security numbers, and keys and tokens. US numbers of blanks alone count after a word such as `call`, or on their own."""
    action: Literal["mask", "drop"] = "mask"
    """mask: put `<EMAIL>` and the like in their place · drop: drop the text."""


class NearDuplicates(Section):
    """Keeps the first of texts that are nearly the same, over all sources and splits. Test and held-out texts come first: of a held-out
    and a training document that are near-duplicates the training one is dropped, so that none of what is held out is trained on."""

    threshold: Proportion = Field(0.8, ge=0.3, le=1)
    """The Jaccard similarity of the two sets of shingles from which a pair counts. Candidates come from MinHash; each is verified."""
    shingle: int = Field(5, ge=1, le=50)
    """Length of a shingle in words, without case and punctuation; a shorter text is one shingle."""
    seed: int = Field(42, ge=0)
    """Seed of the hash functions."""


class Contamination(Section):
    """Drops training documents that share runs of words with what the model is evaluated on (Brown et al. 2020, arXiv 2005.14165,
    appendix C): the files named here, `evaluate.text`, `evaluate.data`, and the held-out and test splits. The items of lm-eval's own
    benchmarks that come from the hub are not here beforehand; they are found only in files of them that are named."""

    against: tuple[LocalPath, ...] = ()
    """Evaluation files beside those of `evaluate`: .txt; .jsonl or .parquet, of which every string is looked at; lines and text also as .gz
    or .zst; or folders of such files."""
    held_out: bool = True
    """Look for the held-out and test splits too."""
    words: int = Field(13, ge=3, le=100)
    """Length of the runs, in words without case and punctuation. Evaluation texts that are shorter are not looked for."""
    coverage: Proportion = 0.0
    """A document is dropped when this share of its runs or more is found; 0 means a single one is enough."""


def _schema_of_switches(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field["anyOf"].append({"const": False})


class Filters(Section):
    """The filters of the documents. Those that are written here run, in this order, whatever the order they are written in: `length: {}`
    is one with its defaults, `length: false` switches it off. Each is a node of its own, `filter.NAME`."""

    model_config = ConfigDict(json_schema_extra=_schema_of_switches)

    normalise: Normalise | None = None
    """One form: Unicode, line ends, blanks."""
    length: Length | None = None
    """Neither too short nor too long."""
    language: Language | None = None
    """In the languages wanted."""
    quality: Quality | None = None
    """The rules of Gopher and C4."""
    score: Score | None = None
    """Not among the worst by a score."""
    profanity: Profanity | None = None
    """Not full of swear words."""
    personal: PersonalData | None = None
    """Without personal data."""
    near_duplicates: NearDuplicates | None = None
    """Said only once."""
    contamination: Contamination | None = None
    """Not what the model is evaluated on."""

    @model_validator(mode="before")
    @classmethod
    def _switched_off(cls, fields: object) -> object:
        return {name: None if value is False else value for name, value in fields.items()} if isinstance(fields, dict) else fields
