"""How many examples each cell makes: even shares; what a dry cell lacks the others make; no question in two cells.

Pure: what the cells give is asked of the caller, who may make it in any number of processes. The answer is the same in all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ryot.plugins import NodeError


@dataclass(frozen=True, slots=True)
class Order:
    """What a cell is asked to make: so many examples, without the questions that have these keys."""

    wanted: int
    without: frozenset[str] = frozenset()


def share(total: int, capacities: Sequence[int | None]) -> list[int]:
    """How many each cell is to make: even shares, the first cells one more. What a cell with a known capacity lacks, the others make.

    None stands for a cell that has not run dry. The sum is less than `total` only if all capacities are known and too small.
    """
    wanted = [0] * len(capacities)
    open_cells = list(range(len(capacities)))
    left = total
    while open_cells and left:
        each, more = divmod(left, len(open_cells))
        full = [cell for place, cell in enumerate(open_cells) if _below(capacities[cell], each + (place < more))]
        if not full:
            for place, cell in enumerate(open_cells):
                wanted[cell] = each + (place < more)
            break
        for cell in full:
            wanted[cell] = capacities[cell] or 0
            left -= wanted[cell]
        open_cells = [cell for cell in open_cells if cell not in set(full)]
    return wanted


def settle(total: int, cells: int, ask: Callable[[Sequence[Order]], Sequence[Sequence[str]]]) -> list[Order]:
    """The order of each cell that together gives `total` examples with unique questions. Raises NodeError with the number there are.

    `ask` gives, for every cell's Order, the keys of its questions: fewer than wanted if it has run dry. A question that two
    cells have belongs to the first; the others are asked again without it. It ends because what is left out only grows.
    """
    orders = [Order(0) for _ in range(cells)]
    capacities: list[int | None] = [None] * cells
    while True:
        wanted = share(total, capacities)
        if sum(wanted) < total:
            raise _too_few(cells, sum(wanted), total)
        orders = [Order(number, order.without) for number, order in zip(wanted, orders, strict=True)]
        keys = ask(orders)
        short = [len(own) < order.wanted for own, order in zip(keys, orders, strict=True)]
        again = _repeats(keys)
        if not any(short) and not any(again):
            return orders
        # A capacity that was found with a question that is now left out no longer holds.
        capacities = [
            None if more else len(own) if dry else capacity for more, own, dry, capacity in zip(again, keys, short, capacities, strict=True)
        ]
        orders = [Order(order.wanted, order.without | more) for order, more in zip(orders, again, strict=True)]


def _repeats(keys: Sequence[Sequence[str]]) -> list[frozenset[str]]:
    """For every cell the keys that a cell before it has too."""
    seen: set[str] = set()
    found = []
    for own in keys:
        found.append(frozenset(seen.intersection(own)))
        seen.update(own)
    return found


def _too_few(cells: int, made: int, wanted: int) -> NodeError:
    message = f"{cells} cells give {made:,} unique examples; {wanted:,} were asked for"
    return NodeError(message, hint="ask for fewer, or for more domains, reasoning types or difficulties")


def _below(capacity: int | None, wanted: int) -> bool:
    return capacity is not None and capacity < wanted
