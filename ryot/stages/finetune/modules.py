"""Which matrices of a network may get an adapter, and how many numbers adapters have. Pure."""

from ryot.plugins import SpecError
from ryot.stages.train.stage import ModelShape

ATTENTION = {
    "gpt": ("attn.c_attn", "attn.c_proj"),
    "llama": ("q_proj", "k_proj", "v_proj", "o_proj"),
    "hybrid": ("q_proj", "k_proj", "v_proj", "o_proj"),
}
"""What is adapted where the spec names nothing."""
REST = {
    "gpt": ("mlp.c_fc", "mlp.c_proj"),
    "llama": ("gate_proj", "up_proj", "down_proj"),
    # A mixer's out_proj has none: fused kernels read its weight past the module, and an adapter would do nothing in training.
    "hybrid": ("shared_mlp.input_linear", "shared_mlp.output_linear", "mamba.in_proj"),
}
"""What else may be named."""
OUTSIDE = ("lm_head", "embed_tokens", "wte", "wpe")
"""The head and the embeddings, by all their names."""


def adapted(shape: ModelShape, asked: tuple[str, ...], section: str) -> tuple[str, ...]:
    """The names of the matrices to adapt, each once, in the family's order. Raises SpecError for one that the model has not, or that
    could not be merged."""
    there = present(shape)
    for name in asked:
        if name in OUTSIDE:
            raise SpecError(f"{section}.lora.modules: {_outside(name, shape)}", hint=f"name matrices of the blocks: {', '.join(there)}")
        if name not in there:
            raise SpecError(
                f"{section}.lora.modules: this model ({shape.family}) has no {name!r} that an adapter can be put on",
                hint=f"it has {', '.join(there)}",
            )
    wanted = asked or ATTENTION[shape.family]
    found = tuple(name for name in there if name in wanted)
    if not found:
        raise SpecError(
            f"{section}.lora.modules: this model ({shape.family}) has no layer with attention, whose matrices are adapted by default",
            hint=f"name some of {', '.join(there)}",
        )
    return found


def present(shape: ModelShape) -> tuple[str, ...]:
    """Every matrix of the model that may get an adapter."""
    everything = (*ATTENTION[shape.family], *REST[shape.family])
    if shape.family != "hybrid":
        return everything
    attention, mixers = len(shape.attention_layers or ()), shape.layers - len(shape.attention_layers or ())
    return tuple(
        name for name in everything if (attention or name not in ATTENTION["hybrid"]) and (mixers or not name.startswith("mamba."))
    )


def _outside(name: str, shape: ModelShape) -> str:
    if shape.tied and name in ("lm_head", "embed_tokens", "wte"):
        return f"{name} is the output head and the embedding at once (model.tied), and an adapter on one of the two cannot be merged"
    if name == "lm_head":
        return "TRL reads the head's weight past its module, so an adapter on lm_head would never be trained"
    return f"{name} is a table that is looked up, not a matrix in a block"
