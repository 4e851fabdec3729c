"""How many examples each cell makes: even shares; what a dry cell lacks the others make; no question in two cells.

Pure: what the cells give is asked of the caller, who may make it in any number of processes. The answer is the same in all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ryot.plugins import NodeError

SURE = 50
"""Every cell of the catalogue gives so many."""


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

    `ask` gives, for every cell's Order, the keys of its questions: fewer than wanted if it has run dry. Where some may, all
    are asked for a tenth more than their share, lest every cell that runs dry costs a round; an order that is returned is
    never larger than what was asked. A question that two cells have belongs to the first, and the others are
    asked again without it. It ends because what is left out only grows, and so do the cells that are known to be dry.
    """
    without = [frozenset[str]() for _ in range(cells)]
    capacities: list[int | None] = [None] * cells
    asked = [number if number <= SURE else number + number // 10 for number in share(total, capacities)]
    while True:
        keys = ask([Order(number, own) for number, own in zip(asked, without, strict=True)])
        capacities = [len(own) if len(own) < number else old for own, number, old in zip(keys, asked, capacities, strict=True)]
        wanted = share(total, capacities)
        enough = all(len(own) >= number for own, number in zip(keys, wanted, strict=True))
        again = _repeats([own[:number] for own, number in zip(keys, wanted, strict=True)]) if enough else [frozenset()] * cells
        if enough and not any(again):
            if sum(wanted) < total:
                raise _too_few(cells, sum(wanted), total)
            return [Order(number, own) for number, own in zip(wanted, without, strict=True)]
        # A capacity that was found with a question that is now left out no longer holds.
        capacities = [None if more else old for more, old in zip(again, capacities, strict=True)]
        without = [own | more for own, more in zip(without, again, strict=True)]
        asked = [max(old, number + number // 10) for old, number in zip(asked, wanted, strict=True)]


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
