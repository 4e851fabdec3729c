"""HTTP/1.1 as the gateway writes it: status lines, heads, and what both of its sides agree on."""

from http import HTTPStatus

REASONS = {status.value: b"HTTP/1.1 %d %s\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus}
JSON, TEXT = b"application/json", b"text/plain; version=0.0.4; charset=utf-8"
STREAM = b"text/event-stream"

Headers = dict[bytes, bytes]
"""Header fields by their names in lower case; of one that comes twice, the values joined by a comma."""


CHUNKED = b"transfer-encoding: chunked\r\n"
"""The framing of a body that says itself where it ends."""


def sized(length: int) -> bytes:
    """The framing of a body of so many bytes."""
    return b"content-length: %d\r\n" % length


def head(status: int, content_type: bytes, framing: bytes, more: bytes = b"", *, keep: bool = True) -> bytes:
    """The head of an answer; `framing` is the header line that says where its body ends, `more` are further whole ones."""
    line = REASONS.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status
    end = b"\r\n" if keep else b"connection: close\r\n\r\n"
    return b"%scontent-type: %s\r\n%s%s%s" % (line, content_type, framing, more, end)


def request(method: bytes, path: bytes, host: bytes, body: bytes, more: bytes = b"") -> bytes:
    """A request to an engine."""
    return b"%s %s HTTP/1.1\r\nhost: %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%s\r\n%s" % (
        method, path, host, len(body), more, body,
    )  # fmt: skip
