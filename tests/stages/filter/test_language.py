"""Languages are told apart, what is not sure is dropped, and a model that cannot be used says how to mend it."""

import importlib.util
from pathlib import Path

import pytest
from pydantic import ValidationError

from ryot.plugins import NodeError, digest_path
from ryot.spec.filters import LANGUAGES
from ryot.stages.filter import language
from tests.stages.filter.conftest import PROSE, judged, reason, settings_of

GERMAN = "Der Hafen liegt an der Mündung des Flusses, und die Schiffe müssen auf die Flut warten, bevor sie einlaufen können. Das dauert."


def test_english_stays_and_german_goes() -> None:
    assert judged("language", PROSE) == [PROSE]
    assert reason("language", GERMAN) == "another_language"


def test_any_of_several_languages_stays() -> None:
    assert judged("language", PROSE, GERMAN, keep=["de", "en"]) == [PROSE, GERMAN]


def test_what_is_not_sure_is_dropped() -> None:
    assert reason("language", "Compute the force on 3 kg.") == "not_sure"
    assert reason("language", "Compute the force on 3 kg.", confidence=0.3) is None


def test_only_the_first_characters_count() -> None:
    assert reason("language", PROSE + GERMAN * 50, characters=400) is None
    assert reason("language", PROSE + GERMAN * 50, characters=4000) == "another_language"


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(ValidationError, match="does not know xx"):
        judged("language", PROSE, keep=["en", "xx"])


@pytest.mark.skipif(importlib.util.find_spec("fasttext") is not None, reason="fasttext is installed")
def test_a_model_without_its_package_says_how_to_get_it(tmp_path: Path) -> None:
    model = tmp_path / "lid.bin"
    model.write_bytes(b"model")
    settings = settings_of("language", {str(model): digest_path(model)}, model=str(model))
    with pytest.raises(NodeError, match="package fasttext") as failed:
        language.judge(settings)  # type: ignore[arg-type]
    assert "pip install" in str(failed.value.hint)


def test_the_languages_a_spec_may_name_are_those_py3langid_knows() -> None:
    assert sorted(language._identifier().labels) == sorted(LANGUAGES)
