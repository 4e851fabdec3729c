"""`filter.language`: texts in the languages wanted, recognised from their first characters.

py3langid comes with its model and tells 97 languages apart; a fastText model is more exact on short texts but has to be fetched.
"""

import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

from ryot.plugins import NodeError
from ryot.stages.filter.settings import Language, LocalFile
from ryot.stages.filter.verdict import Dropped, Judge, Verdict, each
from ryot.stages.inputs import proven

Recognise = Callable[[str], tuple[str, float]]
_LABEL = "__label__"


def judge(settings: Language) -> Judge:
    """The filter of these settings. Raises NodeError for a language the model does not know, or without the package fasttext."""
    recognise = _py3langid(settings) if settings.model is None else _fasttext(settings)

    def recognised(text: str) -> Verdict:
        language, probability = recognise(text[: settings.characters])
        if probability <= settings.confidence:
            return Dropped("not_sure", f"{language} with {probability:.0%}, not more than {settings.confidence:.0%}")
        if language not in settings.keep:
            return Dropped("another_language", f"{language} with {probability:.0%}")
        return text

    return each(recognised)


def _py3langid(settings: Language) -> Recognise:
    identifier = _identifier()
    unknown = sorted(set(settings.keep) - set(identifier.labels))
    if unknown:
        raise NodeError(f"py3langid does not know {', '.join(unknown)}", hint=f"it knows {' '.join(sorted(identifier.labels))}")
    recognise: Recognise = identifier.classify
    return recognise


@cache
def _identifier() -> Any:
    """py3langid's model, which takes longer to load than a shard to read."""
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _fasttext(settings: Language) -> Recognise:
    assert settings.model is not None
    model = _model(settings.model)

    def recognise(text: str) -> tuple[str, float]:
        labels, probabilities = model.predict(text.replace("\n", " "))
        return labels[0].removeprefix(_LABEL), float(probabilities[0])

    return recognise


@cache
def _model(file: LocalFile) -> Any:
    try:
        fasttext: Any = importlib.import_module("fasttext")
    except ImportError:
        hint = "pip install fasttext-numpy2-wheel; or leave `model` out and use py3langid"
        raise NodeError("data.filters.language.model needs the package fasttext", hint=hint) from None
    try:
        return _loaded(fasttext, file)
    except ValueError as error:
        raise NodeError(f"{file.written} is no fastText model: {error}") from None


def _loaded(fasttext: Any, file: LocalFile) -> Any:
    with proven(Path(file.path), file.digest, file.written) as path:
        return fasttext.load_model(str(path))
