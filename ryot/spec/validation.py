"""`validation`: the checklist before a deployment."""

from pydantic import Field

from ryot.spec.section import Section
from ryot.units import Count, Duration


class Validation(Section):
    """Each item of the checklist before a deployment, shown or refuted on the live server: `deployment_validation_report.json`."""

    prompts: Count = Field(200, ge=20, le=10_000)
    """Held-out prompts whose answers are held against those of transformers."""
    requests: Count = Field(1000, ge=100, le=1_000_000)
    """Requests of each load: memory is watched under one, an engine is killed under another."""
    clients: int = Field(10, ge=1, le=256)
    """Clients of such a load; each waits for its answer before it asks again."""
    single: Duration = Field(0.05, gt=0)
    """What a single request may take: 95 of 100, at 95 % confidence."""
