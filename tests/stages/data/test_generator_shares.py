"""Shares among cells and processes: even, refilled, without a question in two cells, and the same however the work is split."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from itertools import chain

import pytest

from ryot.plugins import NodeError
from ryot.spec.data import WANTED, Composition
from ryot.stages.data.generator.generate import generate, in_rounds
from ryot.stages.data.generator.shares import Order, settle, share
from ryot.stages.data.generator.units import cells_of, key_of, make, units
from ryot.stages.data.stage import GeneratorSource

MIXED = GeneratorSource(examples=600, domains=("physics", "philosophy", "history"), composition=WANTED.model_dump())


def test_shares_are_even_and_the_first_get_one_more() -> None:
    assert share(10, [None, None, None]) == [4, 3, 3]
    assert share(0, [None, 5]) == [0, 0]
    assert share(7, []) == []


def test_what_a_dry_cell_lacks_the_others_make() -> None:
    assert share(10, [1, None, None]) == [1, 5, 4]
    assert share(100, [1, 20, None, None]) == [1, 20, 40, 39]
    assert share(9, [3, 3, 3]) == [3, 3, 3]
    assert share(20, [3, 3, 4]) == [3, 3, 4]


def test_shares_never_shrink_as_the_total_grows() -> None:
    before = [0, 0, 0, 0]
    for total in range(60):
        now = share(total, [7, None, 3, 22])
        assert sum(now) == total
        assert all(one >= other for one, other in zip(now, before, strict=True))
        before = now


def shelves(*cells: str) -> tuple[list[int], list[list[str]]]:
    """Settle over cells that are words: each gives its letters in order."""
    total = len(set("".join(cells)))

    def ask(orders: Sequence[Order]) -> list[list[str]]:
        return [[key for key in cell if key not in order.without][: order.wanted] for cell, order in zip(cells, orders, strict=True)]

    orders = settle(total, len(cells), ask)
    return [order.wanted for order in orders], ask(orders)


def test_a_question_of_two_cells_is_counted_once() -> None:
    wanted, given = shelves("abcdef", "axyz", "xpq")
    assert sorted(chain(*given)) == sorted(set("abcdefaxyzxpq"))
    assert wanted == [6, 3, 2]


def test_cells_with_all_the_same_questions_give_them_once() -> None:
    _, given = shelves("abc", "cba", "bca")
    assert sorted(chain(*given)) == ["a", "b", "c"]


def test_too_few_are_refused_with_the_number_there_are() -> None:
    with pytest.raises(NodeError, match="2 cells give 4 unique examples; 9 were asked for"):
        settle(9, 2, lambda orders: [[key for key in cell if key not in order.without][: order.wanted]
                                     for cell, order in zip(("abc", "bd"), orders, strict=True)])  # fmt: skip


def test_a_unit_gives_first_what_it_gives_when_more_is_wanted() -> None:
    for unit in units(MIXED)[::5]:
        few, many = make(MIXED, 9, unit.index, 11), make(MIXED, 9, unit.index, 30)
        assert many.documents[:11] == few.documents
        assert few.keys == [key_of(document.meta["question"]) for document in few.documents]
        assert len(set(many.keys)) == len(many.keys)


def test_a_unit_leaves_out_what_it_is_told() -> None:
    plain = make(MIXED, 9, 3, 10)
    without = make(MIXED, 9, 3, 10, plain.keys[:2])
    assert not set(without.keys) & set(plain.keys[:2])
    assert len(without.keys) == 10


def test_units_are_the_cells_in_a_fixed_order() -> None:
    assert [unit.name for unit in units(MIXED)] == [cell.name for cell in cells_of(MIXED)]
    assert [unit.index for unit in units(MIXED)] == list(range(len(cells_of(MIXED))))


def test_one_process_makes_what_settled_units_make() -> None:
    mades = [[] for _ in units(MIXED)]

    def ask(orders: Sequence[Order]) -> list[list[str]]:
        for index in reversed(range(len(orders))):  # in whatever order
            mades[index] = make(MIXED, 9, index, orders[index].wanted, orders[index].without).documents
        return [[key_of(document.meta["question"]) for document in made] for made in mades]

    settle(MIXED.examples, len(units(MIXED)), ask)
    assert list(in_rounds(mades)) == generate(MIXED, 9, lambda **_: None).documents


CODE = """
import hashlib, json, sys
from ryot.stages.data.generator.units import make
from ryot.stages.data.stage import GeneratorSource
source, cells = GeneratorSource.model_validate(json.loads(sys.argv[1])), json.loads(sys.argv[2])
found = {cell: "".join(document.line() for document in make(source, 9, cell, 7).documents) for cell in cells}
print(json.dumps({cell: hashlib.sha256(text.encode()).hexdigest() for cell, text in found.items()}))
"""


def elsewhere(cells: list[int], hash_seed: int) -> dict[str, str]:
    argv = [sys.executable, "-c", CODE, MIXED.model_dump_json(), json.dumps(cells)]
    done = subprocess.run(argv, env={"PYTHONHASHSEED": str(hash_seed)}, check=True, capture_output=True, text=True, timeout=60)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_processes_make_the_same_however_the_cells_are_split() -> None:
    cells = [unit.index for unit in units(MIXED)]
    whole = {str(cell): "".join(document.line() for document in make(MIXED, 9, cell, 7).documents) for cell in cells}
    here = {cell: hashlib.sha256(text.encode()).hexdigest() for cell, text in whole.items()}
    one, two = elsewhere(cells[::2][::-1], 1), elsewhere(cells[1::2], 2)
    assert {**one, **two} == here


def test_a_composition_sums_to_one() -> None:
    assert sum(WANTED.model_dump().values()) == pytest.approx(1)
    assert Composition(base="100%").model_dump() == {**dict.fromkeys(WANTED.model_dump(), 0), "base": 1}
    with pytest.raises(ValueError, match=r"the shares sum to 0.9; they must sum to 1"):
        Composition(base=0.5, edge=0.4)
