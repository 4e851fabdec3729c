"""Why a request is not answered, in OpenAI's shape: `{"error": {"message": ..., "type": ..., "param": ..., "code": ...}}`."""

from dataclasses import dataclass

import msgspec

_TYPES = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


@dataclass(slots=True)
class Refused(Exception):
    """A request that ends here. `retry_after` is in seconds, where trying again may help."""

    status: int
    message: str
    code: str = "invalid_request"
    param: str | None = None
    retry_after: int | None = None
    allow: str | None = None

    @property
    def body(self) -> bytes:
        """The error as JSON."""
        kind = _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return msgspec.json.encode({"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}})

    @property
    def headers(self) -> bytes:
        """The header lines that belong to it."""
        lines = b"" if self.retry_after is None else b"retry-after: %d\r\n" % self.retry_after
        return lines if self.allow is None else lines + b"allow: %s\r\n" % self.allow.encode()
