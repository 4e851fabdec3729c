"""Pairs as ids: cut, held out, kept."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ryot.plugins import NodeError
from ryot.stages.finetune.encode import Encoded, Prepared, encode, held_out, prepare
from ryot.stages.finetune.pairs import Pair
from tests.stages.conftest import EOS

PAIRS = [Pair(f"w{number} w4", (f"w{number + 1}",)) for number in range(10, 30)]


def test_prompt_and_completion_are_encoded_apart_and_the_end_is_learnt(make_tokens: Callable[..., Path]) -> None:
    assert encode([Pair("w5 w6", ("w7", "w8 w9"))], make_tokens()) == [Encoded([5, 6], ([7, EOS], [8, 9, EOS]))]


def test_the_words_of_special_tokens_are_plain_text(make_tokens: Callable[..., Path]) -> None:
    (pair,) = encode([Pair("w5 <eos> w6", ("w7",))], make_tokens())
    assert EOS not in pair.prompt


def test_completions_are_cut_to_the_context_and_what_is_left_empty_is_lost(make_tokens: Callable[..., Path]) -> None:
    long = Pair(" ".join(["w5"] * 8), ("w7",))
    prepared = prepare([*PAIRS, Pair("w5 w6 w7", ("w7 w8 w9",)), long], make_tokens(), 5, 2, seed=0)
    assert (prepared.cut, prepared.lost, prepared.pairs) == (1, 1, 22)
    assert max(len(pair.prompt) + len(pair.completions[0]) for pair in (*prepared.train, *prepared.heldout)) == 5


def test_preferences_that_differ_only_beyond_the_context_are_lost(make_tokens: Callable[..., Path]) -> None:
    alike = Pair("w5", ("w7 w8 w9 w10", "w7 w8 w9 w11"))
    apart = [Pair(f"w{number}", ("w7 w8", "w8 w7")) for number in range(12, 20)]
    assert prepare([alike, *apart], make_tokens(), 4, 2, seed=0).lost == 1


def test_no_prompt_is_on_both_sides_and_the_choice_is_the_seed_s() -> None:
    twice = [pair for pair in PAIRS for pair in (pair, Pair(pair.prompt, ("w3",)))]
    out = held_out(twice, 6, seed=1)
    assert sum(out) == 6
    assert not {pair.prompt for pair, held in zip(twice, out, strict=True) if held} & {
        pair.prompt for pair, held in zip(twice, out, strict=True) if not held
    }
    assert held_out(twice, 6, seed=1) == out != held_out(twice, 6, seed=2)
    again = dict(zip(twice[::-1], held_out(twice[::-1], 6, seed=1), strict=True))
    assert len(again) == len(twice)


def test_one_prompt_alone_cannot_be_parted(make_tokens: Callable[..., Path]) -> None:
    with pytest.raises(NodeError, match="0 are left to train on and 3 to measure on"):
        prepare([Pair("w5", (f"w{number}",)) for number in (7, 8, 9)], make_tokens(), 32, 1, seed=0)


def test_what_is_kept_is_read_back(tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    prepared = prepare(PAIRS, make_tokens(), 32, 4, seed=0)
    prepared.write(tmp_path / "pairs.json")
    assert Prepared.read(tmp_path / "pairs.json") == prepared
    assert (len(prepared.train), len(prepared.heldout)) == (16, 4)
