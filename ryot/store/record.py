"""A finished node, as it stands in record.json. What is not there did not happen."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from ryot.measures import Evidence, Measure


class FileDigest(BaseModel):
    """A file of a result: its size in bytes and its SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    sha256: str


class Record(BaseModel):
    """A finished node. `evidence` is the SHA-256 of evidence.json, which holds the raw samples; `files` are those below out/;
    `lacking` says of optional measures why they have no evidence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str
    stage: str
    key: str
    payload: dict[str, Any]
    measures: tuple[Measure, ...]
    evidence: str
    files: dict[str, FileDigest]
    seconds: float
    device: str
    host: str
    finished: str
    ryot: str
    lacking: dict[str, str] = {}


class EvidenceFile(BaseModel):
    """evidence.json: the raw samples of a node's measures, by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    evidence: dict[str, Evidence]
