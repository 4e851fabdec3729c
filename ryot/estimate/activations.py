"""What autograd keeps of a forward pass: bytes per block, and what lies beside them at the block's highest moments in the backward pass.

Counted tensor by tensor from the Hugging Face modules that the train stage builds and torch's derivative formulas: the terms of
Korthikanti et al. 2022 (section 4.1), without their fp16 and one-byte masks. Held against torch's tracker in the tests.

Symbols: R rows, S tokens of a row, N = R S, d hidden_size, f ffn_size, k width of keys, a heads, q = R a S^2 scores; b bytes of an
activation (4, or 2 under bf16 or fp16 autocast, where residuals and norms stay in fp32), m bytes of an element of a dropout mask.
"""

from dataclasses import dataclass

from ryot.estimate.flops import chunk_size
from ryot.spec.model import Model
from ryot.spec.size import mixer_parameters

FLOAT = 4
"""Bytes of an fp32 number."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One forward pass: rows of tokens, whether products run in 16 bits, whether attention is fused, the kind of the device ("cpu",
    "cuda" or "rocm"), and whether the rows are packed: documents that follow one another in a single row."""

    rows: int
    sequence: int
    half: bool = False
    fused: bool = True
    device: str = "cpu"
    packed: bool = False

    @property
    def positions(self) -> int:
        """N, the tokens in the pass."""
        return self.rows * self.sequence

    @property
    def width(self) -> int:
        """b, the bytes of an activation."""
        return 2 if self.half else FLOAT


@dataclass(frozen=True, slots=True)
class Moment:
    """A high point of a block's backward pass: bytes beside what the blocks before it keep, and beside the gradients of `parameters`,
    those of the block that have theirs by then."""

    bytes: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Block:
    """One block: the bytes it keeps from forward to backward (its output counted, its input not), its parameters, its high points."""

    saved: int
    parameters: int
    moments: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class _Mixer:
    """Attention or a Mamba-2 mixer without norm, residual and dropout: what it keeps, the most its backward pass has beside or instead."""

    saved: int
    peak: int
    parameters: int
    output: int


def block(model: Model, given: Pass, attention: bool) -> Block:
    """A block with `attention` or, in a hybrid, a Mamba-2 mixer.

    Kept: two residual sums 8 N d, two norms (`norm_bytes`), two dropout masks N d m, the mixer (`_attention`, `_mamba`), the
    feed-forward network (gpt: fc and gelu 2 N f b; else gate, silu, up and product 4 N f b), in 16 bits also the matrices cast, 2 bytes
    each. High points: in the feed-forward network, whose inner gradients (gpt N f b, else 2 N f b) stand beside all that is kept; in the
    norm before it; in the mixer.
    """
    wide = given.positions * model.hidden_size
    inner = given.positions * model.ffn_size * given.width
    mixer = _attention(model, given) if attention else _mamba(model, given)
    mask = mask_bytes(model, given)
    norms = norm_bytes(model, given, 3 if attention else 1), norm_bytes(model, given, 2 if model.family == "llama" else 1)
    matrices = (2 if model.family == "gpt" else 3) * model.hidden_size * model.ffn_size
    before = norms[0] + mixer.saved + mask + wide * FLOAT
    after = norms[1] + (2 if model.family == "gpt" else 4) * inner + mask + wide * FLOAT
    cast = 2 * (mixer.parameters + matrices) if given.half else 0
    saved = before + after + cast
    incoming = wide * given.width if mask or given.half else 0
    in_feed_forward = inner + incoming if model.family == "gpt" else max(2 * inner, inner + incoming)
    in_norm = before + norms[1] - wide * given.width + (1 if model.family == "gpt" else 5) * wide * FLOAT
    in_mixer = norms[0] + mixer.peak + wide * FLOAT + (2 * mixer.parameters if given.half else 0)
    moments = (
        Moment(saved - mask + in_feed_forward, matrices // (2 if model.family == "gpt" else 3)),
        Moment(in_norm, matrices),
        Moment(in_mixer, matrices + mixer.output),
    )
    return Block(saved, matrices + mixer.parameters + 2 * model.hidden_size, moments)


def norm_bytes(model: Model, given: Pass, readers: int) -> int:
    """What a norm keeps beside its input, when its output is read by so many projections.

    gpt: the output N d b and the mean and deviation of each row, 8 N. Else: the normed rows 4 N d, 4 N, and the output N d b, in
    16 bits one cast for each reader: q, k and v; gate and up, which are one in a hybrid; the head.
    """
    wide = given.positions * model.hidden_size
    if model.family == "gpt":
        return 2 * FLOAT * given.positions + wide * given.width
    return (wide + given.positions) * FLOAT + (readers if given.half else 1) * wide * given.width


def mask_bytes(model: Model, given: Pass, width: int | None = None) -> int:
    """N d m: a dropout mask. On a CPU it is an activation of the input's width (or `width`), on a GPU of one byte."""
    if not model.dropout:
        return 0
    return given.positions * model.hidden_size * ((width or given.width) if given.device == "cpu" else 1)


def _attention(model: Model, given: Pass) -> _Mixer:
    """Fused: q, k, v and out N (2 d + 2 k) b, 4 N a of log-sums; backwards as much again, their gradients and the incoming one.

    Eager: q, k, v (repeated over heads) and out 4 N d b and the softmax q b, in 16 bits with its fp32 source 4 q; backwards the scores'
    gradient before and after the softmax, 2 q, while one of v and one incoming N d b have gone.

    Packed: keys and values repeated over heads; a CPU takes one document after the other, so that eager keeps no fp32 source and no
    gradient of scores stands beside; elsewhere they are spread out over rows, and out is there once more.
    """
    n, d, b = given.positions, model.hidden_size, given.width
    parameters = 2 * d * (d + model.kv_size)
    scores = given.rows * model.heads * given.sequence**2
    if given.packed and given.device == "cpu":
        kept = 4 * n * d * b + (n * model.heads * FLOAT if given.fused else scores * b)
        return _Mixer(kept, kept + 4 * n * d * b, parameters, d * d)
    if not given.fused:
        kept = 3 * n * d * b + scores * (b + FLOAT if given.half else b)
        transient = max(n * d * b + scores * b, 2 * FLOAT * scores - n * d * b - (2 * scores if given.half else 0))
        return _Mixer(kept + n * d * b, kept + n * d * b + transient, parameters, d * d)
    vectors = n * (2 * d + 2 * (d if given.packed else model.kv_size)) * b
    kept = vectors + n * model.heads * FLOAT + (n * d * b if given.packed else 0)
    return _Mixer(kept, kept + vectors, parameters, d * d)


def _mamba(model: Model, given: Pass) -> _Mixer:
    """The Mamba-2 mixer in plain torch, without its fused kernels (transformers 5.19, `mamba2_chunk_scan`).

    e inner width, u = e + 2 G n of the convolution, h heads, n states, c taps, P = N padded to whole chunks of C. Kept: the projection
    N (e + u + h) b, the convolution's R u (S + c - 1) b and its silu N u b (in 16 bits, of these, its input and output); steps 12 N h;
    decays within chunks, 4 P h C, their products with B and C, 2 P h C b; the scan's inputs by chunk, B and C by head P h n (4 b + 4),
    decays 8 P h, chunk states, their outputs P e b; the gated norm's five of N e. Kept is exact. In the backward pass three fp32
    gradients of 4 P h C stand beside the decays and the products not yet used; that high point is approximate, within 3 %.
    """
    m, d, b = model.mixer, model.hidden_size, given.width
    e = m.expand * d
    u, h, chunk = e + 2 * m.groups * m.state_size, e // m.head_size, chunk_size(model.context)
    chunks = -(-given.sequence // chunk)
    n, padded = given.positions, given.rows * chunks * chunk
    convolved = given.rows * u * (given.sequence + m.conv_size - 1) + n * u
    projected = 2 * convolved if given.half else FLOAT * (convolved + n * (e + u + h))
    inputs = FLOAT * e * (2 * padded + n) if given.half else FLOAT * e * padded * min(chunks + 1, 3)
    scores = padded * h * chunk
    states = given.rows * e * m.state_size * b * (chunks + 1 + max(chunks, 2))
    scan = scores * (FLOAT + 2 * b) + padded * (h * m.state_size * (4 * b + FLOAT) + 2 * FLOAT * h + e * b)
    scan += inputs + states + 2 * chunk * chunk + 3 * FLOAT * n * h
    gated = FLOAT * (padded * e + (4 if given.half else 3) * n * e + n) + n * e * b
    in_scan = 10 * scores + 2 * FLOAT * n * e if given.half else 8 * scores
    beside = max(gated + 3 * FLOAT * n * e, in_scan)
    return _Mixer(projected + scan + gated, projected + scan + beside + n * d * b, mixer_parameters(model), e * d)
