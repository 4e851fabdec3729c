"""Numbers that point to a person, proven: how much of a candidate is one. A candidate may go on into what stands behind the number,
an expiry date, a second number or a word, so the longest beginning that ends with one of its groups and passes counts.
"""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address

BLANKS = " \u00a0\u2007\u202f"
DASHES = "\\-\u2010\u2011\u2012\u2013"  # as it stands in a class of characters
_GROUP = re.compile(r"\d+")
_IIN = {  # how many digits a number has, by how it begins (ISO/IEC 7812; the networks' published ranges)
    "4": (13, 16, 19), "34": (15,), "37": (15,), "36": (14, 16, 19), "38": (14, 16), "39": (14, 16), "35": (16, 17, 18, 19),
    **dict.fromkeys(("300", "301", "302", "303", "304", "305", "309"), (14, 16)),
    **dict.fromkeys(("50", "56", "57", "58"), tuple(range(13, 20))), **dict.fromkeys(("51", "52", "53", "54", "55"), (16,)),
    **dict.fromkeys(("60", "62", "64", "65"), (16, 17, 18, 19)),
    **dict.fromkeys(("61", "63", "66", "67", "68", "69"), tuple(range(13, 20))),
}  # fmt: skip
_GROUPINGS = ((4, 4, 4, 4, 3), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4))
IBANS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18,
    "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23,
    "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27,
    "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28,
    "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
"""Characters of an IBAN by its country: the SWIFT registry of ISO 13616, release 99."""
_CODES = frozenset(
    map(
        str,
        (
            *(
                1,
                7,
                20,
                27,
                *range(30, 35),
                36,
                39,
                40,
                41,
                *range(43, 50),
                *range(51, 59),
                *range(60, 67),
                81,
                82,
                84,
                86,
                *range(90, 96),
                98,
            ),
            *(211, 212, 213, 216, 218, *range(220, 259), *range(260, 270), 290, 291, 297, 298, 299, *range(350, 360), *range(370, 379)),
            *(*range(380, 384), 385, 386, 387, 389, 420, 421, 423, *range(500, 510), *range(590, 600), 670, *range(672, 684)),
            *(*range(685, 693), 800, 808, 850, 852, 853, 855, 856, 870, 878, *range(880, 884), 886, 888, *range(960, 969)),
            *(*range(970, 978), 979, *range(992, 997), 998),
        ),
    )
)
"""Calling codes that ITU-T E.164 assigns."""
_NANP = re.compile(r"[2-9]\d\d[2-9]\d{6}")
_DATE = re.compile(r"\+\d{4}-\d\d-\d\d(?!\d)")
_DECIMAL = re.compile(r"\+\d+\.\d+(?!\d)(?![ .\-/(]*\d)")
_CUE = re.compile(
    r"\b(?:tel|phone|telephone|call|fax|mobile|cell|dial|ring|text|contact|whatsapp|sms|hotline|number)\b\W{0,3}(?:\w+ ){0,2}$", re.I
)
_FIELD = re.compile(r"(?:^|[\n:;,|\t(\"']) ?$")
_NEXT_TO = re.compile(rf"[{BLANKS}/,]{{1,3}}(?:or )?")
_NUMBERED = re.compile(
    r"(?:versions?|releases?|sections?|chapters?|clauses?|paragraphs?|articles?|figures?|tables?|rules?|§|\bv)\.?\s?$", re.I
)
_BEFORE = 32


def luhn(text: str) -> bool:
    """Whether the digits of a text end in their check digit as ISO/IEC 7812-1 has it, and are as many as a card's: 13 to 19."""
    digits = [int(char) for char in text if char.isdigit()]
    doubled = [digit if place % 2 == 0 else (2 * digit - 9 if digit > 4 else 2 * digit) for place, digit in enumerate(reversed(digits))]
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and sum(doubled) % 10 == 0


def card(match: re.Match[str]) -> int:
    """The characters of a card number at the beginning: of one whole group of digits, or of groups as they are printed on cards."""
    groups = list(_GROUP.finditer(match[0]))
    sizes = tuple(len(group[0]) for group in groups)
    counts = [1, *(len(grouping) for grouping in _GROUPINGS if sizes[: len(grouping)] == grouping)]
    for count in sorted(counts, reverse=True):
        found = match[0][: groups[count - 1].end()]
        if _is_card(found):
            return len(found)
    return 0


def _is_card(text: str) -> bool:
    digits = "".join(_GROUP.findall(text))
    if "2221" <= digits[:4] <= "2720":
        return len(digits) == 16 and luhn(digits)
    return any(len(digits) in _IIN.get(digits[:size], ()) for size in (1, 2, 3)) and luhn(digits)


def iban(text: str) -> bool:
    """Whether a text has the check digits of an IBAN (ISO 13616-1): with its first four characters last, it is 1 modulo 97."""
    packed = "".join(char for char in text.upper() if char.isalnum())
    return 15 <= len(packed) <= 34 and int("".join(str(int(char, 36)) for char in packed[4:] + packed[:4])) % 97 == 1


def account(match: re.Match[str]) -> int:
    """The characters of an IBAN at the beginning: as many letters and digits as its country has."""
    left = IBANS.get(match[0][:2].upper(), 0)
    for place, char in enumerate(match[0]):
        left -= char.isalnum()
        if not left:
            found, behind = match[0][: place + 1], match.string[match.start() + place + 1 :][:1]
            return place + 1 if not (behind.isascii() and behind.isalnum()) and sum(map(str.isdigit, found)) >= 7 and iban(found) else 0
    return 0


def phone(match: re.Match[str]) -> int:
    """The characters of a phone number at the beginning, in international (ITU-T E.164) or US form."""
    text = match[0]
    if text[0] not in "+0":
        return len(text) if _is_parted(text) or _has_cue(match) else 0
    if _DATE.match(text) or _DECIMAL.match(match.string, match.start()):
        return 0
    return next((end for end in _ends(text, 15) if _is_international(text[:end])), 0)


def _ends(text: str, most: int) -> Iterator[int]:
    """Where the groups of digits end, from the last that leaves at most so many digits."""
    digits, ends = 0, []
    for group in _GROUP.finditer(text):
        digits += len(group[0])
        if digits - (2 if text.startswith("00") else 0) > most:
            break
        ends.append(group.end())
    return reversed(ends)


def _is_international(text: str) -> bool:
    digits = "".join(_GROUP.findall(text)).removeprefix("00")
    code = next((digits[:size] for size in (1, 2, 3) if digits[:size] in _CODES), None)
    if code is None or not 8 <= len(digits) <= 15 or (text.startswith("00") and text.isdigit()):
        return False
    national = digits[len(code) :]
    return len(set(national)) > 1 and (code != "1" or _NANP.fullmatch(national) is not None)


def _is_parted(text: str) -> bool:
    """Whether more than blanks parts the groups: three numbers in a row are more often three numbers."""
    return any(char not in BLANKS and not char.isdigit() for char in text) or text[0] == "1"


def _has_cue(match: re.Match[str]) -> bool:
    """Whether what stands before says that a phone number follows, or nothing does: one that was just found, a field, a line of its own."""
    before = match.string[max(match.start() - _BEFORE, 0) : match.start()]
    if match.pos and match.string[match.pos - 1].isdigit() and _NEXT_TO.fullmatch(match.string, match.pos, match.start()):
        return True
    return _FIELD.search(before) is not None or _CUE.search(before) is not None


def ipv4(match: re.Match[str]) -> int:
    """The characters of an IPv4 address, unless it is called a version or a section."""
    before = match.string[max(match.start() - _BEFORE, 0) : match.start()]
    return 0 if _NUMBERED.search(before) else len(match[0])


def ipv6(match: re.Match[str]) -> int:
    """The characters of an IPv6 address; a colon behind it is none of it. Times and names with colons are no addresses."""
    text = match[0]
    found = text[:-1] if text.endswith(":") and not text.endswith("::") else text
    parts = [part for part in found.split(":") if part]
    if len(found) <= 4 or not any(char.isdigit() for char in found):  # `::` and `a::b` are more often something else
        return 0
    if all(len(part) <= 2 and part.isdigit() for part in parts) or (len(parts) < 3 and found[0] not in "23fF:"):
        return 0
    try:
        IPv6Address(found)
    except AddressValueError:
        return 0
    return len(found)
