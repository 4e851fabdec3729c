"""The gate before an engine on another machine: who knows the token passes, and what passes is whole."""

import asyncio
import secrets

import pytest

from ryot.stages.serve.elsewhere.gate import gated, join, opened

TOKEN = "0123456789abcdef" * 2
BIG = secrets.token_bytes(1 << 20)


async def upper(reader, writer):
    """Answers with the same in capitals once all was said, as a server that reads to the end does."""
    writer.write((await reader.read()).upper() if not reader.at_eof() else b"")
    await writer.drain()
    writer.close()


async def through(first: bytes, said: bytes) -> bytes:
    """What comes back of `said` behind a gate that is met with `first`."""
    engine = await asyncio.start_server(upper, "127.0.0.1", 0)
    port = engine.sockets[0].getsockname()[1]

    async def serve(wanted, reader, writer):
        assert wanted == b"T"
        await join((reader, writer), await asyncio.open_connection("127.0.0.1", port))

    gate = await asyncio.start_server(gated(TOKEN, serve), "127.0.0.1", 0)
    async with engine, gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", gate.sockets[0].getsockname()[1])
        writer.write(first + said)
        writer.write_eof()
        back = await reader.read()
        writer.close()
    return back


def test_a_token_opens_and_all_of_a_megabyte_passes_both_ways():
    assert asyncio.run(through(TOKEN.encode() + b"T", BIG)) == BIG.upper()


@pytest.mark.parametrize("first", [b"", b"T", b"f" * 32 + b"T", TOKEN.encode(), TOKEN[:-1].encode() + b"TT"])
def test_without_the_token_nothing_comes_back(first):
    said = b"GET / HTTP/1.1\r\n\r\n" if first != TOKEN.encode() else b""
    assert asyncio.run(through(first, said)) == b""


def test_an_engine_that_hangs_up_ends_the_client_too():
    async def meet() -> bytes:
        async def hang_up(reader, writer):
            await reader.readexactly(1)
            writer.transport.abort()

        engine = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = engine.sockets[0].getsockname()[1]

        async def serve(wanted, reader, writer):
            await join((reader, writer), await asyncio.open_connection("127.0.0.1", port))

        gate = await asyncio.start_server(gated(TOKEN, serve), "127.0.0.1", 0)
        async with engine, gate, asyncio.timeout(10):
            reader, writer = await opened("127.0.0.1", gate.sockets[0].getsockname()[1], TOKEN, b"T")
            writer.write(b"x")
            back = await reader.read()
            writer.close()
            return back

    assert asyncio.run(meet()) == b""
