"""What `finetune` and `align` nodes are made of alike: where pairs come from, the adapters, the recipe. Light."""

from typing import Annotated, Any, Literal

from ryot.plugins import Circumstance, Facts, Measure, Resources, Spec, SpecError, StageConfig
from ryot.stages.data.stage import FileSource, GeneratorSource
from ryot.stages.finetune.modules import adapted
from ryot.stages.train.stage import ModelShape, model_shape

SPEED = Resources(cpus=0, measures_speed=True)
COUNTED = (
    Measure(name="pairs", kind="exact", about="pairs trained on"),
    Measure(name="cut", kind="count", about="pairs longer than the context, whose ends are left out, of all", sample="pair"),
    Measure(name="parameters", kind="exact", about="all parameters of the merged model"),
    Measure(name="trainable", kind="exact", about="parameters that training changes"),
    Measure(name="updates", kind="exact", about="updates of the weights"),
    Measure(name="total_time", kind="exact", unit="s", about="all updates"),
    Measure(
        name="tokens_per_s",
        kind="mean",
        unit="tokens/s",
        about="prompts and completions, over equal windows; the first tenth left out",
        sample="window",
    ),
    Measure(name="memory_rss", kind="exact", unit="bytes", about="peak resident memory of the training process"),
    Measure(
        name="merge_difference", kind="exact", about="largest difference of a logit between the model with adapters and the merged one"
    ),
)
"""What both find out."""


class LoraChoice(StageConfig):
    """The adapters, as `lora` in a spec; `modules` are those that the model has."""

    rank: int
    alpha: float
    dropout: float
    modules: tuple[str, ...]


class TuningRecipe(StageConfig):
    """How the weights are found, as `finetune` or `align` in a spec."""

    batch_size: int
    accumulation: int
    epochs: int | None
    steps: int | None
    lr: float
    schedule: Literal["cosine", "linear", "constant"]
    warmup_steps: int
    weight_decay: float
    clip: float
    seed: int
    precision: Literal["fp32", "bf16"] = "fp32"
    recompute: bool = False

    def updates(self, pairs: int) -> int:
        """Updates in all, when there are so many pairs to train on."""
        each = -(-pairs // (self.batch_size * self.accumulation))
        return self.steps if self.steps is not None else (self.epochs or 1) * each


class TuningConfig(StageConfig):
    """What both nodes have. `context` is in tokens; `lora` is None where all weights are trained."""

    pairs: GeneratorSource | FileSource
    held_out: float
    seed: int
    context: int
    lora: LoraChoice | None
    recipe: TuningRecipe
    checkpoint_every: Annotated[int, Circumstance] = 50

    def heldout(self, pairs: int) -> int:
        """How many of so many pairs are held out: the share, rounded, and at least one."""
        return max(round(pairs * self.held_out), 1)


def settings_of(name: str, spec: Spec, facts: Facts) -> dict[str, object]:
    """The fields of a TuningConfig, from the spec's section of that name. Raises SpecError for what no machine can run, or could not be
    merged."""
    section: Any = getattr(spec, name)
    if spec.train.precision == "fp16":
        raise SpecError("train.precision is fp16, which needs a loss scaler that drops updates", hint="use bf16 or fp32")
    shape = model_shape(spec)
    recipe = TuningRecipe(
        **section.model_dump(include=set(TuningRecipe.model_fields)), precision=spec.train.precision, recompute=spec.train.recompute
    )
    return {
        "pairs": _pairs(name, section, facts),
        "held_out": section.held_out,
        "seed": section.seed,
        "context": spec.model.context,
        "lora": None if section.method == "full" else _lora(name, section, shape),
        "recipe": recipe,
        "checkpoint_every": section.checkpoint_every,
    }


def _lora(name: str, section: Any, shape: ModelShape) -> LoraChoice:
    lora = section.lora
    if lora.rank > shape.hidden_size:
        raise SpecError(
            f"{name}.lora.rank is {lora.rank}, and the model is only {shape.hidden_size} wide: such an adapter has more numbers than the "
            "matrix that it is added to",
            hint=f"use a rank below {shape.hidden_size}, 8 to 64 as a rule; or train all weights by method: full",
        )
    return LoraChoice(rank=lora.rank, alpha=lora.alpha, dropout=lora.dropout, modules=adapted(shape, lora.modules, name))


def _pairs(name: str, section: Any, facts: Facts) -> GeneratorSource | FileSource:
    generate, path = section.generate, section.path
    if generate is not None:
        asked = generate.model_dump(include={"examples", "domains", "reasoning", "difficulties"})
        return GeneratorSource(**asked, composition=generate.composition.model_dump())
    if path not in facts.digests:
        raise SpecError(f"{name}.path names {path}, which is not there", hint="paths are relative to the spec's folder")
    return FileSource(digest=facts.digests[path], written=path, path=facts.paths.get(path, path))
