"""The nodes `filter.NAME`, one for each filter of data.filters, chained between `data` and what reads documents."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field

from ryot.plugins import Circumstance, Facts, Measure, Node, Resources, Spec, SpecError, Stage, StageConfig
from ryot.stages.filter.settings import CLASSES, Settings
from ryot.stages.forms import form_of

KEPT = Measure(name="kept", kind="exact", about="documents kept, of all splits")
DROPPED = Measure(name="dropped", kind="count", about="documents dropped, of those read", sample="document")
CHANGED = Measure(name="changed", kind="count", about="documents kept with another text, of those read", sample="document")
CHANGES = ("normalise", "quality", "personal")
"""Filters that change texts."""


class Config(StageConfig):
    """One filter, and where it runs."""

    settings: Annotated[Settings, Field(discriminator="kind")]
    workers: Annotated[int | None, Circumstance] = None
    ray: Annotated[str | None, Circumstance] = None
    weighted: Annotated[tuple[str, ...], Circumstance] = ()
    """The names of the sources, where they have weights: then each has to have something left to train on."""


class FilterStage(Stage):
    """Passes on the documents that a filter keeps, changed where it changes them. A shard that it leaves as it is, is linked."""

    name = "filter"
    version = 2
    Config = Config
    takes = "documents"
    gives = "documents"
    measures = (KEPT, DROPPED, CHANGED)
    resources = Resources(cpus=0)
    work = "ryot.stages.filter.work:run"
    preview = "ryot.stages.filter.preview:preview"

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """A node for each filter that is switched on. Raises SpecError for a local path that is not there."""
        before, data = "data", spec.data
        weighted = data.names if any(source.weight is not None for source in data.sources) else ()
        for name in _names(spec):
            config = Config(settings=_settings(name, spec, facts), workers=data.workers, ray=data.ray, weighted=weighted)
            inputs = {"documents": before}
            before = f"filter.{name}"
            yield Node(before, self.name, config, inputs, resources=self.resources, measures=measures_of(name))


def last_documents(spec: Spec) -> str:
    """The node whose documents are the final ones: the last filter, or `data`."""
    names = _names(spec)
    return f"filter.{names[-1]}" if names else "data"


def measures_of(name: str) -> tuple[Measure, ...]:
    """What the node of a filter finds out."""
    return (KEPT, DROPPED, CHANGED) if name in CHANGES else (KEPT, DROPPED)


def _names(spec: Spec) -> list[str]:
    """The filters that are switched on, in the order in which they run."""
    return [name for name in CLASSES if getattr(spec.data.filters, name, None) is not None]


def _settings(name: str, spec: Spec, facts: Facts) -> Settings:
    fields: dict[str, Any] = getattr(spec.data.filters, name).model_dump()
    for field in ("model", "words") if name in ("language", "profanity") else ():
        fields[field] = None if fields.get(field) is None else _local(fields[field], f"{name}.{field}", facts)
    if name == "contamination":
        fields["against"] = tuple(_evaluation(path, facts) for path in dict.fromkeys((*fields["against"], *_evaluated(spec))))
        fields |= {before: _settings(before, spec, facts) for before in ("normalise", "personal") if before in _names(spec)}
    fields = {field: value for field, value in fields.items() if field in CLASSES[name].model_fields}
    return CLASSES[name].model_validate(fields)


def _evaluated(spec: Spec) -> list[str]:
    """The files that the model is evaluated on, as written. gsm8k's examples are of its training split, and shown, not asked."""
    if spec.evaluate is None:
        return []
    named = {name: path for name, path in spec.evaluate.data.model_dump().items() if name != "gsm8k_examples"}
    return [path for path in (spec.evaluate.text, *named.values()) if path is not None]


def _evaluation(path: str, facts: Facts) -> Mapping[str, str]:
    return {**_local(path, "contamination.against", facts), "form": form_of(facts.paths.get(path, path))}


def _local(path: str, field: str, facts: Facts) -> Mapping[str, str]:
    if path not in facts.digests:
        raise SpecError(f"data.filters.{field} names {path}, which is not there", hint="paths are relative to the spec's folder")
    return {"digest": facts.digests[path], "written": path, "path": facts.paths.get(path, path)}
