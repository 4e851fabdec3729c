"""`model`: the shape of the network. A preset fills what the spec does not say."""

from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ryot.spec.presets import MODELS
from ryot.spec.section import Section
from ryot.units import Count, Proportion


def _preset_or_all(schema: dict[str, Any]) -> None:
    """In the JSON Schema: what is required is required only where no preset gives it."""
    schema["anyOf"] = [{"required": ["preset"]}, {"required": schema.pop("required")}]


class Model(Section):
    """The shape of the network."""

    model_config = ConfigDict(json_schema_extra=_preset_or_all)

    preset: str | None = None
    """A named model whose values stand where the spec gives none."""
    family: Literal["gpt", "llama"]
    """gpt: pre-norm, GELU, fixed sinusoidal positions (GPT-2). llama: RoPE, SwiGLU, grouped-query attention."""
    vocab_size: Count = Field(ge=260)
    """Entries in the vocabulary, special tokens included; a byte-level one needs at least 260."""
    hidden_size: int = Field(ge=8, le=65536)
    """Width of the residual stream."""
    layers: int = Field(ge=1, le=1024)
    """Number of blocks."""
    heads: int = Field(ge=1, le=1024)
    """Attention heads per block; they divide hidden_size."""
    kv_heads: int | None = Field(None, ge=1)
    """Key and value heads (llama); by default as many as heads. They divide heads."""
    ffn_size: int = Field(ge=8)
    """Inner width of the feed-forward network."""
    context: int = Field(ge=8, le=1 << 20)
    """Context length in tokens."""
    tied: bool = True
    """Whether the output head shares the input embedding's weights."""
    dropout: Proportion = 0.1
    """Dropout on embeddings and residuals while training. Attention dropout is always 0."""
    rope_theta: float = Field(10000.0, gt=0)
    """Base of the rotary position frequencies (llama)."""

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, fields: object) -> object:
        if not isinstance(fields, dict) or not isinstance(fields.get("preset"), str):
            return fields
        preset = MODELS.get(fields["preset"])
        if preset is None:
            raise ValueError(f"unknown preset {fields['preset']!r}; there are {', '.join(MODELS)}")
        return {**preset, **fields}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.hidden_size % self.heads:
            raise ValueError(f"{self.heads} heads do not divide hidden_size {self.hidden_size}")
        if self.kv_heads is not None and self.heads % self.kv_heads:
            raise ValueError(f"{self.kv_heads} kv_heads do not divide {self.heads} heads")
        if self.family == "gpt" and self.kv_heads not in (None, self.heads):
            raise ValueError("the gpt family has as many kv_heads as heads; leave kv_heads out or use family: llama")
        if self.family == "llama" and (self.hidden_size // self.heads) % 2:
            raise ValueError(f"rotary positions need an even head size; hidden_size / heads is {self.hidden_size // self.heads}")
        return self
