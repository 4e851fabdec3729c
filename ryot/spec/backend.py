"""`backend`: where nodes run. Changes no result, and enters no key."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from ryot.spec.section import Section


class Backend(Section):
    """Where nodes run; `backend: slurm` is short for `{use: slurm}`. Servers, and what asks them, run beside ryot wherever that is."""

    use: str = Field("local", pattern=r"^[a-z][a-z0-9_\-]*$")
    """The backend's name, as `ryot plugins list` shows it: local, slurm, ray, hostfile."""
    with_: dict[str, Any] = Field({}, alias="with")
    """The backend's own settings."""
    retries: int = Field(2, ge=0, le=100)
    """How often a node is tried again whose machine was lost or taken away. One that failed by itself is not."""
    at_once: int = Field(8, ge=1, le=10_000)
    """Nodes that may be with a backend other than local at once."""


def _named(written: Any) -> Any:
    return {"use": written} if isinstance(written, str) else written


WrittenBackend = Annotated[Backend, BeforeValidator(_named, json_schema_input_type=str | Backend)]
