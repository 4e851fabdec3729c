"""As many unique examples as asked, shared evenly over the cells, in one process."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ryot.plugins import Document
from ryot.stages.data.generator.shares import Order, settle
from ryot.stages.data.generator.units import Stream, cells_of
from ryot.stages.data.stage import GeneratorSource


@dataclass(slots=True)
class Generated:
    """The documents in the order of the rounds over the cells, how many answers were checked and refused, and draws refused by reason."""

    documents: list[Document] = field(default_factory=list)
    checked: int = 0
    wrong: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def generate(source: GeneratorSource, seed: int, report: Callable[..., None], without: frozenset[str] = frozenset()) -> Generated:
    """`source.examples` documents with unique questions, none of which has a key in `without`. Raises NodeError, with the number there
    are, when the cells give fewer."""
    cells = len(cells_of(source))
    streams: dict[tuple[int, frozenset[str]], Stream] = {}

    def ask(orders: Sequence[Order]) -> list[list[str]]:
        done, found = 0, []
        for index, order in enumerate(orders):
            # A stream that is asked for more goes on; one that must leave out a question begins again.
            stream = streams.setdefault((index, order.without), Stream(source, seed, index, order.without | without))
            stream.take(order.wanted)
            found.append(stream.made.keys[: order.wanted])
            done += order.wanted
            report(done=min(done, source.examples), total=source.examples, unit="examples")
        return found

    orders = settle(source.examples, cells, ask)
    kept = [(order, streams[index, order.without].made) for index, order in enumerate(orders)]
    return Generated(
        list(in_rounds([made.documents[: order.wanted] for order, made in kept])),
        sum(made.checked for _, made in kept),
        sum(made.wrong for _, made in kept),
        sum((made.refused for _, made in kept), Counter()),
    )


def in_rounds(documents: Sequence[Sequence[Document]]) -> Iterator[Document]:
    """The cells' documents in the order of the rounds: every cell's first, every cell's second, and so on."""
    for place in range(max(map(len, documents), default=0)):
        yield from (own[place] for own in documents if place < len(own))
