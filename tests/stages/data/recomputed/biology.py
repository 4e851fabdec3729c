"""Biology, recomputed: codons searched, squares drawn, populations walked, energy passed level by level."""

import re
from fractions import Fraction
from itertools import product

from ryot.stages.data.generator.facts.biology import AMINO_ACIDS, ANIMALS, CODE, RELATIONS
from tests.stages.data.recomputed.tables import Recompute, audited, explained, integers, related, text


def strand(question: str) -> str:
    if "percent" in question:
        length, part, base, asked = re.findall(r"of (\d+) bases has (\d+) percent (\w)\. How many bases are (\w)", question)[0]
        shares = dict.fromkeys("ACGT", 50 - int(part)) | dict.fromkeys("AT" if base in "AT" else "CG", int(part))
        return f"{int(length) * shares[asked] // 100} bases"
    given = re.findall(r"\b[ACGTU]{3}\b", question)
    if "peptide" in question:
        return "-".join(AMINO_ACIDS[CODE[codon]] for codon in given)
    partner = {"A": "U" if "mRNA" in question else "T", "T": "A", "C": "G", "G": "C"}
    return " ".join("".join(partner[base] for base in triple) for triple in given)


def observed(question: str) -> str:
    n = integers(question)
    if "chirps" in question:
        line = {n[1] + k: n[0] + k * (n[4] - n[2]) for k in range(99)}
        return f"{line[n[6]]} chirps"
    if "leaves" in question:
        return f"{Fraction(n[1], n[0]) ** n[3] * n[2]} leaves"
    if "ancestors" in question:
        following = n[-1] + n[-2]
        return f"{following if 'next' in question else following + n[-1]} ancestors"
    years = next(y for y in range(999) if n[0] + y * (n[1] - n[0]) == n[3] - y * (n[3] - n[4]))
    return f"{years} years after"


def foodweb(question: str) -> str:
    n = integers(question)

    def passed(energy: Fraction, share: int, levels: int) -> Fraction:
        for _ in range(levels):
            energy = energy * share / 100
        return energy

    stored, share = Fraction(n[0]), n[1]
    if "stored" in question:
        levels = 2 if "eating" in question else 1
        gain = passed(stored + n[2], share, levels) - passed(stored, share, levels)
    elif len(n) > 2:
        gain = passed(stored, n[2], 2) - passed(stored, share, 2)
    else:
        gain = passed(stored, share, 1) - passed(stored, share, 2)
    return f"{text(gain)} kJ more"


def cross(question: str) -> str:
    """Every one of the equally likely allele draws, with dominance decided by the upper-case letter."""
    told, _, asked = question.split(".", 2)
    forms = dict(re.findall(r"\b([A-Za-z]) ([a-z]{4,})", told))
    mother, father = (side.split() for side in re.findall(r"Cross (.+) x (.+?)\.", question)[0])
    wanted = set(re.sub(r".* (are|be) ", "", asked.rstrip("?")).split(" and "))
    draws = list(product(*(pair for pair in (*mother, *father))))
    half, hits = len(mother), 0
    for alleles in draws:
        shown = {forms[a if a.isupper() else b] for a, b in zip(alleles[:half], alleles[half:], strict=True)}
        hits += wanted <= shown
    share = hits / len(draws)
    number = re.findall(r"Of (\d+) offspring", question)
    return f"{int(number[0]) * share:g} offspring" if number else f"{100 * share:g} percent"


def growth(question: str) -> str:
    n = integers(question)
    if "did it start" in question:
        return f"{n[2] >> n[1] // n[0]} cells"
    if "After how many" in question:
        return f"{(n[2] // n[0]).bit_length() * n[1] - n[1]} hours"
    return f"{n[0] << (n[2] // n[1] if 'double' in question else n[1])} cells"


def _root(share: Fraction) -> Fraction:
    return next(Fraction(k, 100) for k in range(101) if Fraction(k * k, 10000) == share)


AUDITS = {
    "DNA": (1, (lambda g, _v: g[0], lambda g, v: 2 * v[0] if v[0] == g[0] else g[0] + v[0], lambda _g, v: 50 - v[1] / 2)),
    "snakes": (2, (lambda g, _v: g[0] / 100 * g[1], lambda g, v: v[0] / 100 * g[1], lambda g, v: v[1] / 100 * g[1])),
    "fish": (3, (lambda g, _v: g[2] / g[1] * 100, lambda g, v: g[0] / (v[0] / 100), lambda g, v: v[1] - g[0])),
    "recessive": (2, (lambda g, _v: _root(g[1] / g[0]), lambda _g, v: 1 - v[0], lambda g, v: 2 * v[0] * v[1] * g[0])),
}
RECOMPUTE: dict[str, Recompute] = {
    "strand": strand,
    "observed": observed,
    "animals": explained(ANIMALS),
    "organs": related(RELATIONS),
    "foodweb": foodweb,
    "specimens": audited(AUDITS),
    "cross": cross,
    "growth": growth,
}
