"""Answers in OpenAI's shape, as vLLM words them: completions and chats, whole or in chunks. Pure but for the tokenizer's decoding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ryot.generator.sequence import Piece, Token

LEAST_LOGPROB = -9999.0
"""Stands for minus infinity, which JSON has not."""
END = b"data: [DONE]\n\n"
_encode = msgspec.json.encode
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wording:
    """How a request is answered. `name` decodes one token; `count` is how many of the likeliest are told with it."""

    id: str
    model: str
    created: int
    chat: bool
    name: Callable[[int], str]
    count: int | None


@dataclass(slots=True)
class Choice:
    """One sequence's answer as far as it has come. `start` is the prompt's text where it is echoed."""

    start: str = ""
    text: str = ""
    tokens: list[Token] = field(default_factory=list)
    made: int = 0
    last: Piece | None = None
    offset: int = 0

    def add(self, piece: Piece, echoed: int = 0) -> None:
        """Take in what came; `echoed` of its tokens are the prompt's."""
        self.text += piece.text
        self.tokens += piece.tokens
        self.made += len(piece.tokens) - echoed
        if piece.finish:
            self.last = piece


def whole(wording: Wording, choices: Sequence[Choice], used: Json) -> bytes:
    """An answer that is complete."""
    told = [_choice(wording, number, choice) for number, choice in enumerate(choices)]
    return _encode(_head(wording, "chat.completion" if wording.chat else "text_completion") | {"choices": told, "usage": used})


def usage(prompt_tokens: int, completion_tokens: int) -> Json:
    """Tokens read and made."""
    total = prompt_tokens + completion_tokens
    return {"prompt_tokens": prompt_tokens, "total_tokens": total, "completion_tokens": completion_tokens}


def chunk(wording: Wording, number: int, choice: Choice, piece: Piece, used: Json | None) -> bytes:
    """What is new of one sequence, as an event of a stream."""
    ended = {"finish_reason": piece.finish, "stop_reason": piece.stop}
    if wording.chat:
        told: Json = {"delta": {"content": piece.text}, "logprobs": _chat_logprobs(wording, piece.tokens)}
    else:
        told = {"text": piece.text, "logprobs": _logprobs(wording, choice, piece.tokens)}
    return event(wording, [{"index": number} | told | ended], used)


def role(wording: Wording, number: int) -> bytes:
    """The first event of a chat's choice."""
    delta = {"role": "assistant", "content": ""}
    return event(wording, [{"index": number, "delta": delta, "logprobs": None, "finish_reason": None}], None)


def event(wording: Wording, choices: list[Json], used: Json | None) -> bytes:
    """An event of a stream; the last but one has no choices, only what was used."""
    told = _head(wording, "chat.completion.chunk" if wording.chat else "text_completion") | {"choices": choices}
    return b"data: %s\n\n" % _encode(told | ({"usage": used} if used else {}))


def _head(wording: Wording, kind: str) -> Json:
    return {"id": wording.id, "object": kind, "created": wording.created, "model": wording.model}


def _choice(wording: Wording, number: int, choice: Choice) -> Json:
    assert choice.last is not None
    told: Json = {"index": number, "finish_reason": choice.last.finish, "stop_reason": choice.last.stop}
    if wording.chat:
        message = {"role": "assistant", "content": choice.text}
        return told | {"message": message, "logprobs": _chat_logprobs(wording, choice.tokens)}
    return told | {"text": choice.start + choice.text, "logprobs": _logprobs(wording, choice, choice.tokens), "prompt_logprobs": None}


def _logprobs(wording: Wording, choice: Choice, tokens: Sequence[Token]) -> Json | None:
    """Of a completion: lists with an entry for each token; `choice.offset` goes on from chunk to chunk."""
    if wording.count is None:
        return None
    names = [wording.name(token.id) for token in tokens]
    offsets = []
    for name in names:
        offsets.append(choice.offset)
        choice.offset += len(name)
    tops = [None if token.top is None else _top(wording, token) for token in tokens]
    values = [None if token.logprob is None else _finite(token.logprob) for token in tokens]
    return {"text_offset": offsets, "token_logprobs": values, "tokens": names, "top_logprobs": tops}


def _top(wording: Wording, token: Token) -> dict[str, float]:
    """The likeliest, and the token itself."""
    assert token.top is not None
    assert token.logprob is not None
    return {wording.name(token.id): _finite(token.logprob)} | {wording.name(each): _finite(value) for each, value in token.top}


def _chat_logprobs(wording: Wording, tokens: Sequence[Token]) -> Json | None:
    if wording.count is None:
        return None
    return {"content": [_entry(wording, token) for token in tokens]}


def _entry(wording: Wording, token: Token) -> Json:
    top = [_named(wording, each, value) for each, value in token.top or ()]
    return _named(wording, token.id, token.logprob or 0.0) | {"top_logprobs": top}


def _named(wording: Wording, token: int, logprob: float) -> Json:
    name = wording.name(token)
    return {"token": name, "logprob": _finite(logprob), "bytes": list(name.encode())}


def _finite(logprob: float) -> float:
    return max(logprob, LEAST_LOGPROB)
