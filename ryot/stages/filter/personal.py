"""`filter.personal`: what points to a person, and credentials; masked, or the text is dropped.

A candidate is found by its form and, where it has check digits, proven by them. What could be two kinds is taken for the one named first.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

from ryot.stages.filter.settings import PersonalData
from ryot.stages.filter.verdict import Dropped, Judge, Verdict, each


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind is found. Only a text for which `likely` holds is searched with the slower `pattern`."""

    name: str
    mask: str
    likely: Callable[[str], bool]
    pattern: re.Pattern[str]
    proof: Callable[[str], bool]


def judge(settings: PersonalData) -> Judge:
    """The filter of these settings."""
    kinds = [kind for kind in KINDS if kind.name in settings.kinds]

    def masked(text: str) -> Verdict:
        found = text
        for kind in kinds:
            if kind.likely(found):
                changed = kind.pattern.sub(lambda match, kind=kind: _replaced(match, kind), found)  # type: ignore[misc]
                if changed != found and settings.action == "drop":
                    return Dropped(kind.name, f"holds what looks like {ABOUT[kind.name]}")
                found = changed
        return found

    return each(masked)


def _replaced(match: re.Match[str], kind: Kind) -> str:
    return kind.mask if kind.proof(match[0]) else match[0]


def luhn(text: str) -> bool:
    """Whether the digits of a text end in their check digit as ISO/IEC 7812-1 has it, and are as many as a card's: 13 to 19."""
    digits = [int(char) for char in text if char.isdigit()]
    doubled = [digit if place % 2 == 0 else (2 * digit - 9 if digit > 4 else 2 * digit) for place, digit in enumerate(reversed(digits))]
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and sum(doubled) % 10 == 0


def iban(text: str) -> bool:
    """Whether a text has the check digits of an IBAN (ISO 13616-1): with its first four characters last, it is 1 modulo 97."""
    packed = "".join(text.split())
    return 15 <= len(packed) <= 34 and int("".join(str(int(char, 36)) for char in packed[4:] + packed[:4])) % 97 == 1


def _ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return len(text) > 4  # `::` and `a::b` are more often something else


def _phone(text: str) -> bool:
    digits = sum(char.isdigit() for char in text)
    return 8 <= digits <= 15 if text[0] == "+" else digits in (10, 11)


def _always(_: str) -> bool:
    return True


_NUMBER = re.compile(r"\d[\d ().\-/]{6,}\d")
_DOTTED = re.compile(r"\d\.\d{1,3}\.\d")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
_IBAN_START = re.compile(r"\b[A-Z]{2}\d\d ?[A-Z0-9]{4}")
_SECRET_START = re.compile(r"AKIA|ASIA|PRIVATE KEY|gh[pousr]_|github_pat_|xox[abprs]-|sk-|AIza|eyJ")
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
KINDS = (
    Kind(
        "secret",
        "<SECRET>",
        lambda text: _SECRET_START.search(text) is not None,
        re.compile(
            r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)"
            r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_\w{22,}\b|\bxox[abprs]-[A-Za-z0-9-]{10,}"
            r"|\bsk-[A-Za-z0-9_-]{20,}|\bAIza[A-Za-z0-9_-]{35}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"
        ),
        _always,
    ),
    Kind(
        "email",
        "<EMAIL>",
        lambda text: "@" in text,
        re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}\b"),
        _always,
    ),
    Kind(
        "iban",
        "<IBAN>",
        lambda text: _IBAN_START.search(text) is not None,
        re.compile(r"\b[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
        iban,
    ),
    Kind(
        "card",
        "<CARD>",
        lambda text: _NUMBER.search(text) is not None,
        re.compile(r"(?<![\d.,-])\d(?:[ -]?\d){12,18}(?![\d-])"),
        luhn,
    ),
    Kind(
        "ip",
        "<IP>",
        lambda text: _DOTTED.search(text) is not None,
        re.compile(rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\.?\w)"),
        _always,
    ),
    Kind(
        "ip",
        "<IP>",
        lambda text: _COLONS.search(text) is not None,
        re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])"),
        _ipv6,
    ),
    Kind(
        "ssn",
        "<SSN>",
        lambda text: _NUMBER.search(text) is not None,
        re.compile(r"(?<![\w-])(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\w-])"),
        _always,
    ),
    Kind(
        "phone",
        "<PHONE>",
        lambda text: _NUMBER.search(text) is not None,
        re.compile(
            r"(?<![\w+.])\+\d{1,3}(?:[ .\-/]?\(?\d{1,5}\)?){2,6}(?![\w])"
            r"|(?<![\w+.-])(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}(?![\w-])"
        ),
        _phone,
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
