"""Each rule of Gopher has a text that trips it and one, as near as can be, that does not."""

import random
from collections import Counter

import pytest

from ryot.stages.filter import gopher
from ryot.stages.filter.words import blank_parted
from tests.stages.filter.conftest import PROSE


def fails(rule: str, text: str) -> bool:
    """Whether a text fails, alone and amid others, which must not matter."""
    alone = 0 in gopher.RULES[rule](blank_parted([text]))
    amid = 1 in gopher.RULES[rule](blank_parted([PROSE, text, PROSE]))
    assert alone == amid
    return alone


def unlike(count: int, start: int = 0) -> str:
    """So many different words."""
    return " ".join(f"word{number}" for number in range(start, start + count))


def often(every: int) -> str:
    """Different words, with one pair of words after each `every` of them."""
    return " ".join(f"{unlike(every, every * number)} over there" for number in range(12))


LINES = [unlike(8, 10 * number) for number in range(10)]
CASES = {
    "gopher_words": (unlike(49), unlike(50)),
    "gopher_word_length": ("ab " * 60, "abc " * 60),
    "gopher_symbols": ("word " * 49 + "# " * 6, "word " * 49 + "# " * 5),
    "gopher_bullets": ("- point\n" * 10, "- point\n" * 9 + "no point"),
    "gopher_ellipsis_lines": ("and so on...\n" * 4 + "end\n" * 6, "and so on...\n" * 3 + "end\n" * 7),
    "gopher_letters": ("word " * 79 + "12 " * 21, "word " * 80 + "12 " * 20),
    "gopher_stop_words": (unlike(50) + " the the", unlike(50) + " the of"),
    "gopher_repeated_lines": ("\n".join(LINES[:6] + LINES[:4]), "\n".join(LINES[:9] + LINES[:1])),
    "gopher_repeated_paragraphs": ("\n\n".join(LINES[:6] + LINES[:4]), "\n\n".join(LINES[:9] + LINES[:1])),
    "gopher_top_ngram": (often(3), often(20)),
    "gopher_repeated_ngrams": (unlike(40) + " " + unlike(10), unlike(80) + " " + unlike(8)),
}


@pytest.mark.parametrize("rule", gopher.RULES)
def test_rule_trips_at_its_threshold(rule: str) -> None:
    trips, passes = CASES[rule]
    assert fails(rule, trips)
    assert not fails(rule, passes)
    assert not fails(rule, PROSE)


@pytest.mark.parametrize(("size", "most"), gopher.TOP.items())
def test_top_run_is_measured_in_characters(size: int, most: float) -> None:
    run = " ".join(f"same{number}" for number in range(size))
    for times in (2, 3):
        for filler in range(1, 60):
            text = " ".join([f"{run} {unlike(filler, 100 * number)}" for number in range(times)])
            over = [
                f"run of {other} words" for other in gopher.TOP if times * (6 * other - 1) / len(text) > gopher.TOP[other] and other <= size
            ]
            found = gopher.top_ngram(blank_parted([text])).get(0, "none")
            assert (found == "none") == (not over), (text, found)
    assert most == gopher.TOP[size]


def test_of_equally_frequent_runs_the_longest_counts() -> None:
    text = " ".join(f"a b {unlike(6, 10 * number)} considerably longerwords" for number in range(8))
    assert fails("gopher_top_ngram", text)


def test_characters_in_overlapping_runs_count_once() -> None:
    text = unlike(90) + " " + unlike(9)  # its runs of five overlap: 9 of 99 words, under 10 % of the characters
    assert not fails("gopher_repeated_ngrams", text)


def test_a_repeated_run_of_ten_needs_a_lower_share_than_one_of_five() -> None:
    eleven_percent = unlike(88) + " " + unlike(12)
    fives = unlike(100) + "".join(f" {unlike(5, 20 * number)} x{number}" for number in range(2))
    assert "runs of 10" in gopher.repeated_ngrams(blank_parted([eleven_percent]))[0]
    assert not fails("gopher_repeated_ngrams", fives)


def test_a_text_without_words_fails_and_breaks_nothing() -> None:
    for rule in gopher.RULES.values():
        rule(blank_parted(["", "  ", "a"]))
    assert fails("gopher_words", "")


def test_a_run_does_not_go_on_into_the_next_text() -> None:
    """The first text ends in `over` and the next begins with `there`: that is no third `over there`."""
    first = f"over there {unlike(4)} over there {unlike(4, 20)} over"
    alone = gopher.top_ngram(blank_parted([first]))
    assert gopher.top_ngram(blank_parted([first, f"there {unlike(9)}"])) == alone
    assert "run of 2 words" in alone[0]


def by_definition(text: str) -> tuple[bool, bool]:
    """Whether the two rules of runs fail a text, worked out word by word."""
    words = text.split()
    top = repeated = False
    for size, most in gopher.TOP.items():
        counts = Counter(zip(*(words[start:] for start in range(size)), strict=False))
        often = max(counts.values(), default=0)
        longest = max((len(" ".join(run)) for run, count in counts.items() if count == often), default=0)
        top |= often > 1 and often * longest / len(text) > most
    for size, most in gopher.REPEATED.items():
        seen: set[tuple[str, ...]] = set()
        covered: set[int] = set()
        for place in range(len(words) - size + 1):
            run = tuple(words[place : place + size])
            covered |= set(range(place, place + size)) if run in seen else set()
            seen.add(run)
        repeated |= sum(len(words[place]) + 1 for place in covered) / len(text) > most
    return top, repeated


def test_rules_of_runs_agree_with_their_definition() -> None:
    draw = random.Random(3)
    texts = [PROSE, *(" ".join(draw.choices(PROSE.split()[:vocabulary], k=count)) for vocabulary in (5, 20, 60) for count in (4, 30, 90))]
    texts += [f"{text} {text[: draw.randrange(1, len(text))]}" for text in texts for _ in range(6)]
    words = blank_parted(texts)
    top, repeated = gopher.top_ngram(words), gopher.repeated_ngrams(words)
    wanted = [by_definition(text) for text in texts]
    assert [(number in top, number in repeated) for number in range(len(texts))] == wanted
    assert {first for first, _ in wanted} == {second for _, second in wanted} == {True, False}
