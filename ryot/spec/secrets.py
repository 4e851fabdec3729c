"""Credentials in a text, by their shape. A spec is kept with every run and goes into bundles, so that none may be in it.

Only what its issuer marks is found (`hf_...`, `ghp_...`) and a password in an address; any other password looks like any other word.
"""

from __future__ import annotations

import re

from ryot.errors import Place, SpecError

_HINT = "give it in the environment where the command runs, as HF_TOKEN or RYOT_API_KEY; and withdraw it where others have seen this text"
_SHAPES = {
    "a token of the Hugging Face hub": r"\bhf_[A-Za-z0-9]{30,}",
    "a key of a model's provider": r"\bsk-[A-Za-z0-9_\-]{20,}",
    "a token of GitHub": r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,})",
    "a token of GitLab": r"\bglpat-[A-Za-z0-9_\-]{20,}",
    "a key of AWS": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "a key of Google's": r"\bAIza[A-Za-z0-9_\-]{35}",
    "a token of Slack": r"\bxox[abeprs]-[A-Za-z0-9\-]{10,}",
    "a signed token": r"(?<![\w\-])eyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.",
    "a private key": r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----",
    "a password in an address": r"[a-z0-9]://[^/\s:@]{0,200}:[^/\s@]{1,200}@",
}
_ANY = re.compile("|".join(f"({shape})" for shape in _SHAPES.values()))


def refuse_secrets(text: str, name: str) -> None:
    """Raise SpecError for the first credential in a text that is called `name`; it says what and where, and never shows the line."""
    found = _ANY.search(text)
    if found is not None and found.lastindex is not None:
        before = text[: found.start()]
        place = Place(name, before.count("\n") + 1, found.start() - (before.rfind("\n") + 1) + 1)
        raise SpecError(f"here stands {list(_SHAPES)[found.lastindex - 1]}; a spec is kept with its runs", at=place, hint=_HINT)
