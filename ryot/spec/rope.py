"""`model.rope_scaling`: rotary positions stretched to a longer context than their frequencies were made for."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from ryot.spec.section import Section
from ryot.units import Count, Factor

_REFUSED = {
    "dynamic": "transformers makes its frequencies anew from the longest row of each batch, vLLM 0.32 once for all lengths: the served "
    "model would not be the trained one; use yarn",
    "ntk": "transformers has no such type; use yarn, which is its successor (Peng et al. 2023)",
    "longrope": "its factors, one for each pair of channels, come from a search that ryot does not do; use yarn or llama3",
}
_OWN = {"beta_fast": "yarn", "beta_slow": "yarn", "attention_factor": "yarn", "low_freq_factor": "llama3", "high_freq_factor": "llama3"}


class RopeScaling(Section):
    """How rotary frequencies are stretched, in the forms that transformers 5 and vLLM 0.32 compute alike."""

    type: Literal["linear", "yarn", "llama3"]
    """linear: every position divided by factor (Chen et al. 2023). yarn: slow frequencies divided, fast ones kept, a ramp between, the
    attention sharpened (Peng et al. 2023). llama3: the same without the sharpening, by wavelengths (Llama 3.1, Grattafiori et al. 2024)."""
    factor: Factor = Field(gt=1)
    """How many times longer."""
    original_context: Count | None = Field(None, ge=8)
    """The context the frequencies were made for, in tokens (yarn and llama3 need it); model.context is at most factor times that."""
    beta_fast: float | None = Field(None, gt=0)
    """Turns within original_context from which a frequency is kept (yarn); 32 by default."""
    beta_slow: float | None = Field(None, gt=0)
    """Turns within original_context up to which it is divided (yarn); 1 by default."""
    attention_factor: float | None = Field(None, gt=0)
    """What cosines and sines are multiplied by (yarn); 0.1 ln(factor) + 1 by default."""
    low_freq_factor: float | None = Field(None, gt=0)
    """Turns within original_context up to which a frequency is divided (llama3); 1 by default."""
    high_freq_factor: float | None = Field(None, gt=0)
    """Turns within original_context from which it is kept (llama3); 4 by default."""

    @field_validator("type", mode="before")
    @classmethod
    def _alike_in_both(cls, kind: object) -> object:
        if isinstance(kind, str) and kind in _REFUSED:
            raise ValueError(f"{kind} is refused: {_REFUSED[kind]}")
        return kind

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, owner in _OWN.items():
            if getattr(self, name) is not None and self.type != owner:
                raise ValueError(f"{name} belongs to {owner}, and type is {self.type}")
        if self.type != "linear" and self.original_context is None:
            raise ValueError(f"{self.type} needs original_context, the context that the frequencies were made for")
        if (self.beta_fast or 32) <= (self.beta_slow or 1):
            raise ValueError("beta_fast must be larger than beta_slow")
        if (self.high_freq_factor or 4) <= (self.low_freq_factor or 1):
            raise ValueError("high_freq_factor must be larger than low_freq_factor")
        return self
