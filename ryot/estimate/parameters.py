"""How many parameters a model has, and the formula in words. Pure arithmetic, no torch; held against transformers in the tests."""

from dataclasses import asdict, dataclass

from ryot.spec.model import Model
from ryot.spec.size import Counts, count


@dataclass(frozen=True, slots=True)
class Parameters(Counts):
    """Counts by place, of the model as ryot builds it, and in words.

    `described` counts the model as its original describes it, which only for a hybrid is another one: no feed-forward network, and no
    norm before it, after a Mamba mixer. Both formulas are in the `symbols`, whose values stand beside them.
    """

    formula: str
    symbols: str
    described: int
    described_formula: str


def count_parameters(model: Model) -> Parameters:
    """The parameters of a model, by the formulas of `ryot.spec.size.count`."""
    counts = count(model)
    match model.family:
        case "gpt":
            formula, symbols = f"V d + C d + L (4 d^2 + 2 d f + 9 d + f) + 2 d{_tail(model)}", f"{_common(model)}, C {model.context:,}"
        case "llama":
            formula, symbols = f"V d + L (2 d^2 + 2 d k + 3 d f + 2 d) + d{_tail(model)}", f"{_common(model)}, k {model.kv_size:,}"
        case "hybrid":
            return _hybrid(model, counts)
    return Parameters(**asdict(counts), formula=formula, symbols=symbols, described=counts.total, described_formula=formula)


def hidden_matrices(model: Model) -> int:
    """The parameters in matrices inside the blocks, which Muon takes: those of `count_parameters` without biases, norms, convolutions and
    what a mixer has once a head."""
    d, f = model.hidden_size, model.ffn_size
    if model.family == "gpt":
        return model.layers * (4 * d * d + 2 * d * f)
    found = model.attention_count * 2 * d * (d + model.kv_size) + model.layers * 3 * d * f
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


def _hybrid(model: Model, counts: Counts) -> Parameters:
    mamba = model.layers - model.attention_count
    feed_forward = 3 * model.hidden_size * model.ffn_size + model.hidden_size
    parts = "V d + A (2 d^2 + 2 d k) + M (d (2 e + u + h) + (c + 1) u + e + 3 h)"
    return Parameters(
        **asdict(counts),
        formula=f"{parts} + L (3 d f + 2 d) + d{_tail(model)}",
        symbols=_hybrid_symbols(model),
        described=counts.total - mamba * feed_forward,
        described_formula=f"{parts} + A (3 d f + d) + L d + d{_tail(model)}",
    )


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
