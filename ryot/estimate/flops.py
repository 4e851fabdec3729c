"""How many floating-point operations one token takes, from the model's shape alone: pure arithmetic. Held against torch's counter.

Counted are matrix products and convolutions, 2 for a multiply-add; norms, activations, softmax and the optimizer are not.
"""

from dataclasses import dataclass

from ryot.spec.model import Model

CHUNK = 256
"""Positions of a chunk of the Mamba-2 scan; a shorter context makes it the next power of two. The train stage builds models with it."""


@dataclass(frozen=True, slots=True)
class Flops:
    """FLOPs per token. `attention` (scores and values) and `scan` (of the Mamba-2 mixers) are parts of `forward`."""

    forward: int
    attention: int
    scan: int
    backward: int
    recompute: int

    @property
    def total(self) -> int:
        """A training step's, per token."""
        return self.forward + self.backward + self.recompute


def flops_per_token(model: Model, sequence: int, recompute: bool = False, *, fused: bool = False) -> Flops:
    """FLOPs per token of a row of `sequence` tokens (S), in a training step.

    Forward: 2 for each weight of a matrix (Kaplan et al. 2020, section 2.1), that is 2 V d for the head and, in each layer, 2 (4 d^2 +
    2 d f) for gpt, 2 (2 d^2 + 2 d k + 3 d f) for llama, and for a Mamba-2 mixer 2 (d (e + u + h) + e d) and its convolution 2 c u; the
    symbols are those of `count_parameters`. Attention adds 4 S d in each of its layers: 2 S d for the scores and as much for the values,
    all S x S pairs, although a causal mask leaves half of them unused, because torch's FlopCounterMode and the 6 N + 12 L d S of PaLM
    (Chowdhery et al. 2022, appendix B) count them so. The scan adds `scan_flops` in each Mamba layer.
    Backward: twice the forward pass, one product for the gradient of each factor. With `fused`, 2 S d more in each attention layer: flash
    attention computes the scores again, and FlopCounterMode counts that for its GPU kernels (the CPU's it does not count at all).
    Recompute: the forward pass of the blocks once more, without the head; torch stops it when all that the backward pass reads is there,
    so the last product, 2 d f in each layer, is made only where dropout follows it.
    """
    head = 2 * model.vocab_size * model.hidden_size
    attention = model.attention_count * 4 * sequence * model.hidden_size
    scan = (model.layers - model.attention_count) * scan_flops(model)
    forward = head + _weights(model) + attention + scan
    again = forward - head - (0 if model.dropout else model.layers * 2 * model.hidden_size * model.ffn_size)
    return Flops(
        forward=forward,
        attention=attention,
        scan=scan,
        backward=2 * forward + (attention // 2 if fused else 0),
        recompute=again if recompute else 0,
    )


def scan_flops(model: Model) -> int:
    """FLOPs per token of one Mamba-2 scan in the forward pass: h heads of width P, states of N, chunks of Q (Dao & Gu 2024, section 6).

    G 2 Q N (products of C and B within a chunk, shared by the heads of a group) + h (2 Q P (applied to the inputs) + 2 N P (the state a
    chunk leaves) + 2 N P (what the state before it gives)). The recurrence from chunk to chunk is left out: 1 / Q of a token each.
    Without the fused kernels transformers computes the first term for every head, h 2 Q N, and pads a row to whole chunks.
    """
    mamba, size = model.mixer, chunk_size(model.context)
    heads = mamba.expand * model.hidden_size // mamba.head_size
    shared = mamba.groups * 2 * size * mamba.state_size
    return shared + heads * (2 * size * mamba.head_size + 4 * mamba.state_size * mamba.head_size)


def chunk_size(context: int) -> int:
    """Positions in a chunk of the Mamba-2 scan: CHUNK, or the power of two that holds a shorter context."""
    return min(CHUNK, 1 << (context - 1).bit_length())


def _weights(model: Model) -> int:
    """2 for each weight that a token meets in the blocks' matrices and convolutions."""
    d, f = model.hidden_size, model.ffn_size
    if model.family == "gpt":
        return model.layers * 2 * (4 * d * d + 2 * d * f)
    mixers = model.attention_count * 2 * (2 * d * d + 2 * d * model.kv_size)
    if model.family == "hybrid":
        mixers += (model.layers - model.attention_count) * _mixer(model)
    return mixers + model.layers * 2 * 3 * d * f


def _mixer(model: Model) -> int:
    mamba, d = model.mixer, model.hidden_size
    inner = mamba.expand * d
    conv = inner + 2 * mamba.groups * mamba.state_size
    return 2 * d * (2 * inner + conv + inner // mamba.head_size) + 2 * mamba.conv_size * conv
