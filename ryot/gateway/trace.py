"""OpenTelemetry: off unless OTEL_EXPORTER_OTLP_ENDPOINT is set. A trace that a client began is passed on to the engine either way."""

from __future__ import annotations

import os
import re
from typing import Any

from ryot.gateway.wire import Headers

VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Tracing:
    """A span for each request that goes to an engine."""

    def __init__(self) -> None:
        self._tracer: Any = None
        if os.environ.get(VARIABLE):
            self._tracer = _tracer()

    def begin(self, route: str, headers: Headers) -> Any:
        """A span, None where there is no tracing."""
        if self._tracer is None:
            return None
        from opentelemetry.propagate import extract  # noqa: PLC0415 - costs a second, and is mostly off

        parent = headers.get(b"traceparent", b"").decode("latin1")
        return self._tracer.start_span(f"POST {route}", context=extract({"traceparent": parent}), attributes={"http.route": route})

    def header(self, span: Any, headers: Headers) -> bytes:
        """The header line for the engine."""
        if span is not None:
            context = span.get_span_context()
            return b"traceparent: 00-%032x-%016x-%02x\r\n" % (context.trace_id, context.span_id, context.trace_flags)
        given = headers.get(b"traceparent", b"")
        return b"traceparent: %s\r\n" % given if _PARENT.fullmatch(given) else b""

    def end(self, span: Any, status: int) -> None:
        """The request has ended."""
        if span is not None:
            span.set_attribute("http.response.status_code", status)
            span.end()


def _tracer() -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": "ryot-gateway"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("ryot.gateway")
