"""Philosophy, recomputed: moods from a list, truth tables by Python itself, causes by trying each case, chances by counting."""

import re
from itertools import product

from ryot.stages.data.generator.facts.philosophy import RELATIONS, THINKERS
from tests.stages.data.recomputed.tables import Recompute, explained, integers, odds, related

# Terms in the order in which they are first read; the premises of the first figure stand with the minor one first.
MOODS = {
    "All a b, All b c": "All a c",  # Barbara
    "All a b, No b c": "No a c",  # Celarent
    "Some a b, All b c": "Some a c",  # Darii
    "Some a b, No b c": "Some not a c",  # Ferio
    "No a b, All c b": "No c a",  # Cesare
    "All a b, Some not c b": "Some not c a",  # Baroco
    "Some not a b, All a c": "Some not c b",  # Bocardo
    "No a b, Some a c": "Some not c b",  # Ferison
    "All a b, All b c, No c d": "No a d",
    "Some a b, All b c, All c d": "Some a d",
    "All a b, All b c, All c d": "All a d",
    "Some a b, All b c, No d c": "Some not a d",
}


def syllogism(question: str) -> str:
    letters: dict[str, str] = {}
    read = []
    for sentence in question.removesuffix(". What follows?").split(". "):
        quantifier, subject, denied, predicate = re.findall(r"(\w+) (\w+) are (not )?(\w+)", sentence)[0]
        pair = [letters.setdefault(term, "abcd"[min(len(letters), 3)]) for term in (subject, predicate)]
        read.append(f"{quantifier} {'not ' if denied else ''}{' '.join(pair)}")
    *words, subject, predicate = MOODS[", ".join(read)].split()
    terms = {letter: term for term, letter in letters.items()}
    return f"{words[0]} {terms[subject]} are {'not ' if 'not' in words else ''}{terms[predicate]}"


def _python(text: str) -> str:
    if inner := re.fullmatch(r"\((.+) implies (.+)\) (and|or|implies) (.+)", text):
        left = f"(not ({inner[1]}) or ({inner[2]}))"
        return f"(not {left}) or ({inner[4]})" if inner[3] == "implies" else f"{left} {inner[3]} ({inner[4]})"
    return re.sub(r"(\(?[^()]*\)?) implies (.*)", r"(not (\1)) or (\2)", text)


def formula(question: str) -> str:
    told, _, asked = question.partition(". ")
    values = {letter: word == "true" for letter, word in re.findall(r"([P-W]) is (true|false)", told)}
    if found := re.fullmatch(r"Were (.+), would (.+) be true\?", asked):
        values |= {letter: word == "true" for letter, word in re.findall(r"([P-W]) (true|false)", found[1])}
        return "It would be true" if eval(_python(found[2]), values) else "It would be false"  # noqa: S307
    code = _python(re.findall(r"would change \((.+)\)\?", asked)[0])
    now = bool(eval(code, dict(values)))  # noqa: S307
    return f"{sum(bool(eval(code, {**values, letter: not value})) != now for letter, value in values.items())} of them"  # noqa: S307


def methods(question: str) -> str:
    if question.startswith("Bites"):
        foods, rows = re.findall(r"Bites of (.+), hours ill: (.+)\. What", question)[0]
        cases = [[int(number) for number in row.split(", ")] for row in rows.split("; ")]
        place = next(k for k in range(3) if cases[0][3] * cases[1][k] == cases[1][3] * cases[0][k])
        return f"{foods.split(', ')[place]}, {cases[0][3] // cases[0][place] * integers(question)[-1]} hours"
    ill = [set(foods.split(", ")) for foods in re.findall(r"Ate ([^:]+): ill", question)]
    well = [set(foods.split(", ")) for foods in re.findall(r"Ate ([^:]+): well", question)]
    return f"It is {' '.join(set.intersection(*ill).difference(*well))}"


def blame(question: str) -> str:
    rule, acts = question.removesuffix(" Who is a but-for cause?").split(". ", 1)
    names = re.findall(r"[A-Z][a-z]+", rule.partition(" by ")[2]) or re.findall(r"([A-Z][a-z]+) with", acts.partition(";")[0])
    forces = {name: int(force) for name, force in re.findall(r"(\w+) with (\d+)", acts)}
    code = re.sub(
        r"([A-Z][a-z]+)", r"'\1' in on", rule.partition(" by ")[2].replace("and also by", "and (") + (")" if "also" in rule else "")
    )

    def happens(on: set[str]) -> bool:
        if forces:
            return sum(forces[name] for name in on) - sum(integers(acts.partition(";")[2])) >= integers(rule)[0]
        return bool(eval(code, {"on": on}))  # noqa: S307

    acting = {name for name in names if f"but {name}" not in acts}
    causes = [name for name in names if name in acting and happens(acting) and not happens(acting - {name})]
    return f"only {causes[0]}" if len(causes) == 1 else " and ".join(causes) or "none of them"


def testimony(question: str) -> str:
    n = integers(question)
    if "lottery" in question:
        return odds(sum(ticket >= n[1] for ticket in range(n[0])), n[0])
    if "an event" in question:
        right, of, _, rare = n
        times = 2 if "each" in question else 1
        true, false = right**times, (rare - 1) * (of - right) ** times
        return odds(true, true + false)
    cases = [(a < n[0], b < n[2]) for a in range(n[1]) for b in range(n[3])]
    return odds(sum(all(case) if "each right" in question else any(case) for case in cases), len(cases))


def fallacy(question: str) -> str:
    if "Which line" in question:
        told, _, shown = question.partition(". So ")
        letters = sorted(set(re.findall(r"[P-W]", told)))
        rows = [dict(zip(letters, row, strict=True)) for row in product((0, 1), repeat=len(letters))]
        rows = [row for row in rows if all(_holds(part, row) for part in told.split("; "))]
        lines = re.findall(r"\(\d\) ([^.]+)\.", shown)
        wrong = [number for number, line in enumerate(lines, 1) if not all(_holds(line, row) for row in rows)]
        return f"line {wrong[0]} fails" if wrong else "no line fails"
    first, second, end = question.partition(": ")[2].removesuffix(". Valid?").split("; ")
    end = end.removeprefix("so ")
    return _named(first, second, end)


def _named(first: str, second: str, end: str) -> str:
    """By the places of the words: what is affirmed or denied of which premise's part."""
    if " or " in first:
        sides = first.removesuffix(" or both").split(" or ")
        denied = second.removeprefix("not ") in sides and second.startswith("not ")
        return "valid: disjunctive syllogism" if denied else "invalid: affirming a disjunct"
    a, b = first.removeprefix("if ").split(", then ")
    if second.startswith("if "):
        c = second.split(", then ")[1]
        ends = {
            f"if {a}, then {c}": "valid: hypothetical syllogism",
            f"if {c}, then {a}": "invalid: converse conditional",
            f"if not {c}, then not {a}": "valid: contraposition",
            f"if not {a}, then not {c}": "invalid: improper negation",
        }
        return ends[end]
    named = {a: "valid: modus ponens", f"not {b}": "valid: modus tollens", b: "invalid: affirming the consequent"}
    return named.get(second, "invalid: denying the antecedent")


def _holds(claim: str, row: dict[str, int]) -> bool:
    if " implies " in claim:
        left, right = claim.split(" implies ")
        return not _holds(left, row) or _holds(right, row)
    return not row[claim[4:]] if claim.startswith("not ") else bool(row[claim])


RECOMPUTE: dict[str, Recompute] = {
    "syllogism": syllogism,
    "formula": formula,
    "thinkers": explained(THINKERS),
    "doctrines": related(RELATIONS),
    "methods": methods,
    "blame": blame,
    "testimony": testimony,
    "fallacy": fallacy,
}
