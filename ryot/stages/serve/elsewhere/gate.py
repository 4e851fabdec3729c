"""Passes bytes on between two connections, and opens only for who knows the token: engines themselves ask nobody who they are.

The token keeps strangers of the cluster's network out. It does not encrypt: that network is trusted as far as Ray trusts it, which runs
whatever it is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import Awaitable, Callable

PART = 1 << 16
TOKEN = 32
"""Characters."""
_SHOWN_IN_S = 5.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Serve = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def gated(token: str, serve: Serve) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """What serves a connection that begins with the token and one byte that says what is wanted; any other is closed without a word."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(_SHOWN_IN_S):
                shown = await reader.readexactly(TOKEN + 1)
            if hmac.compare_digest(shown[:TOKEN], token.encode()):
                await serve(shown[TOKEN:], reader, writer)

    return meet


async def opened(host: str, port: int, token: str, wanted: bytes) -> Streams:
    """A connection through a gate. Raises OSError."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(token.encode() + wanted)
    return reader, writer


async def join(one: Streams, other: Streams) -> None:
    """Pass on what each of the two says until both have ended; where one breaks, both do."""
    try:
        await asyncio.gather(_pass(one[0], other[1]), _pass(other[0], one[1]))
    except OSError:
        pass
    finally:
        one[1].close()
        other[1].close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(PART):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
