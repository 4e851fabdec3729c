"""`filter.personal`: what points to a person, and credentials; masked, or the text is dropped.

A candidate is found by its form and, where it can be, proven by what it says. What could be two kinds is taken for the one named first.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from ryot.stages.filter.numbers import BLANKS, DASHES, account, card, ipv4, ipv6, phone
from ryot.stages.filter.settings import PersonalData
from ryot.stages.filter.verdict import Dropped, Judge, Verdict, each


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind is found. Only a text for which `likely` holds is searched with the slower `pattern`; `proof` tells how many of a
    candidate's first characters are one."""

    name: str
    mask: str
    likely: Callable[[str], bool]
    pattern: re.Pattern[str]
    proof: Callable[[re.Match[str]], int]


def judge(settings: PersonalData) -> Judge:
    """The filter of these settings."""
    kinds = [kind for kind in KINDS if kind.name in settings.kinds]

    def masked(text: str) -> Verdict:
        found = text
        for kind in kinds:
            if kind.likely(found):
                changed = _masked(found, kind)
                if changed != found and settings.action == "drop":
                    return Dropped(kind.name, f"holds what looks like {ABOUT[kind.name]}")
                found = changed
        return found

    return each(masked)


def _masked(text: str, kind: Kind) -> str:
    """The text with every one masked. What is left of a candidate is looked at again, and one that is none from its next group on."""
    parts, done, place = [], 0, 0
    while (match := kind.pattern.search(text, place)) is not None:
        if length := kind.proof(match):
            parts += [text[done : match.start()], kind.mask]
            done = place = match.start() + length
        else:
            inner = _NEXT.search(text, match.start() + 1, match.end())
            place = inner.end() if inner is not None else match.end()
    return "".join([*parts, text[done:]]) if done else text


def _whole(match: re.Match[str]) -> int:
    return len(match[0])


_MARKS = "\u0300-\u036f"  # what composes letters, where a text is not composed
_NEXT = re.compile(r"[^\w](?=[\w+(])")
_BLANK, _PART = rf"[{BLANKS}]", rf"[{BLANKS}{DASHES}.]"
_JOINT = rf"(?:{_BLANK}?[{DASHES}./]{_BLANK}?|{_BLANK})"
_NUMBER = re.compile(rf"\d[\d{BLANKS}{DASHES}().,/]{{6,}}\d")
_DOTTED = re.compile(r"\d\.\d{1,3}\.\d")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
_IBAN_START = re.compile(rf"\d\d(?<=[A-Za-z][A-Za-z]\d\d){_PART}?[A-Za-z0-9]{{4}}")
_OCTET = r"(?:25[0-5]|2[0-4]\d|[01]?\d?\d)"
_STARTS = ("AKIA", "ASIA", "ABIA", "ACCA", "A3T", "PRIVATE KEY", "xox", "sk-", "AIza", "eyJ", "glpat-")
_LOW_STARTS = ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "hf_", "npm_", "sk_", "rk_")
_NAMES = ("aws", "AWS", "secret", "SECRET")


def _may_hold_secret(text: str) -> bool:
    return any(start in text for start in _STARTS) or ("_" in text and any(start in text for start in _LOW_STARTS))


def _may_name_secret(text: str) -> bool:
    return any(name in text for name in _NAMES) and ("=" in text or ":" in text)


@lru_cache(maxsize=1)  # three kinds ask it of the same text
def _may_hold_number(text: str) -> bool:
    return _NUMBER.search(text) is not None


KINDS = (
    Kind(
        "secret",
        "<SECRET>",
        _may_hold_secret,
        re.compile(  # as gitleaks and git-secrets publish them
            r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)"
            r"|\b(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_\w{22,}\b"
            r"|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bsk-[A-Za-z0-9_-]{20,}|\bAIza[A-Za-z0-9_-]{35}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"
            r"|\bglpat-[\w-]{20,}|\bhf_[A-Za-z0-9]{30,}|\bnpm_[A-Za-z0-9]{36}|\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"
        ),
        _whole,
    ),
    Kind(
        "secret",
        "<SECRET>",
        _may_name_secret,
        re.compile(r"(?:aws|AWS|secret|SECRET)[\w ]{0,24}[\"']?\s?(?::|=>|=)\s?[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"),
        _whole,
    ),
    Kind(
        "email",
        "<EMAIL>",
        lambda text: "@" in text or "＠" in text,
        re.compile(
            rf"(?<![\w{_MARKS}.%+-])[\w{_MARKS}.%+-]{{1,64}}(?:['’&/][\w{_MARKS}.%+-]{{1,64}}){{0,3}}[@＠](?:[\w{_MARKS}-]{{1,63}}[.．]){{1,8}}"
            r"(?:xn--[A-Za-z0-9-]{1,59}|[^\W\d_]{2,24}(?![^\W\d_]))"
        ),
        _whole,
    ),
    Kind(
        "iban",
        "<IBAN>",
        lambda text: _IBAN_START.search(text) is not None,
        re.compile(rf"(?<![A-Za-z0-9])[A-Za-z]{{2}}\d\d(?:{_PART}?[A-Za-z0-9]){{11,30}}"),
        account,
    ),
    Kind(
        "card",
        "<CARD>",
        _may_hold_number,
        re.compile(
            rf"(?<!\d)(?<!\d\.)(?:[2-6]\d{{12,18}}(?!\d)"
            rf"|[2-6]\d{{3}}({_BLANK}{{1,2}}|[{DASHES}.])(?:\d{{4}}\1\d{{4}}\1\d{{4}}(?:\1\d{{3}})?|\d{{6}}\1\d{{4,5}})(?!\d))"
        ),
        card,
    ),
    Kind(
        "ip",
        "<IP>",
        lambda text: _DOTTED.search(text) is not None,
        re.compile(rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\.?\w)"),
        ipv4,
    ),
    Kind(
        "ip",
        "<IP>",
        lambda text: _COLONS.search(text) is not None,
        re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,8}[0-9A-Fa-f]{0,4}(?![\w:])"),
        ipv6,
    ),
    Kind(
        "ssn",
        "<SSN>",
        _may_hold_number,
        re.compile(rf"(?:(?<![\w-])|(?<=SSN)|(?<=ssn))(?!000|666|9)\d{{3}}([{BLANKS}{DASHES}])(?!00)\d{{2}}\1(?!0000)\d{{4}}(?!\w|-\d)"),
        _whole,
    ),
    Kind(
        "phone",
        "<PHONE>",
        _may_hold_number,
        re.compile(
            rf"(?<![\w+.])(?:\+{_BLANK}?|(?<!\d[{BLANKS}{DASHES}])00{_JOINT}?)[1-9]\d{{0,14}}(?:[{BLANKS}{DASHES}./()]{{0,4}}\d{{1,12}}){{1,8}}"
            rf"|(?<![\w+.{DASHES}])(?:1{_JOINT})?(?:\([2-9]\d\d\){_BLANK}?|[2-9]\d\d{_JOINT})[2-9]\d\d{_JOINT}\d{{4}}(?![\d_]|-\d)"
        ),
        phone,
    ),
)
ABOUT = {
    "secret": "a key or token",
    "email": "an e-mail address",
    "iban": "an IBAN",
    "card": "a card number",
    "ip": "an IP address",
    "ssn": "a US social security number",
    "phone": "a phone number",
}
"""What each kind is, in words."""
