"""The templates that have laws of no table: equations, sequences, motion, circuits, moles, loops, interest, markets, gears, beams."""

import re

from tests.stages.data.recomputed.formulas import NUMBER, shown, solve

# IUPAC abridged standard atomic weights, rounded as school tables do.
_MASSES = {"H": 1, "C": 12, "N": 14, "O": 16, "Na": 23, "Mg": 24, "S": 32, "Cl": 35.5, "K": 39, "Ca": 40, "Fe": 56, "Cu": 63.5}


def _given(question: str) -> list[float]:
    return [float(number) for number in re.findall(rf"(?<![\w.]){NUMBER}", question)]


def equation(question: str) -> str:
    left, right = re.sub(r"(\d)([x(])", r"\1*\2", question[13:-1]).split(" = ")
    (x,) = [x for x in range(200) if eval(left, {"x": x}) == eval(right, {"x": x})]  # noqa: S307
    return f"x equals {x}"


def sequence(question: str) -> str:
    a, b, c, d = _given(question)
    if "then adds" in question:
        p = (c - b) / (b - a)
        return f"The term is {shown(d * p + b - a * p)}"
    if "multiplies" in question:
        return f"The term is {shown(d * d / c)}"
    return f"The term is {shown(3 * d - 3 * c + b)}"  # third differences vanish


def motion(question: str) -> str:
    given = _given(question)
    if "steady" in question:
        return f"{shown(given[0] * given[1])} metres"
    if "final speed" in question:
        speed = given[0]
        for _ in range(int(given[2])):
            speed += given[1]
        return f"{shown(speed)} m/s"
    if "meanwhile" in question:
        u, a, t = given
        return f"{shown(sum(u + a * (tick + 0.5) / 100 for tick in range(int(t * 100))) / 100)} metres"
    u, reaction, a = given
    return f"{shown(u * reaction + sum(u - a * (tick + 0.5) / 100 for tick in range(round(u / a * 100))) / 100)} metres"


def circuit(question: str) -> str:
    volts, *ohms = _given(question)
    if "pair" in question:
        total = ohms[0] + 1 / (1 / ohms[1] + 1 / ohms[2])
    else:
        total = 1 / sum(1 / ohm for ohm in ohms) if "parallel" in question else sum(ohms)
    return f"{shown(volts / total)} amperes"


def _molar_mass(formula: str) -> float:
    spelt = re.sub(r"([A-Z][a-z]?)(\d*)", lambda found: f"+{_MASSES[found[1]]}*{found[2] or 1}", formula)
    return float(eval(spelt))  # noqa: S307


def moles(question: str) -> str:
    amount, formulas = _given(question)[0], re.findall(r"\bof ([A-Z]\w*)", question)
    if question.startswith("How many"):
        return f"{shown(amount / _molar_mass(formulas[0]))} moles"
    if question.startswith("Burning"):
        carbon, hydrogen = re.fullmatch(r"C(\d*)H(\d+)", formulas[0]).groups()  # type: ignore[union-attr]
        amount *= int(carbon or 1) if formulas[1] == "CO2" else int(hydrogen) / 2
        return f"{shown(amount * _molar_mass(formulas[1]))} grams"
    return f"{shown(amount * _molar_mass(formulas[0]))} grams"


def dilution(question: str) -> str:
    given = _given(question)
    if "stock" in question:
        c, volume, wanted = given
        return f"{shown(solve(wanted, lambda stock: c * stock / volume))} mL of stock"
    if "mixed" in question:
        v, c, w, d = given
        return f"{shown((c * v + d * w) / (v + w))} mol/L"
    v, c, last = given if "until" in question else (given[0], given[1], given[0] + given[2])
    return f"{shown(c * v / last)} mol/L"


def base(question: str) -> str:
    words = question.rstrip("?").replace(",", "").split()
    if words[3] in ("AND", "OR", "XOR"):
        a, b = int(words[2], 2), int(words[4], 2)
        return "binary " + format({"AND": a & b, "OR": a | b, "XOR": a ^ b}[words[3]], "b")
    if words[-1] == "binary":
        return f"binary {int(words[5]):b}"
    return f"decimal {int(words[5], 2 if words[3] == 'binary' else 16)}"


def loop(question: str) -> str:
    code = question.partition(": f()")[0].split(": ")
    calls = _calls(code)
    if "min" in question:
        return f"{_calls([code[0], re.sub(r'min[(]i, [0-9]+[)]', 'i', code[1])]) - calls} more calls"
    return f"{calls} times"


def _calls(lines: list[str]) -> int:
    calls: list[int] = []
    body = "".join("  " * depth + line + ":\n" for depth, line in enumerate(lines)) + "  " * len(lines) + "calls.append(1)\n"
    exec(body, {"calls": calls})  # noqa: S102
    return len(calls)


def interest(question: str) -> str:
    given = _given(question)
    if "simple" in question:
        return f"{shown(given[0] * given[1] * given[2] / 100)} dollars"
    if "deposited" in question:
        return f"{shown(given[1] / (1 + given[0] / 100) ** given[2])} dollars"
    return f"{shown(given[0] * (1 + given[1] / 100) ** given[2])} dollars"


def market(question: str) -> str:
    given = _given(re.sub(r"(\d)p", r"\1", question))
    if "elasticity" in question:
        p, higher, q, fewer = given
        return f"elasticity {shown((1 - fewer / q) / (higher / p - 1))}"
    if "break even" in question:
        price, cost, fixed = given
        return f"{shown(solve(fixed, lambda units: units * (price - cost)))} units"
    if "Demand" in question:
        a, b, c, d, more = given
        return f"{shown(solve(a + more - c, lambda price: (b + d) * price))} dollars"
    n, price, cost, rent = given
    return f"{shown(n * price - n * cost - rent)} dollars"


def gears(question: str) -> str:
    given = _given(question)
    if "shaft" in question:
        speed, a, b, c, last = given
        found = speed * (a / b) * (c / last)
    else:
        found = given[0] * given[1] / given[2]
    return f"{shown(found)} {'teeth' if 'How many teeth' in question else 'rpm'}"


def beam(question: str) -> str:
    given = _given(question)
    if "hinge" in question:
        return f"{shown(given[0] * given[1])} newton metres"
    span, *loads = given
    if "How far" in question:
        return f"{shown(span * (1 - (loads[0] - loads[1]) / loads[0]))} metres"
    total = sum(loads[::2])
    at_a = sum(load * (1 - at / span) for load, at in zip(loads[::2], loads[1::2], strict=True))
    return f"{shown(total - at_a)} newtons"
