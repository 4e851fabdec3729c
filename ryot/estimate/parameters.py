"""How many parameters a model has, exactly, from its shape alone: pure arithmetic, no torch. Held against transformers in the tests."""

from dataclasses import dataclass

from ryot.spec.model import Model


@dataclass(frozen=True, slots=True)
class Parameters:
    """Counts by place. `frozen` are in the checkpoint but never trained: the gpt family's table of sinusoidal positions."""

    embedding: int
    blocks: int
    norm: int
    head: int
    frozen: int
    formula: str

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
    """
    return _gpt(model) if model.family == "gpt" else _llama(model)


def _gpt(model: Model) -> Parameters:
    d, f = model.hidden_size, model.ffn_size
    return Parameters(
        embedding=model.vocab_size * d,
        blocks=model.layers * (4 * d * d + 2 * d * f + 9 * d + f),
        norm=2 * d,
        head=_head(model),
        frozen=model.context * d,
        formula=f"V d + C d + L (4 d^2 + 2 d f + 9 d + f) + 2 d{_tail(model)}",
    )


def _llama(model: Model) -> Parameters:
    d, f = model.hidden_size, model.ffn_size
    k = d // model.heads * (model.kv_heads or model.heads)
    return Parameters(
        embedding=model.vocab_size * d,
        blocks=model.layers * (2 * d * d + 2 * d * k + 3 * d * f + 2 * d),
        norm=d,
        head=_head(model),
        frozen=0,
        formula=f"V d + L (2 d^2 + 2 d k + 3 d f + 2 d) + d{_tail(model)}",
    )


def _head(model: Model) -> int:
    return 0 if model.tied else model.vocab_size * model.hidden_size


def _tail(model: Model) -> str:
    return "" if model.tied else " + V d"
