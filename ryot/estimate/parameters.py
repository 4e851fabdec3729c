"""How many parameters a model has, exactly, from its shape alone: pure arithmetic, no torch. Held against transformers in the tests."""

from dataclasses import dataclass

from ryot.spec.model import Model


@dataclass(frozen=True, slots=True)
class Parameters:
    """Counts by place, of the model as ryot builds it. `frozen` are in the checkpoint but never trained: gpt's sinusoidal positions.

    `described` counts the model as its original describes it, which only for a hybrid is another one: no feed-forward network, and no
    norm before it, after a Mamba mixer. Both formulas are in the `symbols`, whose values stand beside them.
    """

    embedding: int
    blocks: int
    norm: int
    head: int
    frozen: int
    formula: str
    symbols: str
    described: int
    described_formula: str

    @property
    def total(self) -> int:
        """All that the checkpoint holds."""
        return self.trainable + self.frozen

    @property
    def trainable(self) -> int:
        """All that training changes."""
        return self.embedding + self.blocks + self.norm + self.head


def count_parameters(model: Model) -> Parameters:
    """The parameters of a model.

    V vocab_size, C context, d hidden_size, L layers, f ffn_size, k = d kv_heads / heads (width of keys). Head: 0 when tied, else V d.
    gpt (Radford et al. 2019; biases everywhere, LayerNorm 2 d): V d + C d frozen + L (4 d^2 + 2 d f + 9 d + f) + 2 d + head,
    a block being qkv 3 d^2 + 3 d, attention out d^2 + d, feed-forward 2 d f + f + d, two norms 4 d.
    llama (Touvron et al. 2023; no biases, RMSNorm d): V d + L (2 d^2 + 2 d k + 3 d f + 2 d) + d + head,
    a block being q and out 2 d^2, keys and values 2 d k (Ainslie et al. 2023), SwiGLU 3 d f (Shazeer 2020), two norms 2 d.
    hybrid (GraniteMoeHybrid without experts, IBM 2025): V d + A (2 d^2 + 2 d k) + M m + L (3 d f + 2 d) + d + head, with A attention
    and M = L - A Mamba layers. m = d (2 e + u + h) + (c + 1) u + e + 3 h is a Mamba-2 mixer (Dao & Gu 2024, section 7): the input
    projection d (e + u + h) to gate, convolution and steps, the convolution of c taps with its bias (c + 1) u, the step's bias, A and D
    3 h, the gated norm e, the output projection e d; e = expand d is the inner width, u = e + 2 G N that of the convolution (G groups,
    states of N), h = e / head_size the heads.
    """
    match model.family:
        case "gpt":
            return _gpt(model)
        case "llama":
            return _llama(model)
        case "hybrid":
            return _hybrid(model)


def hidden_matrices(model: Model) -> int:
    """The parameters in matrices inside the blocks, which Muon takes: those of `count_parameters` without biases, norms, convolutions and
    what a mixer has once a head."""
    d, f = model.hidden_size, model.ffn_size
    if model.family == "gpt":
        return model.layers * (4 * d * d + 2 * d * f)
    found = model.attention_count * _attention(model) + model.layers * 3 * d * f
    return found + (model.layers - model.attention_count) * _mixer_matrices(model)


def largest_matrix(model: Model) -> int:
    """The parameters in the largest matrix inside a block."""
    d, f = model.hidden_size, model.ffn_size
    if model.family == "gpt":
        return max(3 * d * d, d * f)
    mixer = _mixer_matrices(model) - model.mixer.expand * d * d if model.attention_count < model.layers else 0
    return max(d * d, d * f, mixer)


def _mixer_matrices(model: Model) -> int:
    """A Mamba-2 mixer's projections, in and out."""
    if model.family != "hybrid":
        return 0
    mamba, d = model.mixer, model.hidden_size
    inner = mamba.expand * d
    return d * (2 * inner + inner + 2 * mamba.groups * mamba.state_size + inner // mamba.head_size)


def mixer_parameters(model: Model) -> int:
    """The parameters of one Mamba-2 mixer, m in `count_parameters`."""
    mamba, d = model.mixer, model.hidden_size
    inner = mamba.expand * d
    conv, heads = inner + 2 * mamba.groups * mamba.state_size, inner // mamba.head_size
    return d * (2 * inner + conv + heads) + (mamba.conv_size + 1) * conv + inner + 3 * heads


def _gpt(model: Model) -> Parameters:
    d, f, positions = model.hidden_size, model.ffn_size, model.context * model.hidden_size
    embedding, blocks = model.vocab_size * d, model.layers * (4 * d * d + 2 * d * f + 9 * d + f)
    formula = f"V d + C d + L (4 d^2 + 2 d f + 9 d + f) + 2 d{_tail(model)}"
    described = embedding + positions + blocks + 2 * d + _head(model)
    symbols = f"{_common(model)}, C {model.context:,}"
    return Parameters(embedding, blocks, 2 * d, _head(model), positions, formula, symbols, described, formula)


def _llama(model: Model) -> Parameters:
    d = model.hidden_size
    embedding, blocks = model.vocab_size * d, model.layers * (_attention(model) + 3 * d * model.ffn_size + 2 * d)
    formula = f"V d + L (2 d^2 + 2 d k + 3 d f + 2 d) + d{_tail(model)}"
    symbols = f"{_common(model)}, k {model.kv_size:,}"
    return Parameters(embedding, blocks, d, _head(model), 0, formula, symbols, embedding + blocks + d + _head(model), formula)


def _hybrid(model: Model) -> Parameters:
    d, mamba = model.hidden_size, model.layers - model.attention_count
    feed_forward = 3 * d * model.ffn_size + d
    embedding = model.vocab_size * d
    mixers = model.attention_count * _attention(model) + mamba * mixer_parameters(model)
    blocks = mixers + model.layers * (feed_forward + d)
    total = embedding + blocks + d + _head(model)
    parts = "V d + A (2 d^2 + 2 d k) + M (d (2 e + u + h) + (c + 1) u + e + 3 h)"
    return Parameters(
        embedding=embedding,
        blocks=blocks,
        norm=d,
        head=_head(model),
        frozen=0,
        formula=f"{parts} + L (3 d f + 2 d) + d{_tail(model)}",
        symbols=_hybrid_symbols(model),
        described=total - mamba * feed_forward,
        described_formula=f"{parts} + A (3 d f + d) + L d + d{_tail(model)}",
    )


def _attention(model: Model) -> int:
    return 2 * model.hidden_size * (model.hidden_size + model.kv_size)


def _head(model: Model) -> int:
    return 0 if model.tied else model.vocab_size * model.hidden_size


def _tail(model: Model) -> str:
    return "" if model.tied else " + V d"


def _common(model: Model) -> str:
    return f"V {model.vocab_size:,}, d {model.hidden_size:,}, L {model.layers}, f {model.ffn_size:,}"


def _hybrid_symbols(model: Model) -> str:
    inner = model.mixer.expand * model.hidden_size
    conv = inner + 2 * model.mixer.groups * model.mixer.state_size
    layers = f"A {model.attention_count}, M {model.layers - model.attention_count}"
    widths = f"e {inner:,}, u {conv:,}, h {inner // model.mixer.head_size:,}, c {model.mixer.conv_size}"
    return f"{_common(model)}, k {model.kv_size:,}, {layers}, {widths}"
