"""The rules of C4: Raffel et al. 2020, arXiv 1910.10683, section 2.2. Some take lines out of a text, some drop it.

The paper's list of bad words is not here: `filter.profanity` is for that.
"""

import re
from collections.abc import Collection

from ryot.stages.filter.verdict import Dropped, Verdict

_END = (".", "!", "?", '"', "'", "”", "’")
_ELLIPSIS = ("...", "…")
LINE_WORDS, LONGEST_WORD, SENTENCES = 3, 1000, 5
POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
_CITATION = re.compile(r"\[(?:\d+|edit|citation needed)\]")
_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1}}}")
_SENTENCE_END = re.compile(r"""[.!?]["'”’)\]]*(?=\s|$)""")
LINE_RULES = ("c4_line_end", "c4_line_words", "c4_long_words", "c4_javascript", "c4_policy", "c4_citations")
TEXT_RULES = ("c4_lorem_ipsum", "c4_curly_bracket", "c4_sentences")


def cleaned(text: str, rules: Collection[str]) -> Verdict:
    """The text with the lines that the rules leave, or Dropped."""
    if "c4_curly_bracket" in rules and "{" in text:
        return Dropped("c4_curly_bracket", "has a curly bracket")
    low = text.lower()
    if "c4_lorem_ipsum" in rules and "lorem ipsum" in low:
        return Dropped("c4_lorem_ipsum", "has `lorem ipsum`")
    lines = text.split("\n")
    kept = [line for line in lines if not line or _stays(line, rules, _suspicious(low, rules))]
    found = text if len(kept) == len(lines) else "\n".join(kept).strip("\n")
    if "c4_citations" in rules and "[" in found:
        found = _CITATION.sub("", found)
    if not found:
        return Dropped("c4_no_line_left", f"none of {len(lines)} lines is a sentence of at least {LINE_WORDS} words")
    if "c4_sentences" in rules and not _has_sentences(found):
        return Dropped("c4_sentences", f"{len(_SENTENCE_END.findall(found))} sentences, fewer than {SENTENCES}")
    return found


def _suspicious(low: str, rules: Collection[str]) -> bool:
    """Whether any line may hold a phrase that takes it out."""
    return ("c4_javascript" in rules and "javascript" in low) or ("c4_policy" in rules and any(phrase in low for phrase in POLICY))


def _stays(line: str, rules: Collection[str], suspicious: bool) -> bool:
    stripped = line.rstrip()
    if "c4_line_end" in rules and (not stripped.endswith(_END) or stripped.endswith(_ELLIPSIS)):
        return False
    if "c4_line_words" in rules and len(stripped.split(None, LINE_WORDS)) < LINE_WORDS:
        return False
    if "c4_long_words" in rules and len(line) > LONGEST_WORD and _LONG_WORD.search(line):
        return False
    if suspicious:
        low = line.lower()
        if "c4_javascript" in rules and "javascript" in low:
            return False
        return not ("c4_policy" in rules and any(phrase in low for phrase in POLICY))
    return True


def _has_sentences(text: str) -> bool:
    """Whether there are enough. Counting ends of the plainest form first is many times faster and settles most."""
    if text.count(". ") + text.count("? ") + text.count("! ") >= SENTENCES:
        return True
    return len(_SENTENCE_END.findall(text)) >= SENTENCES
