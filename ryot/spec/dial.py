"""The size dial: from `params: 125M` to a shape. Pure. What the author wrote stands; the rest is chosen around it.

The rules, and where they are from. Loss hangs weakly on the shape within a wide range (Kaplan et al. 2020, section 3.1), and depth pays
more the wider a model is (Levine et al. 2020), so published models grow in both: layers = sqrt(width) / 2 passes within a half of GPT-3's
table (Brown et al. 2020, table 2.1), Pythia's (Biderman et al. 2023) and Llama's (Touvron et al. 2023): 12 x 768, 24 x 2048, 32 x 4096.
Heads of 32 below a width of 256, of 64, and of 128 from 4096 on. gpt's feed-forward is 4 wide (Vaswani et al. 2017), a SwiGLU 8/3
(Shazeer 2020); three or four heads share their keys and values (Ainslie et al. 2023). A hybrid has attention in the fifth of every eight
layers (Lieber et al. 2024), and always in one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from pydantic import Field, model_validator

from ryot.spec.mamba import Mamba
from ryot.spec.section import Section
from ryot.spec.size import Family, count
from ryot.units import Count

NEAR = 0.05
"""A shape whose count is further from the wish than this share of it is none for it."""
HEAD_SIZES = (64, 32, 128, 96, 80, 112, 160, 192, 224, 256)
"""Those that vLLM's attention for CPUs has kernels for, the usual ones first."""
_CONTEXT: dict[Family, int] = {"gpt": 1024, "llama": 2048, "hybrid": 4096}
_VOCABULARY: dict[Family, int] = {"gpt": 50_257, "llama": 32_000, "hybrid": 49_152}
_SLACKS = (1.5, 4.0)
"""How far the layers may lie from the rule: a half, and where nothing near is found so, four times."""
_FFN = (0.8, 1.25)
"""How far the feed-forward width may."""
_WIDEST, _DEEPEST = 16384, 1024
_STEPS = ((256, 32), (512, 64), (1024, 128), (4096, 256), (math.inf, 512))
"""Widths are multiples of the second below the first: whole heads, and from 1024 on in fours, which share keys and split over devices."""


class Wish(Section):
    """What of a model the dial reads: the wish and what the author wrote."""

    family: Family
    params: Count = Field(ge=1000)
    vocab_size: Count | None = Field(None, ge=1)
    context: int | None = Field(None, ge=1)
    hidden_size: int | None = Field(None, ge=1)
    layers: int | None = Field(None, ge=1, le=_DEEPEST)
    heads: int | None = Field(None, ge=1)
    kv_heads: int | None = Field(None, ge=1)
    ffn_size: int | None = Field(None, ge=1)
    attention_layers: tuple[int, ...] | None = None
    mamba: Mamba | None = None
    tied: bool = True

    @model_validator(mode="after")
    def _possible(self) -> Self:
        """Layers that are named must be there; what else is wrong with the fields the model itself finds."""
        if self.layers is not None and self.attention_layers and max(self.attention_layers) >= self.layers:
            raise ValueError("attention_layers names a layer that is not there")
        return self


@dataclass(frozen=True, slots=True)
class Candidate:
    """A shape that is weighed, as `ryot.spec.size.Shape`."""

    family: Family
    vocab_size: int
    context: int
    tied: bool
    hidden_size: int
    layers: int
    heads: int
    kv_heads: int | None
    ffn_size: int
    attention_layers: tuple[int, ...] | None
    mamba: Mamba | None

    @property
    def kv_size(self) -> int:
        """Width of the keys of one token in one layer."""
        return self.hidden_size // self.heads * (self.kv_heads or self.heads)

    @property
    def attention_count(self) -> int:
        """Layers with attention."""
        return self.layers if self.attention_layers is None else len(self.attention_layers)

    @property
    def mixer(self) -> Mamba:
        """The other layers' mixers."""
        return self.mamba or Mamba()

    @property
    def total(self) -> int:
        """Its parameters."""
        return count(self).total


def derive(wish: Wish) -> Candidate:
    """The shape nearest to a wish, of sane ones. Raises ValueError, naming the numbers, where none is within NEAR of it."""
    best: Candidate | None = None
    for slack in _SLACKS:
        found = list(_candidates(wish, slack))
        best = min(found, key=lambda shape: _cost(shape, wish), default=best)
        if best is not None and abs(best.total / wish.params - 1) <= NEAR / 5:
            break
    if best is None or abs(best.total / wish.params - 1) > NEAR:
        raise ValueError(_impossible(wish, best))
    return best


def _impossible(wish: Wish, nearest: Candidate | None) -> str:
    vocab, width = _vocabulary(wish), next(_widths(wish), 32)
    if vocab * width > wish.params:
        taken = f"vocab_size {vocab:,} x hidden_size {width:,} = {vocab * width:,} parameters"
        return f"the embedding alone has {taken}, and params asks for {wish.params:,} in all; ask for more, or take a smaller vocab_size"
    if nearest is None:
        return (
            f"no shape fits params {wish.params:,} and the fields that are given; leave hidden_size, heads, kv_heads or mamba to the dial"
        )
    shape = (
        f"hidden_size {nearest.hidden_size:,}, layers {nearest.layers}, ffn_size {nearest.ffn_size:,}, vocab_size {nearest.vocab_size:,}"
    )
    return (
        f"params asks for {wish.params:,}; the nearest shape with the fields that are given has {nearest.total:,} ({shape}): "
        "change the wish or leave more fields to the dial"
    )


def _vocabulary(wish: Wish) -> int:
    """The author's, else the family's own, but fewer entries for a small model: 8,192 below 100M, 2,048 below 10M."""
    if wish.vocab_size is not None:
        return wish.vocab_size
    return 2048 if wish.params < 10_000_000 else 8192 if wish.params < 100_000_000 else _VOCABULARY[wish.family]


def _candidates(wish: Wish, slack: float) -> Iterator[Candidate]:
    """Shapes whose layers lie within `slack` times the rule, each with the feed-forward width that comes nearest to the wish."""
    for width in _widths(wish):
        start = _start(wish, width)
        if start is None:
            continue
        layers = _depths(wish, width, slack)
        if layers and _with(wish, start, layers[0]).total > wish.params * (1 + 2 * NEAR):
            if wish.heads is None and wish.hidden_size is None:
                break  # wider ones only have more
            continue
        yield from (_with(wish, start, depth) for depth in layers)


def _widths(wish: Wish) -> Iterator[int]:
    """Widths to weigh, from the narrowest: the author's, multiples of the author's heads, or of the usual head size."""
    if wish.hidden_size is not None:
        yield wish.hidden_size
    elif wish.heads is not None:
        yield from (wish.heads * size for size in sorted(HEAD_SIZES))
    else:
        width = 32
        while width <= _WIDEST:
            yield width
            width += next(step for below, step in _STEPS if width < below)


def _head_size(width: int) -> int:
    return 32 if width < 256 else 64 if width < 4096 else 128


def _start(wish: Wish, width: int) -> Candidate | None:
    """A candidate of a width, whose layers and feed-forward width are still to be chosen; None where the author's fields forbid it."""
    heads = wish.heads or next((width // size for size in (_head_size(width), *HEAD_SIZES) if width % size == 0), None)
    if heads is None or width % heads:
        return None
    kv_heads = wish.kv_heads
    if wish.family != "gpt" and kv_heads is None:
        kv_heads = heads // next(shared for shared in (4, 3, 2, 1) if heads % shared == 0)
    if kv_heads is not None and heads % kv_heads:
        return None
    mamba = wish.mamba
    if wish.family == "hybrid":
        mamba = mamba or (Mamba() if width >= 256 else Mamba(state_size=32, head_size=32))
        if mamba.expand * width % mamba.head_size or mamba.expand * width // mamba.head_size % mamba.groups:
            return None
    context = wish.context or _CONTEXT[wish.family]
    return Candidate(wish.family, _vocabulary(wish), context, wish.tied, width, 1, heads, kv_heads, 1, wish.attention_layers, mamba)


def _depths(wish: Wish, width: int, slack: float) -> range:
    """The numbers of layers to weigh."""
    if wish.layers is not None:
        return range(wish.layers, wish.layers + 1)
    least = max([*(wish.attention_layers or ()), 1 if wish.family == "hybrid" else 0]) + 1  # a hybrid has both kinds of layers
    rule = _depth(width)
    return range(max(math.ceil(rule / slack), least), max(min(math.floor(rule * slack), _DEEPEST), least) + 1)


def _depth(width: int) -> float:
    return math.sqrt(width) / 2


def _with(wish: Wish, start: Candidate, layers: int) -> Candidate:
    """A candidate at a depth: its parameters are linear in the feed-forward width, which takes up what the others leave."""
    placed = start.attention_layers
    if wish.family == "hybrid" and placed is None:
        placed = tuple(layer for layer in range(layers) if layer % 8 == 4) or (layers // 2,)
    shape = replace(start, layers=layers, attention_layers=placed)
    if wish.ffn_size is not None:
        return replace(shape, ffn_size=wish.ffn_size)
    usual, step = _ffn(shape), max(1 << (shape.hidden_size // 16).bit_length() - 1, 16)
    each = replace(shape, ffn_size=2).total - shape.total
    wanted = (wish.params - shape.total) / each + 1
    within = min(max(wanted, usual * _FFN[0]), usual * _FFN[1])
    return replace(shape, ffn_size=max(round(within / step), 1) * step)


def _ffn(shape: Candidate) -> float:
    return shape.hidden_size * (4 if shape.family == "gpt" else 8 / 3)


def _cost(shape: Candidate, wish: Wish) -> tuple[float, int]:
    """How far a shape lies from the wish and from the rules: one per cent of the wish weighs as much as a fifth of either rule."""
    miss = 20 * abs(shape.total / wish.params - 1)
    odd = abs(math.log(shape.layers / _depth(shape.hidden_size))) + abs(math.log(shape.ffn_size / _ffn(shape)))
    return miss + odd, shape.hidden_size
