"""The whole spec: what a language model must be and what it must achieve. Frozen; made only by load.py."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ryot.spec.backend import Backend, WrittenBackend
from ryot.spec.compress import Compress
from ryot.spec.data import Data
from ryot.spec.finetune import Align, Finetune
from ryot.spec.hardware import Claims, Hardware, RefusalName
from ryot.spec.model import Model
from ryot.spec.package import Package
from ryot.spec.rehearse import Rehearse, small_evaluate, small_export, small_optimize, small_train
from ryot.spec.section import Section
from ryot.spec.serve import Bench, Evaluate, Export, Serve
from ryot.spec.store import SharedStore
from ryot.spec.sweep import Sweep
from ryot.spec.target import WrittenTarget
from ryot.spec.train import Optimize, Train
from ryot.spec.twin import twin
from ryot.spec.validation import Validation


class Insert(Section):
    """A plugin's stage, put behind a node: what used that node's result then uses this one's."""

    use: str = Field(pattern=r"^[a-z][a-z0-9_\-]*$")
    """The stage's name, as `ryot plugins list` shows it."""
    after: str
    """The node it reads, and stands in for."""
    name: str | None = Field(None, pattern=r"^[a-z][a-z0-9_.\-]*$")
    """The new node's name; by default the stage's."""
    with_: dict[str, Any] = Field({}, alias="with")
    """The stage's own settings."""


class Spec(Section):
    """What a language model must be and what it must achieve."""

    version: Literal[1]
    """The version of this format."""
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_\-]{0,63}$")
    """A short name for the whole, in lower case."""
    claims: Claims = Claims()
    """Numbers to be audited."""
    hardware: Hardware = Hardware()
    """What it is meant to run on."""
    backend: WrittenBackend = Backend()
    """Where nodes run: `local`, or on other machines by `slurm`, `ray` or `hostfile`."""
    store: SharedStore = SharedStore()
    """Where finished nodes are shared with other machines."""
    model: Model
    """The shape of the network."""
    data: Data
    """Documents and tokens."""
    train: Train
    """How the weights are found."""
    rehearse: Rehearse | None = None
    """The whole run on a tiny twin first; off unless written: `rehearse: {}`."""
    sweep: Sweep | None = None
    """Other values tried for some fields of `train` and `model`; says which did best, and changes none."""
    optimize: Optimize | None = None
    """The baseline and the stack that has to beat it."""
    finetune: Finetune | None = None
    """The trained weights taught to answer."""
    align: Align | None = None
    """The weights taught to prefer one answer to another."""
    export: Export | None = None
    """The checkpoint others load."""
    compress: Compress | None = None
    """Copies of it in fewer bits."""
    serve: Serve | None = None
    """The live server."""
    package: Package | None = None
    """What is served, as a folder to ship."""
    validation: Validation | None = None
    """The checklist before a deployment."""
    evaluate: Evaluate | None = None
    """Benchmarks of quality."""
    bench: Bench | None = None
    """Load on the served model."""
    targets: tuple[WrittenTarget, ...] = ()
    """What must be achieved: `node/measure >= 25%`."""
    allow: dict[RefusalName, Annotated[str, StringConstraints(strip_whitespace=True, min_length=8)]] = {}
    """Refusals of the plan to go past, each with the reason why: `{budget: "agreed with ..."}`. It is kept with the run."""
    stages: tuple[Insert, ...] = ()
    """Plugins' stages to insert."""
    profiles: dict[str, dict[str, Any]] = {}
    """Overrides for a kind of machine, by name: `cpu` and `gpu` are chosen by what the machine has."""

    def rehearsal(self) -> Self:
        """The spec of the rehearsal: the twin, a few updates of the same data, one item asked where it is served; without targets."""
        assert self.rehearse is not None
        return self.model_copy(
            update={
                "model": twin(self.model),
                "train": small_train(self.train, self.rehearse.updates),
                "rehearse": None,
                "sweep": None,
                "optimize": small_optimize(self.optimize) if self.optimize else None,
                "finetune": None,
                "align": None,
                "export": small_export(self.export) if self.export else None,
                "evaluate": small_evaluate(self.evaluate) if self.serve else None,
                "compress": None,
                "package": None,
                "validation": None,
                "serve": self.serve.model_copy(update={"weights": None, "autotune": None}) if self.serve else None,
                "bench": None,
                "targets": (),
                "stages": (),
            }
        )

    @model_validator(mode="after")
    def _what_needs_what(self) -> Self:
        served = (("evaluate", "serve"), ("bench", "serve"), ("validation", "serve"))
        for section, needed in (("compress", "export"), ("serve", "export"), *served):
            if getattr(self, section) is not None and getattr(self, needed) is None:
                raise ValueError(f"{section} needs a section {needed}; write at least `{needed}: {{}}`")
        made = [source.generate.examples if source.generate else None for source in self.data.sources]
        whole = self.data.tokenizer.long == "cut"  # else a long document is several
        if whole and self.train.samples is not None and None not in made and sum(count or 0 for count in made) < self.train.samples:
            raise ValueError(f"train.samples is {self.train.samples}; the sources generate {sum(count or 0 for count in made)} in all")
        if self.hardware.devices not in (None, self.train.ranks):
            raise ValueError(
                f"hardware.devices is {self.hardware.devices} and train.ranks is {self.train.ranks}: each device takes one rank; "
                "write the same number, or leave hardware.devices out"
            )
        return self
