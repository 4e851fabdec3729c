"""What every section of a spec is: frozen, finite, with unknown keys refused; and the mark of a path to local input files."""

from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo, field_validator

_LEAST, _MOST = 1e-15, 1e18


class Section(BaseModel):
    """One section of a spec."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """`ranks: true` is not 1, and `eager: 1` is not true: Python would take either."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        if annotation is bool:
            if not isinstance(value, bool):
                raise ValueError(f"should be true or false, not {value!r}"[:200])
        elif annotation is not Any:
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, bool):
                    raise ValueError(f"{str(item).lower()} has no place here; only a switch is true or false")
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _within_reason(cls, value: Any) -> Any:
        """Numbers that no model, machine or budget has would overflow whatever is reckoned with them."""
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, int | float) and item and not _LEAST <= abs(item) <= _MOST:
                raise ValueError("is out of all proportion" if abs(item) > 1 else "is too near to zero")
        return value


class LocalInput:
    """Marks a field that names a local file or folder; the command line resolves it against the spec and takes its digest."""


def _path(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise ValueError("write the path of a file or folder")
    if text.startswith("~"):
        raise ValueError("`~` is not expanded; write the path in full or relative to the spec")
    return str(PurePosixPath(text))


LocalPath = Annotated[str, AfterValidator(_path), LocalInput]
