"""Where finished nodes are kept. A node is done if and only if its record.json exists; it is written last."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from ryot import files
from ryot.errors import NodeError
from ryot.fingerprint import fingerprint
from ryot.measures import Evidence
from ryot.store.record import EvidenceFile, FileDigest, Record

RECORD = "record.json"
EVIDENCE = "evidence.json"
_NAMES = 4
"""A node's folder, its stage's, the folder `store`, and the root."""
FETCHED = "fetched"
"""The folder beside `out` into which a node's files come from a share."""


class Store:
    """The folder `.ryot`: `store/<stage>/<key>/` for nodes, `runs/<id>/` for applies. Nothing is created until it is written."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def runs(self) -> Path:
        """The folder that holds one folder for each apply."""
        return self.root / "runs"

    def folder(self, stage: str, key: str) -> Path:
        """A node's folder, whether it exists or not."""
        return self.root / "store" / stage / key

    def record(self, stage: str, key: str) -> Record | None:
        """The record of a finished node; None for one that is not finished, whose record cannot be read, or is another node's: the key is
        the digest of what the record says the node was."""
        try:
            record = Record.model_validate_json((self.folder(stage, key) / RECORD).read_bytes())
            return record if record.key == key == fingerprint(record.payload) else None
        except (OSError, ValidationError, TypeError):  # TypeError: of a payload that no key can be made of, such as NaN
            return None

    def evidence(self, record: Record) -> dict[str, Evidence]:
        """The raw samples behind a record's measures. Raises NodeError when they are not those that were recorded."""
        path = self.folder(record.stage, record.key) / EVIDENCE
        try:
            if files.digest_file(path) != record.evidence:
                raise NodeError(
                    f"{record.node}: {path} is not the file that was recorded", hint="`ryot apply` sets it aside and runs the node again"
                )
            return EvidenceFile.model_validate_json(path.read_bytes()).evidence
        except (OSError, ValidationError) as error:
            raise NodeError(f"{record.node}: {path} cannot be read", hint="`ryot apply` sets it aside and runs the node again") from error

    def unreadable(self, stage: str, key: str) -> bool:
        """Whether there is a record that cannot be read: cut short, another node's, or of another version of ryot."""
        return (self.folder(stage, key) / RECORD).exists() and self.record(stage, key) is None

    def was_finished(self, stage: str, key: str) -> bool:
        """Whether a node's samples were taken: it has a record, or had one that was set aside."""
        folder = self.folder(stage, key)
        return (folder / RECORD).exists() or any(folder.parent.glob(f"{key}.damaged-*"))

    def damage(self, record: Record, *, result: bool = True) -> str | None:
        """What is wrong with a finished node's files, compared with their digests; None when they are whole.

        With `result` off, only the samples behind its measures are looked at.
        """
        try:
            return (self._result_damage(record) if result else None) or self._evidence_damage(record)
        except OSError as error:
            return f"{error.filename} cannot be read: {error.strerror}"

    def _evidence_damage(self, record: Record) -> str | None:
        evidence = self.folder(record.stage, record.key) / EVIDENCE
        whole = evidence.is_file() and files.digest_file(evidence) == record.evidence
        return None if whole else f"{EVIDENCE} is gone or damaged"

    def _result_damage(self, record: Record) -> str | None:
        folder = self.folder(record.stage, record.key)
        expected = {f"out/{name}": digest for name, digest in record.files.items()}
        for name, digest in expected.items():
            path = folder / name
            if not path.is_file():
                return f"{name} is gone"
            if path.stat().st_size != digest.size or files.digest_file(path) != digest.sha256:
                return f"{name} is damaged"
        return None

    def set_aside(self, stage: str, key: str) -> Path:
        """Move a damaged node out of the way, keeping it for a look. Returns where it is now."""
        folder = self.folder(stage, key)
        for number in itertools.count(1):
            aside = folder.with_name(f"{key}.damaged-{number}")
            if not aside.exists():
                files.rename_durable(folder, aside)
                return aside
        raise AssertionError("unreachable: count() does not end")

    def records(self) -> Iterator[Record]:
        """Every finished node, in no order."""
        for path in sorted((self.root / "store").glob(f"*/*/{RECORD}")):
            record = self.record(path.parent.parent.name, path.parent.name)
            if record is not None:
                yield record


def prepare(folder: Path) -> tuple[Path, Path]:
    """A node's `out`, emptied, and its `scratch`, kept from an earlier try. Returns both."""
    out, scratch = folder / "out", folder / "scratch"
    files.remove_tree(out)
    files.make_folder(out)
    files.make_folder(scratch)
    return out, scratch


def commit(folder: Path, record: Record, evidence: str) -> None:
    """Make a node finished: its files durable, then its evidence and where its folder stands, then its record; its scratch is let go."""
    files.sync_tree(folder / "out")
    files.write_durable(folder / EVIDENCE, evidence)
    files.sync_names(folder, _NAMES)
    files.write_durable(folder / RECORD, record.model_dump_json(indent=1))
    files.remove_tree(folder / "scratch", strict=False)


def evidence_text(evidence: Mapping[str, Evidence]) -> str:
    """evidence.json: what was recorded, without the fields that are empty. NaN and infinity stay as such, to be judged."""
    data = {name: item.model_dump(exclude_defaults=True) for name, item in sorted(evidence.items())}
    return json.dumps({"evidence": data})


def digest_text(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest_out(folder: Path) -> dict[str, FileDigest]:
    """Size and digest of every file below a node's `out`."""
    return {name: FileDigest(size=path.stat().st_size, sha256=files.digest_file(path)) for name, path in files.tree(folder / "out")}
