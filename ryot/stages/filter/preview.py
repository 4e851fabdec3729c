"""What a filter does to a few documents, for `ryot data preview`. What needs all documents is said as far as a few can say it."""

import difflib
from collections.abc import Sequence
from importlib import import_module
from itertools import chain

from ryot.plugins import Document
from ryot.stages.filter import contamination, near_duplicates, normalise, score
from ryot.stages.filter.evaluation import evaluation_texts
from ryot.stages.filter.settings import Contamination, NearDuplicates, Normalise, Score
from ryot.stages.filter.stage import Config
from ryot.stages.filter.verdict import Dropped

Previewed = tuple[Document | None, str]
_SHOWN, _PIECES = 40, 3


def preview(config: Config, documents: Sequence[Document]) -> list[Previewed]:
    """Each document as it goes on, or None, and why. Raises NodeError as the filter does."""
    settings, texts = config.settings, [document.text for document in documents]
    if isinstance(settings, Score):
        share = f"the {settings.drop_lowest:.0%} with the lowest of all training documents go"
        return [(document, f"depends: score {value:.3f}; {share}") for document, value in zip(documents, score.scores(texts), strict=True)]
    if isinstance(settings, NearDuplicates):
        return _near_duplicates(settings, documents)
    if isinstance(settings, Contamination):
        texts_against = chain.from_iterable(map(evaluation_texts, settings.against))
        runs, _ = contamination.runs_of(texts_against, settings.words, contamination.forms_of(settings))
        judge, kept = contamination.judge(settings, runs), _looked_in(settings)
    else:
        judge, kept = import_module(f"ryot.stages.filter.{settings.kind}").judge(settings), ""
    verdicts = judge(texts) if texts else []
    found = [_previewed(document, verdict, kept) for document, verdict in zip(documents, verdicts, strict=True)]
    return _with_rules(settings, documents, found) if isinstance(settings, Normalise) else found


def _previewed(document: Document, verdict: str | Dropped, kept: str) -> Previewed:
    if isinstance(verdict, Dropped):
        return None, str(verdict)
    if verdict == document.text:
        return document, kept
    told = changes(document.text, verdict)
    return Document(verdict, document.id, document.meta), f"changed: {told}" if told else "changed: only blanks"


def _with_rules(settings: Normalise, documents: Sequence[Document], found: Sequence[Previewed]) -> list[Previewed]:
    """What normalise did, with the rules that did it: most of it cannot be seen in the text."""
    named = []
    for before, (document, remark) in zip(documents, found, strict=True):
        rules = normalise.rules_of(before.text, settings) if document is not None and document.text != before.text else []
        named.append((document, f"changed: {', '.join(rules)}: {remark.removeprefix('changed: ')}" if rules else remark))
    return named


def changes(before: str, after: str) -> str:
    """The first few pieces that are another in the new text, `old` -> `new`; nothing where only blanks between them went."""
    edits = difflib.SequenceMatcher(None, before[:10_000].split(" "), after[:10_000].split(" "), autojunk=False).get_opcodes()
    pairs = [(" ".join(before.split(" ")[a:b]), " ".join(after.split(" ")[c:d])) for kind, a, b, c, d in edits if kind != "equal"]
    pairs = [(old, new) for old, new in pairs if old != new]  # between two blanks of which one went stands an empty piece
    shown = [f"{_short(old)} -> {_short(new)}" for old, new in pairs[:_PIECES]]
    more = f" and {len(pairs) - _PIECES} more" if len(pairs) > _PIECES else ""
    beyond = "further on than 10,000 characters" if before[:10_000] == after[:10_000] else ""
    return (", ".join(shown) or beyond) + more


def _short(text: str) -> str:
    written = repr(text)
    return written if len(written) <= _SHOWN else f"{written[: _SHOWN - 4]}...'"


def _near_duplicates(settings: NearDuplicates, documents: Sequence[Document]) -> list[Previewed]:
    found = near_duplicates.sketch((document.text for document in documents), settings)
    shingles = lambda at: found.shingles_S[found.first_D1[at] : found.first_D1[at + 1]]  # noqa: E731
    like = near_duplicates.first_of(iter(found.bands_DB.T), shingles, settings.threshold, len(found)).tolist()
    return [
        (document, "unlike the others here")
        if other == near_duplicates.NONE
        else (None, f"near_duplicate: like document {documents[other].id}")
        for document, other in zip(documents, like, strict=True)
    ]


def _looked_in(settings: Contamination) -> str:
    files = ", ".join(file.written for file in settings.against)
    said = [f"not in {files}"] if files else []
    return "; ".join([*said, "held-out texts are looked for in a run"] if settings.held_out else said)
