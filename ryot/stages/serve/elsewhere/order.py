"""What is asked of a machine of the cluster: one engine."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Order:
    """An engine: the settings of `serve`, the model's folder, the device that it is to compute on (as the plan names it), the cores and
    GPUs that it takes, the port at which it is found on this machine, and the token that opens the gate before it."""

    config: dict[str, Any]
    folder: str
    device: str
    threads: int
    gpus: int
    port: int
    recurrent: bool = False
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def kind(self) -> str:
        """The device without its number, as machines of a cluster may have more cores or GPUs, but not others; empty where it has none."""
        return self.device.rpartition(" x")[0]

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Order:
        """Back from JSON."""
        return cls(**json.loads(text))
