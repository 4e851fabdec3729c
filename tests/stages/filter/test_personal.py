"""Personal data: what is planted is found, all of it; what only looks like it stays."""

import random

import pytest

from ryot.stages.filter.numbers import iban, luhn
from ryot.stages.filter.personal import KINDS
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


WITH_MORE = {
    "Card 4111 1111 1111 1111 12/27 was used": "Card <CARD> 12/27 was used",
    "card 4111111111111111 12/27 cvv": "card <CARD> 12/27 cvv",
    "4111 1111 1111 1111 123": "<CARD> 123",
    "name,4111111111111111,12/27": "name,<CARD>,12/27",
    "John,5500005555555559": "John,<CARD>",
    "a.4111111111111111": "a.<CARD>",
    "4111\u00a01111\u00a01111\u00a01111": "<CARD>",
    "4111\u20111111\u20111111\u20111111 4111.1111.1111.1111": "<CARD> <CARD>",
    "4111111111111111 5500005555555559": "<CARD> <CARD>",
    "3782 822463 10005, 2223003122003222": "<CARD>, <CARD>",
    "12/27 4111 1111 1111 1111": "12/27 <CARD>",
    "Fax +44 20 7946 0958/0959": "Fax <PHONE>/0959",
    "+1 415 555 2671 415 555 2672": "<PHONE> <PHONE>",
    "+1 415 555 2671 / 415 555 2672": "<PHONE> / <PHONE>",
    "0044 20 7946 0958": "<PHONE>",
    "+44\u202f20\u20077946\u20120958": "<PHONE>",
    "415/555-2671, (415) 555 - 2671, 415\u2013555\u20132671": "<PHONE>, <PHONE>, <PHONE>",
    "+1-415-555-2671ext 5": "<PHONE>ext 5",
    "Call me at 415 555 2671": "Call me at <PHONE>",
    "AT61 1904 3002 3457 3201 BIC OPSKATWW": "<IBAN> BIC OPSKATWW",
    "BE68 5390 0754 7034 EUR 50": "<IBAN> EUR 50",
    "BE68 5390 0754 7034 2023": "<IBAN> 2023",
    "de89 3704 0044 0532 0130 00 DE89-3704-0044-0532-0130-00": "<IBAN> <IBAN>",
    "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000": "<IBAN>",
    "o'brien@example.com or user\uff20example.com": "<EMAIL> or <EMAIL>",
    "'ann@example.com'": "'<EMAIL>'",
    "user@example.com_x user@xn--e1afmkfd.xn--p1ai": "<EMAIL>_x <EMAIL>",
    "u@e\u0301xample.com": "<EMAIL>",
    "2001:0db8:85a3:0000:0000:8a2e:0370:7334: refused": "<IP>: refused",
    "192.168.001.001": "<IP>",
    "SSN123-45-6789, 123\u00a045\u00a06789, 123\u201345\u20136789": "SSN<SSN>, <SSN>, <SSN>",
    "glpat-abcdefghij1234567890 hf_abcdefghijklmnopqrstuvwxyzABCDEFGH": "<SECRET> <SECRET>",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc npm_abcdefghijklmnopqrstuvwxyz0123456789": "<SECRET> <SECRET>",
    "aws_secret=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": "<SECRET>",
}
NUMBERS = (
    "The slope is +3.14159265 and", "shift of +40.712776 degrees", "f(5) = 5 +12345678", "+0.00000001", "+1 000 000 000 people",
    "+2021-02-03", "scores 234 567 8901", "section 3.2.1.4", "version 1.2.3.4 of the tool", "dead::beef", "10:20:30:40:50:60:70:80",
    "1 2 3 4 5 6 7 8 9 10 11 12 13", "matrix 0 1 1 0 1 0 0 1 1 0 1 1 0 1 0", "5 4 3 5 6 4 3 5 4 3 5 6 4 3 5 4", "at 1609459200009 ms",
    "ISBN 978-0-306-40615-7", "x is 0.4111111111111111", "+500 000 000 dollars", "+999 1234 5678", "css a::before", "12:30:45",
)  # fmt: skip


@pytest.mark.parametrize("text", WITH_MORE)
def test_what_stands_behind_or_before_hides_nothing(text: str) -> None:
    assert judged("personal", text) == [WITH_MORE[text]]


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_of_other_kinds_stay(text: str) -> None:
    assert judged("personal", text) == [text]


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
        "a'" * 50_000,
        "+1 " * 30_000,
        "4111 " * 20_000,
        "aws " * 20_000 + "=",
        "de11" * 20_000,
        "(415) " * 20_000,
    ):
        judged("personal", text)


def _drawn(draw: random.Random) -> tuple[str, str]:
    digits = lambda count: "".join(draw.choices("0123456789", k=count))  # noqa: E731
    match draw.randrange(6):
        case 0:
            name = "".join(draw.choices("abcdefghijkl._-0123", k=6))
            return "<EMAIL>", f"n{name}e@{draw.choice(['mail', 'a-b', 'x9'])}.{draw.choice(['org', 'example.com', 'io'])}"
        case 1:
            body = draw.choice(["4", "51", "6011", "2221"])
            body += digits(15 - len(body))
            return "<CARD>", next(body + last for last in "0123456789" if luhn(body + last))
        case 2:
            return "<PHONE>", f"+{draw.choice([7, 20, 33, 44, 49, 351, 880])} {draw.randint(10, 999)} {draw.randint(10**5, 10**7)}"
        case 3:
            return "<IP>", ".".join(str(draw.randint(0, 255)) for _ in range(4))
        case 4:
            country = "DE" + "00" + digits(18)
            check = 98 - int(country[4:] + "1314" + "00") % 97
            return "<IBAN>", f"DE{check:02d}{country[4:]}"
        case _:
            return "<SSN>", f"{draw.randint(100, 665)}-{draw.randint(10, 99)}-{draw.randint(1000, 9999)}"
