"""Small folders of documents, and filters of given settings to take them through."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import Document, Documents, Facts, Shard, write_index, write_shard
from ryot.plugins.testing import StageResult, run_stage
from ryot.spec.filters import Filters
from ryot.spec.spec import Spec
from ryot.stages.filter.settings import CLASSES, Settings
from ryot.stages.filter.stage import Config, FilterStage, measures_of
from ryot.stages.filter.verdict import Dropped, Verdict

PROSE = (
    "The harbour lies at the mouth of the river, and the ships that come in have to wait for the tide to rise. In the summer of that year "
    "the water was so low that boats ran aground within sight of the quay. Men with ropes pulled them off when the sea came back. "
    "It took all of the night and most of the morning. Nobody was hurt, but the cargo of one vessel was lost to the mud. "
    "The merchants asked the town to dig a deeper channel, which it promised to do before the winter storms began."
)
"""A text that every filter lets through."""


def spec_of(more: dict[str, Any] | None = None, **filters: Any) -> Spec:
    """A spec with these filters, each a map of its settings, and more sections."""
    return Spec.model_validate(
        {
            "version": 1,
            "name": "filtered",
            "model": {"preset": "ryot-tiny"},
            "data": {"sources": [{"generate": {"examples": 100}}], "filters": filters},
            "train": {"batch_size": 2, "steps": 1},
            **(more or {}),
        }
    )


def settings_of(name: str, digests: dict[str, str] | None = None, **settings: Any) -> Settings:
    """The settings of one filter, as the plan makes them of what the spec says."""
    facts = Facts("cpu", digests=digests or {}, paths={path: path for path in digests or {}})
    (node,) = FilterStage().expand(spec_of(**{name: settings}), facts)
    assert isinstance(node.config, Config)
    return node.config.settings


def judged(name: str, *texts: str, **settings: Any) -> list[Verdict]:
    """What a filter that needs to know nothing else says of texts."""
    return list(import_module(f"ryot.stages.filter.{name}").judge(settings_of(name, **settings))(texts))


def reason(name: str, text: str, **settings: Any) -> str | None:
    """Why a filter drops a text; None where it keeps it."""
    (verdict,) = judged(name, text, **settings)
    return verdict.reason if isinstance(verdict, Dropped) else None


def write_documents(folder: Path, sources: Sequence[int] = (0,), **splits: Sequence[Sequence[str]]) -> Path:
    """A folder of documents: for each split its shards, each a list of texts; they are of these sources in turn."""
    folder.mkdir(parents=True)
    shards = [
        write_shard(folder, Shard(f"{split}-{number}", split, sources[number % len(sources)]), [Document.of(text) for text in texts])
        for split, parts in splits.items()
        for number, texts in enumerate(parts)
    ]
    write_index(folder, shards, {"sources": [{"kind": "file"}]})
    return folder


@dataclass(frozen=True)
class Filtered:
    """What a filter left of a folder of documents."""

    result: StageResult
    documents: Documents
    funnel: dict[str, Any]

    def texts(self, split: str = "train") -> list[str]:
        return [document.text for document in self.documents.split(split)]


Filter = Callable[..., Filtered]


@pytest.fixture
def filtered(tmp_path: Path) -> Filter:
    """Call it with a folder of documents, the name of a filter and its settings."""
    count = 0

    def run(
        source: Path, name: str, settings: Settings | None = None, workers: int = 1, weighted: tuple[str, ...] = (), **fields: Any
    ) -> Filtered:
        nonlocal count
        count += 1
        config = Config(settings=settings or settings_of(name, **fields), workers=workers, weighted=weighted)
        result = run_stage(FilterStage(), config, tmp_path / f"{name}-{count}", inputs={"documents": source}, measures=measures_of(name))
        funnel = json.loads((result.out / "documents.json").read_text())["filters"][-1]
        return Filtered(result, Documents(result.out), funnel)

    return run


assert tuple(Filters.model_fields) == tuple(CLASSES)
