"""An evidence bundle: what the verdicts of a run rest on, as one file to send on: a zip with a list of its files and their digests.

It shows that nothing was lost or damaged on the way; it does not show who wrote it, and who writes one anew can write anything.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from ryot import files
from ryot.errors import SpecError
from ryot.store.store import Store

SCHEMA = "ryot.bundle/1"
LIST = "bundle.json"
MOST_FILES, MOST_BYTES, MOST_LIST = 10_000, 2 << 30, 16 << 20
_NAME = re.compile(r"(runs|store)(/[A-Za-z0-9][A-Za-z0-9._-]{0,200}){2,6}")
_TIME = (1980, 1, 1, 0, 0, 0)
"""The same files make the same bundle."""


def looks_like(path: Path) -> bool:
    """Whether a file is meant as a bundle: by its name, or by how it begins."""
    try:
        with path.open("rb") as file:
            return path.suffix == ".zip" or file.read(4) == b"PK\3\4"
    except OSError:
        return path.suffix == ".zip"


def pack(root: Path, names: list[str], target: Path, about: Mapping[str, object]) -> None:
    """Write the files of a store, named from its root, into a bundle. Raises SpecError for what `opened` would not take: a name, or too
    much."""
    _refuse_too_large(target, len(names) + 1, sum((root / name).stat().st_size for name in names))
    memory = io.BytesIO()
    listed: dict[str, dict[str, object]] = {}
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in sorted(names):
            if not _NAME.fullmatch(name):
                raise SpecError(f"{name} cannot be part of a bundle")
            data = (root / name).read_bytes()
            listed[name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            bundle.writestr(zipfile.ZipInfo(name, _TIME), data, zipfile.ZIP_DEFLATED)
        told = json.dumps({"schema": SCHEMA, **about, "files": listed}, indent=1)
        _refuse_too_large(target, len(names) + 1, len(told), of_list=len(told))
        bundle.writestr(zipfile.ZipInfo(LIST, _TIME), told, zipfile.ZIP_DEFLATED)
    files.write_durable(target, memory.getvalue())


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """A bundle's files as a store, as long as the block lasts. Raises SpecError for what is no bundle, or not whole."""
    with TemporaryDirectory(prefix="ryot-bundle-") as folder:
        try:
            with zipfile.ZipFile(path) as bundle:
                _unpack(bundle, Path(folder), path)
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise SpecError(f"{path} is no evidence bundle: {error}", hint="`ryot report --bundle FILE` writes one") from error
        yield Store(Path(folder))


def _refuse_too_large(path: Path, count: int, size: int, of_list: int = 0) -> None:
    if count > MOST_FILES or size > MOST_BYTES or of_list > MOST_LIST:
        words = f"{path} is too large for a bundle: {count} files of {max(size, of_list)} bytes"
        raise SpecError(words, hint=f"at most {MOST_FILES:,} files of {MOST_BYTES >> 30} GiB; send the store instead")


def _unpack(bundle: zipfile.ZipFile, folder: Path, path: Path) -> None:
    infos = {info.filename: info for info in bundle.infolist()}
    size = sum(info.file_size for info in infos.values())
    _refuse_too_large(path, len(infos), size, of_list=infos[LIST].file_size if LIST in infos else 0)
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos.values()):
        raise SpecError(f"{path} is no evidence bundle: it is compressed in another way", hint="`ryot report --bundle FILE` writes one")
    listed = _listed(bundle, path)
    if missing := sorted(listed.keys() - infos.keys()):
        raise SpecError(f"{path} is not whole: {missing[0]} is missing", hint="copy it again")
    for name, digest in listed.items():
        if not _NAME.fullmatch(name) or ".." in PurePosixPath(name).parts:
            raise SpecError(f"{path}: {name!r} is no file of a store")
        if _copied(bundle, name, folder / name) != digest:
            raise SpecError(f"{path} is damaged: {name} is not the file that was packed", hint="copy it again")


def _copied(bundle: zipfile.ZipFile, name: str, target: Path) -> str:
    """Write a member; returns its digest."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with bundle.open(name) as member, target.open("wb") as file:
        while part := member.read(1 << 20):
            digest.update(part)
            file.write(part)
    return digest.hexdigest()


def _listed(bundle: zipfile.ZipFile, path: Path) -> dict[str, str]:
    """Digests by name. Raises SpecError where the list is none, or of another version."""
    try:
        found = json.loads(bundle.read(LIST))
        if found["schema"] != SCHEMA:
            raise SpecError(f"{path} is a bundle of the kind {found['schema']}; this version reads {SCHEMA}")
        return {str(name): str(entry["sha256"]) for name, entry in found["files"].items()}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise SpecError(f"{path} is no evidence bundle: it has no {LIST} that can be read") from error
