"""The routes that ask no engine: /health, /metrics, /v1/models, /openapi.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ryot.gateway import openapi
from ryot.gateway.refused import Refused
from ryot.gateway.wire import JSON, TEXT

if TYPE_CHECKING:
    from ryot.gateway.app import Gateway
    from ryot.gateway.settings import Settings

ROUTES = ("/health", "/metrics", "/v1/models", "/openapi.json")
ONE_MODEL = "/v1/models/{model}"

Answer = tuple[int, bytes, bytes]
"""Status, content type, body."""


def route_of(path: bytes, model: str) -> tuple[str, bytes]:
    """The route of a path, under the name by which it is counted, and its method. Raises Refused where there is none."""
    name = path.decode("latin1")
    if name in ROUTES:
        return name, b"GET"
    if name == f"/v1/models/{model}":
        return ONE_MODEL, b"GET"
    raise Refused(404, "there is no such route", "not_found")


def answer(route: str, gateway: Gateway) -> Answer:
    """What a route tells now."""
    if route == "/health":
        return _health(gateway)
    if route == "/metrics":
        gateway.book.settle()
        return 200, TEXT, gateway.metrics.text()
    if route == "/openapi.json":
        settings = gateway.settings
        return 200, JSON, openapi.document(settings.model, settings.vocab_size, keyed=gateway.door.keyed, chats=settings.chats)
    model = _model(gateway.settings)
    return 200, JSON, msgspec.json.encode(model if route == ONE_MODEL else {"object": "list", "data": [model]})


def _health(gateway: Gateway) -> Answer:
    living = gateway.replicas.living
    status = "draining" if gateway.draining else "healthy" if living else "unhealthy"
    told = {"status": status, "uptime": round(gateway.uptime, 3), "replicas": {"living": living, "all": len(gateway.replicas.all)}}
    return (200 if status == "healthy" else 503), JSON, msgspec.json.encode(told)


def _model(settings: Settings) -> dict[str, Any]:
    return {"id": settings.model, "object": "model", "created": 0, "owned_by": "ryot", "max_model_len": settings.context}
