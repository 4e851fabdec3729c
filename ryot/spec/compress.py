"""`compress`: the exported weights in fewer bits, with what that costs measured."""

from typing import Literal

from pydantic import Field

from ryot.spec.section import Section

Scheme = Literal["int8", "fp8", "int4"]


class Channels(Section):
    """A scale for each output channel of a matrix, and activations in 8 bits with a scale for each token (W8A8)."""

    documents: int = Field(200, ge=2)
    """Held-out documents on which it is compared with the export."""


class Groups(Section):
    """A scale for each group of weights; activations as they are (W4A16)."""

    group_size: Literal[32, 64, 128] = 128
    """Weights that share a scale, where they divide a row; else a row shares one."""
    documents: int = Field(200, ge=2)
    """Held-out documents on which it is compared with the export."""


class Compress(Section):
    """Copies of the export with the matrices of the blocks rounded to the nearest number of few bits; embeddings, norms and biases in bf16.
    Each becomes the node compress.NAME; `serve.weights` names the one that is served."""

    int8: Channels | None = None
    """8-bit integers."""
    fp8: Channels | None = None
    """8-bit floats (E4M3), for GPUs that compute in them."""
    int4: Groups | None = None
    """4-bit integers."""

    @property
    def schemes(self) -> tuple[Scheme, ...]:
        """Those that are written."""
        names: tuple[Scheme, ...] = ("int8", "fp8", "int4")
        return tuple(name for name in names if getattr(self, name) is not None)
