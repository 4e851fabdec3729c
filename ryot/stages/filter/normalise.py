"""`filter.normalise`: one form of the same text, so that what follows compares texts and not their encodings."""

import re
import unicodedata

from ryot.stages.filter.settings import Normalise
from ryot.stages.filter.verdict import Dropped, Judge, Verdict, each

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff]")
_BLANK_LINES = re.compile("\n{3,}")
_BLANKS = " \t\u00a0\u3000"


def judge(settings: Normalise) -> Judge:
    """The filter of these settings."""
    return each(lambda text: normalised(text, settings))


def normalised(text: str, settings: Normalise) -> Verdict:
    """The text in its one form; Dropped where nothing but blanks is left."""
    found = text
    if settings.line_ends and ("\r" in found or "\x85" in found):
        found = found.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n")
    if settings.controls and not found.isprintable():
        found = _CONTROLS.sub("", found)
    if settings.nfc and not unicodedata.is_normalized("NFC", found):
        found = unicodedata.normalize("NFC", found)
    if settings.trailing_blanks and _may_trail(found):
        found = "\n".join([line.rstrip(_BLANKS) for line in found.split("\n")]).rstrip("\n")
    if settings.blank_lines and "\n\n\n" in found:
        found = _BLANK_LINES.sub("\n\n", found)
    return found if found and not found.isspace() else Dropped("empty", "nothing but blanks and control characters")


def rules_of(text: str, settings: Normalise) -> list[str]:
    """The rules that change a text, by their names in the spec: each is tried on what those before it leave."""
    found = []
    alone = Normalise(nfc=False, controls=False, line_ends=False, trailing_blanks=False, blank_lines=False)
    for name in ("line_ends", "controls", "nfc", "trailing_blanks", "blank_lines"):
        after = normalised(text, alone.model_copy(update={name: getattr(settings, name)}))
        if isinstance(after, str) and after != text:
            found.append(name)
            text = after
    return found


def _may_trail(text: str) -> bool:
    return text[-1:].isspace() or any(f"{blank}\n" in text for blank in _BLANKS)
