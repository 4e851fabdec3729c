"""`rehearse`: the whole run on the model's tiny twin first, so that what fails fails in minutes. And what of each section it takes."""

from pydantic import Field

from ryot.spec.section import Section
from ryot.spec.serve import Evaluate, Export
from ryot.spec.train import Kernel, Member, Optimize, Train

OWN_TASKS = ("reasoning", "perplexity")
"""What can be asked without the hub."""
_DOCUMENTS = 2
"""Documents of a micro-batch, micro-batches of an update, and probes of the export, at most."""


class Rehearse(Section):
    """Before training: the tiny twin is trained, stopped, resumed (bit for bit), exported, served and asked one item, and a checkpoint of
    the real size is written and read back. Training begins when all of it went well; nothing of it is in training's key."""

    updates: int = Field(8, ge=4, le=1000)
    """Updates of the twin; it is stopped after half of them."""


def small_train(train: Train, updates: int) -> Train:
    """The same recipe for a few updates of a few documents, with a checkpoint after half."""
    return train.model_copy(
        update={
            "batch_size": min(train.batch_size, _DOCUMENTS),
            "accumulation": min(train.accumulation, _DOCUMENTS),
            "epochs": None,
            "steps": updates,
            "warmup_steps": min(train.warmup_steps, 1),
            "checkpoint_every": updates // 2,
            "keep_checkpoints": 2,
        }
    )


def small_optimize(optimize: Optimize) -> Optimize:
    """The stack without what is chosen by timing, which two runs may choose, and then round, differently."""
    kernel = optimize.kernel.model_copy(update={"level": min(optimize.kernel.level, 1)})
    stack = [Member(kernel=Kernel.model_validate(kernel.model_dump()))]
    stack += [Member(compressor=optimize.compressor)] if optimize.compressor else []
    return optimize.model_copy(update={"stack": tuple(stack), "auto": False, "gate": "continue", "ablate": None})


def small_export(export: Export) -> Export:
    """A few probes."""
    return export.model_copy(update={"probes": min(export.probes, _DOCUMENTS), "onnx": False})


def small_evaluate(evaluate: Evaluate | None) -> Evaluate:
    """One item of each task that needs no hub; of the held-out documents where there is no such task."""
    if evaluate is None:
        return Evaluate(tasks=("perplexity",), limit=1)
    own = tuple(task for task in evaluate.tasks if task in OWN_TASKS)
    if own == evaluate.tasks:
        return evaluate.model_copy(update={"limit": 1})
    return evaluate.model_copy(update={"limit": 1, "tasks": own or ("perplexity",)})
