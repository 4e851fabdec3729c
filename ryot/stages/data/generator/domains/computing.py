"""Computer science: numbers in other bases and bit operations, checked by reading back; loops, checked by running them."""

import re
from fractions import Fraction
from random import Random

from ryot.stages.data.generator.laws import computing as laws
from ryot.stages.data.generator.laws.abductive import abductive
from ryot.stages.data.generator.laws.analogical import analogical
from ryot.stages.data.generator.laws.audit import audit
from ryot.stages.data.generator.laws.causal import causal
from ryot.stages.data.generator.laws.chance import probabilistic
from ryot.stages.data.generator.laws.inductive import inductive
from ryot.stages.data.generator.problem import Problem, Template, numbers, numeric, quantity

_DECIMAL, _RUNS, _BINARY = "decimal {}", "{} times", "binary {}"
_GATES = ("AND", "OR", "XOR")


def base(rng: Random, level: int) -> Problem:
    """Binary to decimal; decimal to binary; hexadecimal to decimal; a bit operation on two binary numbers."""
    n = (rng.randint(5, 255), rng.randint(9, 255), rng.randint(17, 4095), rng.randint(9, 127))[level]
    if level == 0:
        places = [1 << place for place in range(n.bit_length() - 1, -1, -1) if n >> place & 1]
        question = f"What is the binary number {n:b} in decimal?"
        steps = ("the places are worth 1, 2, 4, 8, ...", f"set: {', '.join(map(str, places))}", f"sum = {n}")
        return numeric(question, steps, n, _DECIMAL, (n * 2, n ^ 1, n ^ 2, n ^ 4), f"{n} = {' + '.join(map(str, places))}")
    if level == 1:
        halves = [n >> place for place in range(n.bit_length())]
        question = f"What is the decimal number {n} in binary?"
        steps = (f"halve down: {', '.join(map(str, halves))}", "write 1 where odd, 0 where even", f"from the last: {n:b}")
        return _binary(question, steps, n, f"{n:b} is {n} again, place by place")
    if level == 2:
        digits = f"{n:X}"
        terms = [f"{int(digit, 16)} * {16**place}" for place, digit in zip(range(len(digits) - 1, -1, -1), digits, strict=True)]
        question = f"What is the hexadecimal number {digits} in decimal?"
        steps = ("the places are worth 1, 16, 256", " + ".join(terms), f"= {n}")
        return numeric(question, steps, n, _DECIMAL, (n + 16, n - 16, n + 1), f"{n} / 16 leaves {n % 16}, the last digit {digits[-1]}")
    m, gate = rng.randint(9, 127), rng.choice(_GATES)
    result = (n & m, n | m, n ^ m)[_GATES.index(gate)]
    rule = ("1 where both have 1", "1 where any has 1", "1 where they differ")[_GATES.index(gate)]
    question = f"What is {n:07b} {gate} {m:07b}, bit by bit?"
    steps = (f"{gate} gives {rule}", f"line up {n:07b} and {m:07b}", f"result {result:b}")
    return _binary(question, steps, result, f"{n} {gate} {m} = {result} in decimal")


def _binary(question: str, steps: tuple[str, ...], n: int, verification: str) -> Problem:
    wrong = tuple(f"binary {other:b}" for other in (n ^ 1, n ^ 2, n * 2, n ^ 4, n + 3))
    return Problem(question, steps, f"binary {n:b}", wrong, verification)


def check_base(question: str, answer: str) -> bool:
    """The digits of the answer, read one after another, give the number back; a bit operation is done digit by digit."""
    if found := re.fullmatch(r"What is ([01]+) (AND|OR|XOR) ([01]+), bit by bit\?", question):
        truth = {"AND": ("11",), "OR": ("01", "10", "11"), "XOR": ("01", "10")}[found[2]]
        bits = "".join("1" if a + b in truth else "0" for a, b in zip(found[1], found[3], strict=True))
        return answer == f"binary {bits.lstrip('0') or '0'}"
    if found := re.fullmatch(r"What is the decimal number (\d+) in binary\?", question):
        bits = answer.removeprefix("binary ")
        return answer.startswith("binary ") and set(bits) <= set("01") and _horner(bits, 2) == int(found[1])
    found = re.fullmatch(r"What is the (binary|hexadecimal) number (\w+) in decimal\?", question)
    value = quantity(answer, _DECIMAL)
    return found is not None and value == _horner(found[2], 2 if found[1] == "binary" else 16)


def _horner(digits: str, radix: int) -> int:
    value = 0
    for digit in digits:
        value = value * radix + "0123456789ABCDEF".index(digit)
    return value


def loops(rng: Random, level: int) -> Problem:
    """One loop with a step; two nested; a triangle; a triangle cut short."""
    n, m, k = rng.randint(4, 60), rng.randint(3, 30), rng.randint(2, 6)
    steps: tuple[str, ...]
    if level == 0:
        runs = len(range(0, n, k))
        question = f"for i in range(0, {n}, {k}): f(). How often is f called?"
        steps = (f"i is 0, {k}, {2 * k}, ... below {n}", f"{n} / {k} rounded up", f"= {runs}")
        return numeric(question, steps, runs, _RUNS, (n, n // k if n % k else runs + 1, runs + 1), f"the last i is {(runs - 1) * k} < {n}")
    if level == 1:
        question = f"for i in range({n}): for j in range({m}): f(). How often is f called?"
        steps = (f"the outer loop runs {n} times", f"the inner one {m} times each", f"{n} * {m} = {n * m}")
        return numeric(question, steps, n * m, _RUNS, (n + m, n * m - 1, n * (m - 1)), f"{n * m} / {m} = {n} outer rounds")
    if level == 2:
        runs = n * (n - 1) // 2 + n * m
        question = f"for i in range({n}): for j in range(i + {m}): f(). How often is f called?"
        steps = (f"round i calls i + {m} times", f"0 + ... + {n - 1} = {n * (n - 1) // 2}", f"plus {n} * {m} = {n * m}", f"sum = {runs}")
        return numeric(
            question, steps, runs, _RUNS, (n * m, n * (n + 1) // 2 + n * m, n * (n + m)), f"mean round {m} + {n - 1}/2, times {n}"
        )
    m = rng.randint(2, n - 2)
    runs = m * (m + 1) // 2 + (n - m - 1) * m
    question = f"for i in range({n}): for j in range(min(i, {m})): f(). If min were left out, how many calls more would f get?"
    full = n * (n - 1) // 2
    with_min = (f"with min: {m * (m + 1) // 2} + {n - m - 1} * {m} = {runs}",)
    steps = (f"without min: 0 + ... + {n - 1} = {full}", *with_min, f"{full} - {runs} = {full - runs}")
    return numeric(question, steps, full - runs, "{} more calls", (full, runs, full - runs + m), f"1 + ... + {n - 1 - m} = {full - runs}")


def check_loops(question: str, answer: str) -> bool:
    """The loop, run."""
    given = [int(number) for number in numbers(question)]
    if "min" in question:
        n, m = given[0], given[1]
        more = quantity(answer, "{} more calls")
        return more == sum(1 for i in range(n) for j in range(i) if j >= m)
    runs = quantity(answer, _RUNS)
    if "range(0, " in question:
        return runs == sum(1 for i in range(given[1]) if i % given[2] == 0)
    if "i +" in question:
        return runs == sum(1 for i in range(given[0]) for _ in range(i + given[1]))
    return runs == Fraction(sum(1 for _ in range(given[0]) for _ in range(given[1])))


TEMPLATES = (
    Template("base", "computer science", "deductive", base, check_base),
    Template("loop", "computer science", "counterfactual", loops, check_loops),
    inductive("benchmark", "computer science", laws.LAWS, laws.LINES),
    abductive("slowdown", "computer science", laws.LAWS),
    analogical("network", "computer science", laws.LIKENESSES),
    causal("workload", "computer science", laws.LAWS, laws.LINKS),
    probabilistic("packet", "computer science", laws.CHANCES),
    audit("debugging", "computer science", laws.LAWS, laws.LINKS),
)
