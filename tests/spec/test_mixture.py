"""Sources by preset and address: what they stand for, and which are refused."""

import pytest
from pydantic import ValidationError

from ryot.spec.data import Source
from ryot.spec.mixture import SOURCES

OPEN = sorted(set(SOURCES) - {"pile", "books3", "starcoder"})


def test_the_eight_sources_are_there() -> None:
    assert set(SOURCES) == {"c4", "pile", "starcoder", "books3", "wikipedia", "arxiv", "openwebtext", "stackexchange"}


@pytest.mark.parametrize("name", OPEN)
def test_an_open_preset_names_data_set_tokens_and_licence(name: str) -> None:
    source = Source.model_validate({"preset": name})
    assert source.hub == SOURCES[name]["hub"]
    assert source.tokens is not None
    assert source.licence


def test_what_the_spec_writes_goes_before_the_preset() -> None:
    source = Source.model_validate({"preset": "c4", "tokens": "10B", "revision": "abc", "split": "validation"})
    assert (source.hub, source.tokens, source.revision, source.split) == ("allenai/c4:en", 10**10, "abc", "validation")


def test_a_source_reads_back_as_it_was_written_out() -> None:
    source = Source.model_validate({"preset": "starcoder", "accept_terms": True})
    assert Source.model_validate(source.model_dump()) == source
    assert source.text_field == "content"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"preset": "pile"}, "monology/pile-uncopyrighted"),
        ({"preset": "pile", "accept_terms": True}, "withdrawn"),
        ({"preset": "books3"}, "common-pile/project_gutenberg"),
        ({"hub": "the_pile_books3:plain_text"}, "common-pile/project_gutenberg"),
        ({"hub": "hf://datasets/EleutherAI/PILE"}, "withdrawn"),
        ({"preset": "starcoder"}, "accept_terms: true"),
        ({"hub": "bigcode/starcoderdata"}, "accept_terms: true"),
        ({"preset": "c4", "hub": "a/b"}, "leave one of preset and hub out"),
        ({"preset": "c4", "path": "a.jsonl"}, "exactly one of"),
        ({"path": "a.jsonl", "accept_terms": True}, "belongs to a hub source"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_write(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Source.model_validate(fields)


@pytest.mark.parametrize("written", ["hf://datasets/owner/name@abc", "hf://owner/name@abc", "owner/name@abc"])
def test_an_address_gives_data_set_and_revision(written: str) -> None:
    source = Source.model_validate({"hub": written})
    assert (source.hub, source.revision) == ("owner/name", "abc")
