"""What an optimized run consists of, and the runs to time so that each part's share of the gain is known. Pure."""

from collections.abc import Mapping
from typing import Any

from ryot.stages.train.stage import KernelChoice, TrainConfig
from ryot.stages.train.tuning import DRAWN, TORCH, attention_of, packs

PARTS = {
    "attention": "fused attention",
    "adamw": "fused AdamW",
    "dropout": "dropout masks drawn 16 bits at a time",
    "bf16": "forward and backward pass in bf16",
    "compile": "compiled blocks",
    "packing": "documents packed into rows",
    "rows": "the rows per forward pass that scaling chose",
}
"""The parts of a stack, and what each is."""

Variant = frozenset[str]
"""A run with some of the parts, beside the baseline."""


def parts_of(baseline: TrainConfig, optimized: TrainConfig, chosen: Mapping[str, Any]) -> Variant:
    """The parts that a finished run had and its baseline has not. `chosen` is what its tuner chose."""
    level, recipe = optimized.kernel.level, optimized.recipe
    has = {
        "attention": chosen.get("attention", attention_of(optimized)) != attention_of(baseline),
        "adamw": level >= 1 and baseline.kernel.level == 0,
        "dropout": chosen.get("dropout") == DRAWN and baseline.kernel.level == 0,
        "bf16": recipe.precision == "fp32" and chosen.get("precision") == "bf16",
        "compile": level == 2 or bool(chosen.get("compile")),
        "packing": bool(chosen.get("packing", packs(optimized))),
        "rows": chosen.get("rows", recipe.batch_size) != recipe.batch_size,
    }
    return frozenset(part for part, there in has.items() if there)


def variants(parts: Variant) -> list[Variant]:
    """The baseline, the whole stack, the stack without each part, and each part alone; each once, in a fixed order."""
    wanted = [
        frozenset(),
        parts,
        *(parts - {part} for part in PARTS if part in parts),
        *(frozenset({part}) for part in PARTS if part in parts),
    ]
    return list(dict.fromkeys(wanted))


def settings(
    variant: Variant, baseline: TrainConfig, optimized: TrainConfig, chosen: Mapping[str, Any]
) -> tuple[TrainConfig, dict[str, Any]]:
    """How a variant trains, and what its tuner is told, so that it calibrates nothing."""
    recipe = baseline.recipe
    level = 1 if "adamw" in variant else min(baseline.kernel.level, 1)
    config = baseline.model_copy(
        update={"kernel": KernelChoice(level=level), "compressor": optimized.compressor if "packing" in variant else None}
    )
    told = {
        "rows": chosen["rows"] if "rows" in variant else recipe.batch_size,
        "compile": "compile" in variant,
        "precision": "bf16" if "bf16" in variant else recipe.precision,
        "packing": "packing" in variant,
        "dropout": DRAWN if "dropout" in variant or (chosen.get("dropout") == DRAWN and baseline.kernel.level >= 1) else TORCH,
        "attention": (chosen.get("attention") or attention_of(optimized)) if "attention" in variant else attention_of(baseline),
    }
    return config, told | {name: chosen[name] for name in ("gradient_error",) if name in chosen}  # bf16 was checked by the finished run


def name_of(variant: Variant, parts: Variant) -> str:
    """`baseline`, `stack`, `without bf16`, `only bf16`."""
    if variant in (frozenset(), parts):
        return "stack" if variant else "baseline"
    missing = sorted(parts - variant)
    return f"without {missing[0]}" if len(missing) == 1 else f"only {min(variant)}"
