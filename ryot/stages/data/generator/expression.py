"""Exact arithmetic on formulas as they are written in questions: `3(x + 4)`, `2.5 * 4^2 - 1`. No names but x, no calls."""

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction

_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def value_of(text: str, x: Fraction = Fraction(0)) -> Fraction:
    """The value of a formula at x; `3x` and `3(x + 1)` are products. Raises ValueError for anything but arithmetic."""
    explicit = re.sub(r"(\d)\s*(?=[x(])", r"\1*", text).replace("^", "**")
    return _value(ast.parse(explicit.strip(), mode="eval").body, x)


def _value(node: ast.expr, x: Fraction) -> Fraction:
    match node:
        case ast.Constant(value=int(number)):
            return Fraction(number)
        case ast.Constant(value=float(number)):
            return Fraction(repr(number))  # the decimal as it is written, not the binary number next to it
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(power))):
            return _value(left, x) ** power
        case ast.Name(id="x"):
            return x
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left, x), _value(right, x))
    raise ValueError(f"not arithmetic: {ast.unparse(node)}")
