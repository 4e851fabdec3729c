"""The gateway's OpenAPI document, made of the types by which requests are checked."""

from functools import lru_cache
from typing import Any

import msgspec

from ryot.gateway.asks import MOST_ID, Chat, Completion, Infer

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "integer", "null"]},
            },
        }
    },
}
_PREDICTIONS = {
    "type": "object",
    "required": ["predictions", "ids", "latency_ms"],
    "properties": {
        "predictions": {"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]}},
        "ids": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]}},
        "latency_ms": {"type": "number"},
    },
}
_HEALTH = {
    "type": "object",
    "required": ["status", "uptime"],
    "properties": {
        "status": {"enum": ["healthy", "unhealthy", "draining"]},
        "uptime": {"type": "number"},
        "replicas": {"type": "object", "properties": {"living": {"type": "integer"}, "all": {"type": "integer"}}},
    },
}
_REFUSALS = {
    400: "the request is wrong, and says where", 401: "the key is missing or wrong", 404: "there is no such model",
    413: "the body is too large", 415: "the body is not JSON", 421: "the host is none of this machine's",
    429: "the queue is full, or the turn did not come", 500: "a failure", 502: "the engine failed", 503: "no engine can be asked",
}  # fmt: skip


@lru_cache(maxsize=4)
def document(model: str, vocab_size: int, *, keyed: bool, chats: bool = True) -> bytes:
    """The document of a gateway before a model, as JSON."""
    _, components = msgspec.json.schema_components([Completion, Chat, Infer], ref_template="#/components/schemas/{name}")
    for name in ("Completion", "Chat"):
        components[name]["properties"]["model"] = {"enum": [model]}
    _bound(components, vocab_size - 1)
    schemas: dict[str, Any] = {**components, "Error": _ERROR, "Predictions": _PREDICTIONS, "Health": _HEALTH}
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "ryot", "version": "1", "description": "A model behind ryot's gateway."},
        "paths": {
            "/infer": _post("Infer", "One engine step: the most probable next tokens of each prompt.", "Predictions"),
            "/v1/completions": _post("Completion", "OpenAI's completions.", None),
            "/v1/models": {"get": _get("The model that is served.", "application/json", {"type": "object"})},
            "/health": {"get": _health()},
            "/metrics": {"get": _get("Prometheus' metrics.", "text/plain", {"type": "string"})},
        },
        "components": {"schemas": schemas, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }
    if chats:
        found["paths"]["/v1/chat/completions"] = _post("Chat", "OpenAI's chat completions.", None)
    return msgspec.json.encode(found | ({"security": [{"key": []}]} if keyed else {}))


def _bound(schema: Any, most: int) -> None:
    """Token ids are those of the vocabulary."""
    if isinstance(schema, dict):
        if schema.get("type") == "integer" and schema.get("maximum") == MOST_ID:
            schema["maximum"] = most
        for inner in schema.values():
            _bound(inner, most)
    elif isinstance(schema, list):
        for inner in schema:
            _bound(inner, most)


def _post(name: str, about: str, answer: str | None) -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": f"#/components/schemas/{answer}"} if answer else {"type": "object"}
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    if answer is None:
        content["text/event-stream"] = {}
    body = {"required": True, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}
    answers = {"200": {"description": "the answer", "content": content}} | {str(code): _error(words) for code, words in _REFUSALS.items()}
    return {"post": {"summary": about, "requestBody": body, "responses": answers}}


def _get(about: str, content_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    answers = {"200": {"description": "the answer", "content": {content_type: {"schema": schema}}}}
    return {"summary": about, "responses": answers | {str(code): _error(_REFUSALS[code]) for code in (401, 421)}}


def _health() -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}
    answers = {"200": {"description": "it can answer", "content": content}, "503": {"description": "it cannot", "content": content}}
    return {"summary": "Whether a token can be had.", "security": [], "responses": answers}


def _error(words: str) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
