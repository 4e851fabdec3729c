"""What is inside: libraries with their versions and licences (CycloneDX 1.5), and the digest of every file."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from ryot.plugins import digest_file


def installed() -> dict[str, Distribution]:
    """Every distribution of this interpreter, by its normal name (PEP 503)."""
    return {_normal(found.metadata["Name"]): found for found in distributions() if found.metadata["Name"]}


def needed(roots: tuple[str, ...], have: dict[str, Distribution]) -> dict[str, Distribution]:
    """What some distributions need, and what these need in turn, of what is installed: whatever is served imports nothing else. An extra
    counts where somebody asks for it (PEP 508)."""
    found: dict[str, Distribution] = {}
    waiting = [(_normal(root), "") for root in roots]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        if name not in have:
            continue
        found[name] = have[name]
        for line in have[name].requires or ():
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                new = {(_normal(wanted.name), each) for each in ("", *wanted.extras)} - seen
                seen |= new
                waiting += new
    return dict(sorted(found.items()))


def requirements(libraries: dict[str, Distribution]) -> str:
    """As pip reads it, without an index."""
    return "".join(f"{found.metadata['Name']}=={found.version}\n" for found in libraries.values())


def bill(name: str, version: str, libraries: dict[str, Distribution]) -> dict[str, Any]:
    """The bill of materials of an image."""
    main = {"type": "container", "bom-ref": name, "name": name, "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": main},
        "components": [_component(found) for found in libraries.values()],
    }


def digests(folder: Path, name: str) -> str:
    """As `sha256sum` writes it: every file below a folder but the list itself."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / name)
    return "".join(f"{digest_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)


def _component(found: Distribution) -> dict[str, Any]:
    name, version = _normal(found.metadata["Name"]), found.version
    place = f"pkg:pypi/{name}@{version}"
    words = _licence(found)
    licence = {"licenses": [{"license": {"name": words.splitlines()[0][:200]}}]} if words else {}
    return {"type": "library", "bom-ref": place, "name": name, "version": version, "purl": place} | licence


def _licence(found: Distribution) -> str:
    """As its metadata tell it: as an expression, in words, or by a classifier alone, `License :: OSI Approved :: MIT License`."""
    told = [found.metadata[field].strip() for field in ("License-Expression", "License") if field in found.metadata]
    classified = [line.rpartition(" :: ")[2] for line in found.metadata.get_all("Classifier") or () if line.startswith("License ::")]
    return next(filter(None, [*told, *classified]), "")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
