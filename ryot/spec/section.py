"""What every section of a spec is: frozen, with unknown keys refused; and the mark of a path to local input files."""

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


class Section(BaseModel):
    """One section of a spec."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class LocalInput:
    """Marks a field that names a local file or folder; the command line resolves it against the spec and takes its digest."""


def _path(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise ValueError("write the path of a file or folder")
    if text.startswith("~"):
        raise ValueError("`~` is not expanded; write the path in full or relative to the spec")
    return str(PurePosixPath(text))


LocalPath = Annotated[str, AfterValidator(_path), LocalInput]
