"""Paraphrased: a base problem in other words. A guard proves that numbers, names, signs, negations and comparisons are the same.

The check reads the question as the template wrote it. A paraphrase that keeps a long run of its words is refused as a mere frame.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from difflib import SequenceMatcher
from functools import lru_cache
from random import Random

from ryot.stages.data.generator.example import Cell, Kind, Variant, base
from ryot.stages.data.generator.kinds.rewordings import (
    FIND,
    HOW_IS,
    OPENERS,
    PHRASES,
    TELLING,
    WHAT_DOES,
    WHAT_IS,
    WHAT_SUBJECT,
    WHAT_WOULD,
    WHICH,
)

_TRIES = 4
_RUN = 0.7
"""The longest run of words kept, as a share of the words of the original, must lie below this."""
_SENTENCE = re.compile(r"(?<=[.?!;:]) +")
_TOKEN = re.compile(r"[A-Za-z0-9][\w.,']*\w|\w")
_SIGNS = re.compile(r"[+*/=<>()%^\[\]{}$]| - |\bnot\b|\bno\b|\bwithout\b|\bnever\b|\bmore\b|\bless\b|\bfewer\b|\bthan\b", re.IGNORECASE)
_POINTING = re.compile(
    r"\b(it|its|that|this|then|there|they|them|their|these|he|she|his|her|each|former|latter|others?|two)\b", re.IGNORECASE
)


def make(seed: int, cell: Cell, index: int) -> Variant | str:
    """The index-th base problem of a cell in other words."""
    variant = base(seed, cell, index)
    question = variant.problem.question
    for _ in range(_TRIES):
        other = reworded(variant.rng, question)
        if differs(question, other) and kept(question) == kept(other):
            return Variant(replace(variant.problem, question=other), question, variant.rng, {"paraphrased_from": question})
    return "no other words for it"


def reworded(rng: Random, question: str) -> str:
    """A question with phrases replaced, the form of its asking changed, and its sentences in another order, as chance has it."""
    text = question
    for pattern, others in _fitting(question):
        if rng.random() < 0.8:
            text = pattern.sub(rng.choice(others), text, count=1)
    if rng.random() < 0.75:
        text = _asked_otherwise(rng, text)
    return _reordered(rng, text) if rng.random() < 0.75 else text


@lru_cache(maxsize=64)
def _fitting(question: str) -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    """The phrases that stand in a question: a question is reworded several times, and few of all phrases stand in it."""
    return tuple((pattern, others) for pattern, others in PHRASES if pattern.search(question))


def differs(question: str, other: str) -> bool:
    """Whether more than a frame differs: no run of the original's words longer than 70 % of them is kept. Numbers do not count."""
    ours, theirs = re.findall(r"[a-z]+", question.lower()), re.findall(r"[a-z]+", other.lower())
    run = SequenceMatcher(None, ours, theirs, autojunk=False).find_longest_match()
    return bool(ours) and run.size < _RUN * len(ours)


def kept(text: str) -> Counter[str]:
    """What a paraphrase must keep: every word with a digit or capital that is not the opener of a sentence, signs, negations."""
    found = Counter(match.lower() for match in _SIGNS.findall(text))
    for sentence in _SENTENCE.split(text):
        for place, token in enumerate(_TOKEN.findall(sentence)):
            capital = not token.islower() and not (place == 0 and token.lower() in OPENERS)
            if capital or any(char.isdigit() for char in token):
                found[token.rstrip(".,")] += 1
    return found


def _asked_otherwise(rng: Random, text: str) -> str:
    """`What is its speed?` as `Find its speed.`; only the first form that fits."""
    for pattern, told in _FORMS:
        if match := pattern.search(text):
            opens = match.start() == 0 or text[match.start() - 2] in ".;!?"
            find = rng.choice(FIND)
            return f"{text[: match.start()]}{find if opens else _lower(find)} {_lower(told(match))}.{text[match.end() :]}"
    return text


def _finite(match: re.Match[str]) -> str:
    """The verb after `does`, with its ending: go, goes."""
    verb = match["verb"]
    if match["aux"] == "do":
        return verb
    if verb == "have":
        return "has"
    if re.search(r"(o|s|x|z|ch|sh)$", verb):
        return verb + "es"
    return verb[:-1] + "ies" if re.search(r"[^aeiou]y$", verb) else verb + "s"


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (WHAT_IS, lambda match: match["thing"]),
    (WHAT_DOES, lambda match: f"{match['asked']} {match['who']} {_finite(match)}{match['rest']}"),
    (WHAT_WOULD, lambda match: f"{match['asked'] or match['what']} {match['who']} {_moved(match)}"),
    (HOW_IS, lambda match: f"{match['asked']} {match['who']} {match['aux']}{match['rest']}"),
    (WHAT_SUBJECT, lambda match: f"{match['asked']} {match['rest']}"),
    (WHICH, lambda match: f"the {match['noun']} that {match['verb']}{match['rest']}"),
)


def _moved(match: re.Match[str]) -> str:
    return f"{match['aux']}{match['rest']}"


def _reordered(rng: Random, text: str) -> str:
    """The question before what is told, or what is told as a clause: `Given that ...`, `Suppose ...`; statements in another order."""
    told, _, asked = text.rpartition(". ") if text.count("?") <= 1 else ("", "", text)
    if not told or not asked:
        return text
    told = _shuffled(rng, told)
    single = ". " not in told and ";" not in told
    if not _POINTING.search(asked) and rng.random() < 0.6:
        return f"{asked} {told}."
    if single and _opens(told, TELLING) and _opens(asked, _ASKING) and asked.endswith("?"):
        return f"{rng.choice(('Given that', 'If'))} {_lower(told)}, {_lower(asked)}"
    supposed = single and _opens(told, TELLING) and not asked.startswith(("Suppose", "If", "Were", "Had"))
    return f"Suppose {_lower(told)}. {asked}" if supposed else f"{told}. {asked}"


def _shuffled(rng: Random, told: str) -> str:
    """Statements in any order, where they are alike and none points back to another."""
    for joint in (". ", "; "):
        parts = told.split(joint)
        if len(parts) > 1 and _alike(parts) and not any(_POINTING.search(part) or _POINTED.search(part) for part in parts):
            rng.shuffle(parts)
            return joint.join(parts)
    return told


_POINTED = re.compile(r"\bthe\b|^The [a-z]|^\W|^\d+\.")


def _alike(parts: list[str]) -> bool:
    """Whether statements have a word in common and about the same length: `All poets are judges`, `No judges are monks`."""
    words = [re.findall(r"\b[a-z]{3,}\b", part) for part in parts]
    lengths = [len(part.split()) for part in parts]
    return bool(set(words[0]).intersection(*words[1:]) - {"and", "with", "for"}) and max(lengths) <= min(lengths) + 2


_ASKING = frozenset(("how", "what", "which", "who", "where", "why"))


def _opens(text: str, words: frozenset[str]) -> bool:
    """Whether a sentence opens with one of these words or a number, and not with a name: then it may go on in lower case."""
    first = re.match(r"([A-Z][a-z']*)(?: [a-z0-9]|$)|\d", text)
    return first is not None and (first[1] is None or first[1].lower() in words)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text[:2] != "I " else text


PARAPHRASED = Kind("paraphrased", make)
