"""`package`: what is served, as a folder that one can ship."""

from pydantic import Field

from ryot.spec.section import Section


class Package(Section):
    """Container files, Kubernetes manifests, alerts, a dashboard, a run book, a bill of materials and digests, with the model."""

    name: str | None = Field(None, pattern=r"^[a-z]([a-z0-9\-]{0,40}[a-z0-9])?$")
    """What images and objects are called; by default the spec's name, underscores as dashes."""
    registry: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9./:\-]{0,200}[a-z0-9]$")
    """Where the image is pushed to, as it stands before its name: `registry.example/team`."""
    gateways: int = Field(2, ge=1, le=100)
    """Gateways in Kubernetes at least; twice as many at most."""
    memory: str = Field("2Gi", pattern=r"^[1-9][0-9]{0,4}(Mi|Gi)$")
    """What an engine takes beside weights and cache: libraries, activations."""
