"""The `rehearse` stage, light half: the run on the tiny twin, as the other stages plan it, and two checks of its own."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from ryot.plugins import Facts, Measure, Node, Resources, Spec, Stage, StageConfig
from ryot.stages.evaluate.stage import EvaluateStage
from ryot.stages.export.stage import ExportStage
from ryot.stages.rehearse.names import PREFIX, TWIN
from ryot.stages.serve.stage import ServeService
from ryot.stages.train.stage import SPEED, TrainConfig, TrainStage, spread

RESUME = (
    Measure(name="resumed_updates", kind="exact", about="updates made after the stop, from the checkpoint"),
    Measure(name="weight_difference", kind="exact", about="largest difference of a weight from the run that was not stopped"),
)
SAVE = (
    Measure(name="checkpoint_size", kind="exact", unit="bytes", about="bytes of one checkpoint, of all ranks"),
    Measure(name="save_time", kind="exact", unit="s", about="writing it, synced to the disk"),
    Measure(name="restore_time", kind="exact", unit="s", about="reading it back into the trainer"),
    Measure(name="update_time", kind="exact", unit="s", about="the second update at real size"),
)


class RehearseConfig(StageConfig):
    """resume: the twin's run is stopped after `half` of its updates and resumed. save: a checkpoint at real size, and back."""

    what: Literal["resume", "save"]
    train: TrainConfig
    half: int = 1


class RehearseStage(Stage):
    """Trains, stops, resumes, exports, serves and asks a tiny twin on the real tokens, and writes a checkpoint of the real size."""

    name = "rehearse"
    version = 1
    Config = RehearseConfig
    takes = "tokens"
    measures = RESUME + SAVE
    resources = Resources(cpus=0)
    work = "ryot.stages.rehearse.work:run"

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """The nodes `rehearsal.NAME`, where the spec has `rehearse`. Raises SpecError as the stages that it asks do."""
        if spec.rehearse is None:
            return ()
        twin = {node.name: node for node in _twin(spec.rehearsal(), facts)}
        trained = twin[f"{PREFIX}train"].config
        inputs = {"tokens": "tokenizer", "weights": f"{PREFIX}train"}
        resume = RehearseConfig(what="resume", train=_train(trained), half=spec.rehearse.updates // 2)
        save = RehearseConfig(what="save", train=_one_update(spec, facts))
        return (
            *twin.values(),
            Node(f"{PREFIX}resume", self.name, resume, inputs, {}, spread(self.resources, spec), RESUME),
            Node(f"{PREFIX}save", self.name, save, {"tokens": "tokenizer"}, {}, spread(SPEED, spec), SAVE),
        )


def _twin(small: Spec, facts: Facts) -> Iterable[Node]:
    """The nodes of the twin's run under their new names, reading each other."""
    for stage in (TrainStage(), ExportStage(), ServeService(), EvaluateStage()):
        for node in stage.expand(small, facts):
            if node.name in TWIN:
                yield replace(node, name=_renamed(node.name), inputs=_rewired(node.inputs), services=_rewired(node.services))


def _renamed(name: str) -> str:
    return PREFIX + TWIN[name] if name in TWIN else name


def _rewired(slots: Mapping[str, str]) -> dict[str, str]:
    return {slot: _renamed(name) for slot, name in slots.items()}


def _one_update(spec: Spec, facts: Facts) -> TrainConfig:
    """The settings of the real run, for an update and another. Nothing is chosen by timing: what level 3 may choose on a GPU, it gets."""
    *_, real = TrainStage().expand(spec, facts)
    config = _train(real.config)
    compiles = config.kernel.level == 3 and facts.device.startswith("cuda") and config.recipe.zero_stage < 3
    recipe = config.recipe.model_copy(update={"steps": 2, "epochs": None, "warmup_steps": 0})
    kernel = config.kernel.model_copy(update={"level": 2}) if compiles else config.kernel
    return config.model_copy(update={"recipe": recipe, "kernel": kernel, "scaling": None})


def _train(config: StageConfig) -> TrainConfig:
    assert isinstance(config, TrainConfig)
    return config
