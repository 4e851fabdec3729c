"""`model.mamba`: the Mamba-2 mixers of a hybrid."""

from pydantic import Field

from ryot.spec.section import Section


class Mamba(Section):
    """A Mamba-2 mixer (Dao & Gu 2024)."""

    state_size: int = Field(128, ge=1)
    """Width of the recurrent state of each head's channel."""
    head_size: int = Field(64, ge=1)
    """Channels of one head; they divide the inner width."""
    expand: int = Field(2, ge=1)
    """Inner width over hidden_size."""
    conv_size: int = Field(4, ge=1)
    """Taps of the causal convolution."""
    groups: int = Field(1, ge=1)
    """Groups of heads that share B and C; they divide the heads."""
