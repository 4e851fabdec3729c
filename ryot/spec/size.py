"""How many parameters a shape has: pure arithmetic on what a model and a candidate for one have in common. The only copy of it."""

from dataclasses import dataclass
from typing import Literal, Protocol

from ryot.spec.mamba import Mamba

Family = Literal["gpt", "llama", "hybrid"]


class Shape(Protocol):
    """What bears the number of parameters."""

    @property
    def family(self) -> Family:
        """Which formula holds."""

    @property
    def vocab_size(self) -> int:
        """Entries in the vocabulary."""

    @property
    def hidden_size(self) -> int:
        """Width of the residual stream."""

    @property
    def layers(self) -> int:
        """Number of blocks."""

    @property
    def kv_size(self) -> int:
        """Width of the keys, and of the values, of one token in one layer."""

    @property
    def ffn_size(self) -> int:
        """Inner width of the feed-forward network."""

    @property
    def context(self) -> int:
        """Positions in gpt's table."""

    @property
    def tied(self) -> bool:
        """Whether the head is the embedding."""

    @property
    def attention_count(self) -> int:
        """Layers with attention."""

    @property
    def mixer(self) -> Mamba:
        """The other layers' mixers."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Parameters by place, as ryot builds the model. `frozen` are in the checkpoint but never trained: gpt's sinusoidal positions."""

    embedding: int
    blocks: int
    norm: int
    head: int
    frozen: int

    @property
    def total(self) -> int:
        """All that the checkpoint holds; a tied head is the embedding and counts once."""
        return self.trainable + self.frozen

    @property
    def trainable(self) -> int:
        """All that training changes."""
        return self.embedding + self.blocks + self.norm + self.head


def count(shape: Shape) -> Counts:
    """The parameters of a shape.

    V vocab_size, C context, d hidden_size, L layers, f ffn_size, k = d kv_heads / heads (width of keys). Head: 0 when tied, else V d.
    gpt (Radford et al. 2019; biases everywhere, LayerNorm 2 d): V d + C d frozen + L (4 d^2 + 2 d f + 9 d + f) + 2 d + head,
    a block being qkv 3 d^2 + 3 d, attention out d^2 + d, feed-forward 2 d f + f + d, two norms 4 d.
    llama (Touvron et al. 2023; no biases, RMSNorm d): V d + L (2 d^2 + 2 d k + 3 d f + 2 d) + d + head,
    a block being q and out 2 d^2, keys and values 2 d k (Ainslie et al. 2023), SwiGLU 3 d f (Shazeer 2020), two norms 2 d.
    hybrid (GraniteMoeHybrid without experts, IBM 2025): V d + A (2 d^2 + 2 d k) + M m + L (3 d f + 2 d) + d + head, with A attention
    and M = L - A Mamba layers, and m as in `mixer_parameters`.
    """
    d, f, layers = shape.hidden_size, shape.ffn_size, shape.layers
    embedding, head = shape.vocab_size * d, 0 if shape.tied else shape.vocab_size * d
    if shape.family == "gpt":
        return Counts(embedding, layers * (4 * d * d + 2 * d * f + 9 * d + f), 2 * d, head, shape.context * d)
    attention = shape.attention_count * 2 * d * (d + shape.kv_size)
    mixers = (layers - shape.attention_count) * mixer_parameters(shape) if shape.attention_count < layers else 0
    return Counts(embedding, attention + mixers + layers * (3 * d * f + 2 * d), d, head, 0)


def mixer_parameters(shape: Shape) -> int:
    """The parameters of one Mamba-2 mixer (Dao & Gu 2024, section 7): m = d (2 e + u + h) + (c + 1) u + e + 3 h.

    The input projection d (e + u + h) to gate, convolution and steps, the convolution of c taps with its bias (c + 1) u, the step's bias,
    A and D 3 h, the gated norm e, the output projection e d; e = expand d is the inner width, u = e + 2 G N that of the convolution (G
    groups, states of N), h = e / head_size the heads.
    """
    mamba, d = shape.mixer, shape.hidden_size
    inner = mamba.expand * d
    conv, heads = inner + 2 * mamba.groups * mamba.state_size, inner // mamba.head_size
    return d * (2 * inner + conv + heads) + (mamba.conv_size + 1) * conv + inner + 3 * heads
