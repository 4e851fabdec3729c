"""The engine's routes: OpenAI's completions and chats, and what the gateway and the load test ask of an engine.

`/metrics` uses vLLM's names, which the load test knows.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version

import msgspec

from ryot.gateway.refused import Refused
from ryot.gateway.server import Connection
from ryot.gateway.server import Request as Http
from ryot.gateway.wire import CHUNKED, JSON, STREAM, TEXT, head
from ryot.generator import answers, asked
from ryot.generator.answers import Choice
from ryot.generator.asked import Request, Speech
from ryot.generator.engine import Engine
from ryot.generator.sequence import Piece, Sequence

_ASKS: dict[bytes, Callable[[bytes, Speech], Request]] = {b"/v1/completions": asked.completion, b"/v1/chat/completions": asked.chat}


@dataclass(slots=True)
class Call:
    """A request that is answered: its sequences, and the choices as far as they have come."""

    request: Request
    connection: Connection
    sequences: list[Sequence]
    choices: list[Choice]
    ended: int = 0


class App:
    """Answers requests with what `engine` makes. Lives in the server's loop."""

    def __init__(self, engine: Engine, speech: Speech) -> None:
        self._engine, self._speech = engine, speech
        self._loop = asyncio.get_running_loop()

    def handle(self, request: Http, connection: Connection) -> None:
        """Answer, now or when the sequences are made."""
        path = request.path.partition(b"?")[0]
        try:
            if path in _ASKS:
                self._begin(_ASKS[path](request.body, self._speech), connection)
            else:
                connection.answer(200, *self._told(path))
        except Refused as refused:
            connection.answer(refused.status, JSON, refused.body, refused.headers)
        except Exception as error:  # whatever it is, this request is answered, and the next one too
            traceback.print_exception(error)
            connection.answer(500, JSON, Refused(500, "the engine failed", "internal").body)

    def _told(self, path: bytes) -> tuple[bytes, bytes]:
        """Content type and body of a control route."""
        if path == b"/metrics":
            return TEXT, self._metrics().encode()
        if path == b"/health":
            return JSON, b"{}"
        if path == b"/version":
            return JSON, msgspec.json.encode({"version": version("transformers")})
        if path == b"/v1/models":
            return JSON, msgspec.json.encode(
                {"object": "list", "data": [{"id": self._speech.model, "object": "model", "owned_by": "ryot"}]}
            )
        raise Refused(404, "there is no such route")

    def _metrics(self) -> str:
        lines = [f"vllm:num_requests_running {self._engine.running}", f"vllm:num_requests_waiting {self._engine.waiting}"]
        lines += [f'vllm:request_success_total{{finished_reason="{why}"}} {count}' for why, count in self._engine.finished.items()]
        return "\n".join(lines) + "\n"

    def _begin(self, request: Request, connection: Connection) -> None:
        longest = min(max(map(len, request.prompts)) + request.wanted.most, self._speech.context)
        if not self._engine.holds(longest):
            raise Refused(400, f"the cache does not hold {longest} tokens", "context_length_exceeded", "max_tokens")
        starts = [start for start in request.starts for _ in range(request.copies)]
        call = Call(request, connection, [], [Choice(start) for start in starts])

        def sink(piece: Piece) -> None:
            with suppress(RuntimeError):  # the server has ended before the thread
                self._loop.call_soon_threadsafe(self._take, call, piece)

        call.sequences = request.sequences(self._speech, sink)
        connection.gone = partial(_leave, call)
        if request.stream:
            self._open(call)
        self._engine.add(call.sequences)

    def _open(self, call: Call) -> None:
        connection, wording = call.connection, call.request.wording
        connection.transport.write(head(200, STREAM, CHUNKED, keep=connection.keep))
        for number, choice in enumerate(call.choices):
            if wording.chat:
                _send(connection, answers.role(wording, number))
            elif choice.start and not call.sequences[number].scored:
                _send(connection, answers.chunk(wording, number, choice, Piece(number, choice.start, ()), None))

    def _take(self, call: Call, piece: Piece) -> None:
        """A piece of an answer has come."""
        if call.sequences[piece.number].left:
            return
        if piece.error is not None:
            _break(call, piece.error)
            return
        choice = call.choices[piece.number]
        prompt = call.sequences[piece.number].scored and not choice.tokens  # it comes first
        if prompt:
            piece = replace(piece, text=choice.start if call.request.stream else "")
        choice.add(piece, len(piece.tokens) if prompt else 0)
        if call.request.stream:
            used = _used(call) if call.request.usage_each else None
            _send(call.connection, answers.chunk(call.request.wording, piece.number, choice, piece, used))
        call.ended += piece.finish is not None
        if call.ended == len(call.sequences):
            _end(call)


def _leave(call: Call) -> None:
    """Whoever asked has gone, or will not be answered."""
    for sequence in call.sequences:
        sequence.left = True


def _break(call: Call, error: str) -> None:
    _leave(call)
    if call.request.stream:
        call.connection.abort()
    else:
        call.connection.answer(500, JSON, Refused(500, error, "engine_failed").body)


def _end(call: Call) -> None:
    request, connection = call.request, call.connection
    if not request.stream:
        connection.answer(200, JSON, answers.whole(request.wording, _best(call), _used(call)))
        return
    if request.with_usage:
        _send(connection, answers.event(request.wording, [], _used(call)))
    _send(connection, answers.END)
    connection.transport.write(b"0\r\n\r\n")
    connection.end()


def _used(call: Call) -> answers.Json:
    """Tokens read and made, those of the copies that are not told too."""
    return answers.usage(call.request.prompt_tokens, sum(choice.made for choice in call.choices))


def _best(call: Call) -> list[Choice]:
    """Of the copies of each prompt those that are told: all, or the likeliest by their mean log-probability (OpenAI's `best_of`)."""
    copies, told = call.request.copies, call.request.told
    groups = [call.choices[at : at + copies] for at in range(0, len(call.choices), copies)]
    return [choice for group in groups for choice in sorted(group, key=_likelihood, reverse=True)[:told]] if told < copies else call.choices


def _likelihood(choice: Choice) -> float:
    values = [token.logprob for token in choice.tokens[-choice.made :] if token.logprob is not None]
    return sum(values) / max(len(values), 1)


def _send(connection: Connection, data: bytes) -> None:
    connection.transport.write(b"%x\r\n%s\r\n" % (len(data), data))
