"""`model`: the shape of the network. A preset fills what the spec does not say, or `params`, the size dial, does."""

from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from ryot.spec.dial import Wish, derive
from ryot.spec.mamba import Mamba
from ryot.spec.presets import MODELS
from ryot.spec.rope import RopeScaling
from ryot.spec.section import Section
from ryot.spec.size import Family
from ryot.units import Count, Proportion

DERIVED = ("vocab_size", "context", "hidden_size", "layers", "heads", "kv_heads", "ffn_size", "attention_layers", "mamba")
"""What `params` derives where the spec does not say it."""
NAMES = {"preset", "params", "positions"}
"""Fields that only choose or name others, and are no part of the shape."""
_ANY: dict[str, object] = {"vocab_size": 260, "context": 8, "hidden_size": 64, "layers": 1, "heads": 1, "ffn_size": 8}


def _preset_or_all(schema: dict[str, Any]) -> None:
    """In the JSON Schema: what is required is required only where neither a preset nor the size dial gives it."""
    schema["anyOf"] = [{"required": ["preset"]}, {"required": ["family", "params"]}, {"required": schema.pop("required")}]


class Model(Section):
    """The shape of the network."""

    model_config = ConfigDict(json_schema_extra=_preset_or_all)

    preset: str | None = None
    """A named model whose values stand where the spec gives none."""
    params: Count | None = Field(None, ge=1000)
    """The size dial: so many parameters, as built, a tied head counted once. With `family` it stands for a preset: the shape that comes
    nearest is derived, around the fields that are given. The plan shows it."""
    family: Family
    """gpt: pre-norm, GELU, fixed sinusoidal positions (GPT-2). llama: RoPE, SwiGLU, grouped-query attention. hybrid: the llama's
    attention in some layers and Mamba-2 in the others, a SwiGLU after each (GraniteMoeHybrid)."""
    vocab_size: Count = Field(ge=260)
    """Entries in the vocabulary, special tokens included; a byte-level one needs at least 260."""
    hidden_size: int = Field(ge=8, le=65536)
    """Width of the residual stream."""
    layers: int = Field(ge=1, le=1024)
    """Number of blocks."""
    heads: int = Field(ge=1, le=1024)
    """Attention heads per block; they divide hidden_size."""
    kv_heads: int | None = Field(None, ge=1)
    """Key and value heads (llama, hybrid); by default as many as heads. They divide heads."""
    ffn_size: int = Field(ge=8)
    """Inner width of the feed-forward network."""
    context: int = Field(ge=8, le=1 << 20)
    """Context length in tokens."""
    tied: bool = True
    """Whether the output head shares the input embedding's weights."""
    dropout: Proportion = Field(0.1, lt=1)
    """Dropout on embeddings and residuals while training, below 1. Attention dropout is always 0."""
    rope_theta: float = Field(10000.0, gt=0)
    """Base of the rotary position frequencies (llama, hybrid)."""
    rope_scaling: RopeScaling | None = None
    """Rotary positions for a longer context (llama, hybrid): `{type: yarn, factor: 4, original_context: 2048}`."""
    positions: Literal["sinusoidal", "rope"] | None = None
    """How a token's place is told, for those who want to read it: gpt has sinusoidal, llama and hybrid rope. Chooses nothing."""
    attention_layers: tuple[int, ...] | None = None
    """The layers, counted from 0, whose mixer is attention (hybrid, which needs it); the others' is Mamba-2."""
    mamba: Mamba | None = None
    """The Mamba-2 mixers (hybrid); by default those of Mamba: state 128, heads of 64, twice the width."""

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, fields: object) -> object:
        if not isinstance(fields, dict):
            return fields
        given = {name: value for name, value in fields.items() if value is not None}
        if "params" in given:
            return _from_wish(given)
        if not isinstance(given.get("preset"), str):
            return fields
        preset = MODELS.get(given["preset"])
        if preset is None:
            raise ValueError(f"unknown preset {given['preset']!r}; there are {', '.join(MODELS)}")
        return {**preset, **fields}

    @field_validator("positions", mode="before")
    @classmethod
    def _no_alibi(cls, positions: object) -> object:
        if positions == "alibi":
            raise ValueError(
                "alibi (Press et al. 2022) is in none of ryot's families: GPT-2, Llama and GraniteMoeHybrid have no place for its biases, "
                "neither in transformers nor in vLLM. Models that have them are BLOOM and Falcon, which vLLM 0.32 serves, and MPT, which "
                "it no longer does; for a longer context use family: llama with rope_scaling"
            )
        return positions

    def shape(self) -> dict[str, Any]:
        """What the network is made of: every field but those by which it was chosen, a hybrid's mixers filled in."""
        mamba = {"mamba": self.mixer.model_dump()} if self.family == "hybrid" else {}
        return self.model_dump(exclude=NAMES) | mamba

    @property
    def mixer(self) -> Mamba:
        """The Mamba-2 mixers of a hybrid."""
        return self.mamba or Mamba()

    @property
    def attention_count(self) -> int:
        """How many layers have attention: all but in a hybrid."""
        return self.layers if self.attention_layers is None else len(self.attention_layers)

    @property
    def kv_size(self) -> int:
        """Width of the keys, and of the values, of one token in one layer."""
        return self.hidden_size // self.heads * (self.kv_heads or self.heads)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.hidden_size % self.heads:
            raise ValueError(f"{self.heads} heads do not divide hidden_size {self.hidden_size}")
        if self.kv_heads is not None and self.heads % self.kv_heads:
            raise ValueError(f"{self.kv_heads} kv_heads do not divide {self.heads} heads")
        if self.family == "gpt" and self.kv_heads not in (None, self.heads):
            raise ValueError("the gpt family has as many kv_heads as heads; leave kv_heads out or use family: llama")
        if self.family != "gpt" and (self.hidden_size // self.heads) % 2:
            raise ValueError(f"rotary positions need an even head size; hidden_size / heads is {self.hidden_size // self.heads}")
        return self

    @model_validator(mode="after")
    def _positions(self) -> Self:
        has, scaling = "sinusoidal" if self.family == "gpt" else "rope", self.rope_scaling
        if self.positions not in (None, has):
            raise ValueError(f"positions is {self.positions}, and the {self.family} family has {has} ones; leave it out")
        if scaling is None:
            return self
        if self.family == "gpt":
            raise ValueError("rope_scaling stretches rotary positions, and the gpt family has a table of sinusoids; use family: llama")
        if scaling.original_context is not None and self.context > scaling.factor * scaling.original_context:
            reach = f"{scaling.factor:g} x original_context {scaling.original_context:,}"
            raise ValueError(f"context {self.context:,} is beyond rope_scaling's reach, {reach}; raise factor or shorten context")
        return self

    @model_validator(mode="after")
    def _hybrid(self) -> Self:
        if self.family != "hybrid":
            if self.attention_layers is not None or self.mamba is not None:
                raise ValueError("attention_layers and mamba belong to the hybrid family")
            return self
        placed = self.attention_layers
        if placed is None:
            raise ValueError("a hybrid says which layers have attention; write attention_layers: [1, 2, ...]")
        if len(set(placed)) != len(placed) or any(not 0 <= layer < self.layers for layer in placed):
            raise ValueError(f"attention_layers names each layer once, from 0 to {self.layers - 1}")
        inner = self.mixer.expand * self.hidden_size
        if inner % self.mixer.head_size or inner // self.mixer.head_size % self.mixer.groups:
            raise ValueError(f"mamba.head_size and groups do not divide the inner width {inner} (expand x hidden_size)")
        return self


def _from_wish(given: dict[str, Any]) -> dict[str, Any]:
    """The fields with those that the dial derives. Raises ValueError for a wish that no shape meets."""
    if "preset" in given:
        raise ValueError(
            f"params and preset both choose the shape; leave one out: `{{family: llama, params: 125M}}` or `{{preset: {given['preset']}}}`"
        )
    try:
        wish = Wish.model_validate({name: value for name, value in given.items() if name in Wish.model_fields})
    except ValidationError:
        return {**_ANY, **given}  # what is wrong is told of the field itself, without what could not be derived from it
    shape = derive(wish)
    return {**{name: value for name in DERIVED if (value := getattr(shape, name)) is not None}, **given}
