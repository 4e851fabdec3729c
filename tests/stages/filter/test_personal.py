"""Personal data: what is planted is found, all of it; what only looks like it stays."""

import random

import pytest

from ryot.stages.filter.personal import KINDS, iban, luhn
from tests.stages.filter.conftest import PROSE, judged, reason

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nxx==\n-----END RSA PRIVATE KEY-----"
CASES = {
    "<EMAIL>": ("ann.lee+x@mail.example.co.uk", "j_d@örebro.example", "A1@b-c.io"),
    "<PHONE>": ("+49 30 1234567", "+1 (212) 555-0123", "(212) 555-0123", "212-555-0123", "+442071838750", "1-800-555-0199",
                "+33 1 23 45 67 89"),
    "<CARD>": ("4111 1111 1111 1111", "5500-0000-0000-0004", "340000000000009", "6011000000000004"),
    "<IBAN>": ("DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "FR14 2004 1010 0505 0001 3M02 606"),
    "<IP>": ("192.168.0.1", "8.8.8.8", "2001:db8::ff00:42:8329", "fe80::1ff:fe23:4567:890a", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"),
    "<SSN>": ("123-45-6789", "219 09 9999"),
    "<SECRET>": ("AKIAIOSFODNN7EXAMPLE", KEY, "ghp_" + "a1B2" * 9, "sk-" + "abcd1234" * 4, "xoxb-1234567890-abcdef"),
}  # fmt: skip
PLANTED = [(mask, value) for mask, values in CASES.items() for value in values]
INNOCENT = (
    "It cost 1,234,567.89 in 1999-2005, at 12:30:45 on 2020-01-31.",
    "Section 3.2.1 has 4111 1111 1111 1112 and 1234 5678 9012 3456.",
    "std::vector and a::b, 300.400.1.2, see @ann, DE89 3704 0044 0532 0130 01.",
    "The numbers 000-12-3456, 666-12-3456 and 912-12-3456 were never given out.",
    "pi is 3.14159265358979, e is 2.718281828459045, 10.1000/182 is a DOI.",
    "(1990) 123 4567, from 1914-1918, pages 212-555.",
)


@pytest.mark.parametrize(("mask", "value"), PLANTED)
def test_planted_is_masked(mask: str, value: str) -> None:
    assert judged("personal", f"Write to {value}, or wait.") == [f"Write to {mask}, or wait."]
    assert judged("personal", value) == [mask]
    assert reason("personal", f"({value})", action="drop") is not None


@pytest.mark.parametrize("text", [PROSE, *INNOCENT])
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert judged("personal", text) == [text]


def test_all_of_a_thousand_planted_are_masked() -> None:
    """Drawn numbers in all forms: 100 % of them, and the words around stay."""
    draw = random.Random(7)
    for _ in range(1000):
        mask, value = _drawn(draw)
        before, after = " ".join(draw.sample(PROSE.split(), 8)), " ".join(draw.sample(PROSE.split(), 8))
        assert judged("personal", f"{before} {value} {after}") == [f"{before} {mask} {after}"], value


def test_only_the_kinds_asked_for() -> None:
    text = "ann@mail.example 192.168.0.1"
    assert judged("personal", text, kinds=["ip"]) == ["ann@mail.example <IP>"]
    assert {kind.name for kind in KINDS} == {"email", "phone", "card", "iban", "ip", "ssn", "secret"}


def test_a_text_with_nothing_is_not_dropped() -> None:
    assert reason("personal", PROSE, action="drop") is None
    assert reason("personal", "ann@mail.example", action="drop") == "email"


def test_check_digits() -> None:
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")
    assert not luhn("0000000000000000")
    assert iban("GB82 WEST 1234 5698 7654 32")
    assert not iban("GB83 WEST 1234 5698 7654 32")


def test_long_texts_take_no_quadratic_time() -> None:
    for text in (
        "1" * 100_000,
        "1 " * 50_000,
        "a@" * 50_000,
        "a." * 50_000,
        ":" * 50_000,
        "ab:" * 40_000,
        "AA11 " * 20_000,
        "x" * 100_000 + "@",
    ):
        judged("personal", text)


def _drawn(draw: random.Random) -> tuple[str, str]:
    digits = lambda count: "".join(draw.choices("0123456789", k=count))  # noqa: E731
    match draw.randrange(6):
        case 0:
            name = "".join(draw.choices("abcdefghijkl._-0123", k=6))
            return "<EMAIL>", f"n{name}e@{draw.choice(['mail', 'a-b', 'x9'])}.{draw.choice(['org', 'example.com', 'io'])}"
        case 1:
            body = draw.choice("456") + digits(14)
            return "<CARD>", next(body + last for last in "0123456789" if luhn(body + last))
        case 2:
            return "<PHONE>", f"+{draw.randint(1, 99)} {draw.randint(10, 999)} {draw.randint(10**5, 10**7)}"
        case 3:
            return "<IP>", ".".join(str(draw.randint(0, 255)) for _ in range(4))
        case 4:
            country = "DE" + "00" + digits(18)
            check = 98 - int(country[4:] + "1314" + "00") % 97
            return "<IBAN>", f"DE{check:02d}{country[4:]}"
        case _:
            return "<SSN>", f"{draw.randint(100, 665)}-{draw.randint(10, 99)}-{draw.randint(1000, 9999)}"
