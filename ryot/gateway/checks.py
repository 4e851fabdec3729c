"""From a body to what the engine is asked. Only what was understood is passed on: the body is written anew from the checked fields.

Raises Refused. Pure.
"""

import hashlib
from typing import cast

import msgspec
from msgspec import UNSET, UnsetType

from ryot.gateway.asks import Completion, Infer, Sampling
from ryot.gateway.reading import decode_chat, decode_completion, decoded, given, kind_of, refuse_beyond, refuse_unknown
from ryot.gateway.refused import Refused
from ryot.gateway.settings import Settings

COMPLETIONS, CHAT = b"/v1/completions", b"/v1/chat/completions"
_decode_infer = msgspec.json.Decoder(Infer).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


class Ask(msgspec.Struct, frozen=True):
    """A request as the engine gets it. `weight` is how many sequences it makes. `key` finds its answer in the cache; None: it may differ
    from time to time. `k` and `flat` are of /infer: how many tokens are told of each prompt, and whether there is one prompt only."""

    path: bytes
    body: bytes
    weight: int
    stream: bool = False
    key: bytes | None = None
    k: int = 0
    flat: bool = False


def completion(body: bytes, settings: Settings) -> Ask:
    """POST /v1/completions."""
    asked = decoded(decode_completion, body)
    count = _refuse_prompts(asked.prompt, asked.max_tokens, settings)
    if given(asked.best_of, 1) < given(asked.n, 1) and asked.best_of is not UNSET:
        raise Refused(400, "best_of is at least n", param="best_of")
    return _ask(COMPLETIONS, asked, count * max(given(asked.n, 1), given(asked.best_of, 1)), settings)


def chat(body: bytes, settings: Settings) -> Ask:
    """POST /v1/chat/completions."""
    if not settings.chats:
        raise Refused(400, "this model has no chat template; ask /v1/completions, or export one whose tokenizer has it", "no_chat_template")
    asked = decoded(decode_chat, body)
    for name in ("max_tokens", "max_completion_tokens"):
        _refuse_length(0, getattr(asked, name), settings, name)
    if asked.top_logprobs and not asked.logprobs:
        raise Refused(400, "top_logprobs needs logprobs: true", param="top_logprobs")
    return _ask(CHAT, asked, given(asked.n, 1), settings)


def infer(body: bytes, settings: Settings) -> Ask:
    """POST /infer: one engine step."""
    asked = decoded(_decode_infer, body)
    flat = not isinstance(asked.tokens[0], list)
    count = _refuse_prompts(asked.tokens, 1, settings, "tokens")
    if asked.batch_size != count:
        raise Refused(400, f"batch_size is {asked.batch_size}, and tokens holds {count}", param="batch_size")
    wanted = Completion(
        model=settings.model,
        prompt=cast(list[int | str | list[int]], [asked.tokens] if flat else asked.tokens),
        max_tokens=1,
        temperature=0,
        logprobs=asked.k,
        return_tokens_as_token_ids=True,
    )
    encoded = _encode(wanted)
    key = _key(settings, b"/infer" + (b" flat" if flat else b""), encoded) if settings.cache else None
    return Ask(COMPLETIONS, encoded, count, key=key, k=asked.k, flat=flat)


def _ask(path: bytes, asked: Sampling, weight: int, settings: Settings) -> Ask:
    if asked.model != settings.model:
        raise Refused(404, f"there is no model {asked.model[:64]!r}; it is {settings.model!r}", "model_not_found", "model")
    if weight > settings.max_batch:
        raise Refused(400, f"{weight} sequences in one request; at most {settings.max_batch}", param="n")
    if isinstance(asked.max_tokens, int) and isinstance(asked.min_tokens, int) and asked.min_tokens > asked.max_tokens:
        raise Refused(400, "min_tokens is above max_tokens", param="min_tokens")
    refuse_unknown(asked, settings.vocab_size)
    stream = asked.stream is True
    if not stream:
        asked.stream = UNSET
        if asked.stream_options not in (UNSET, None):
            raise Refused(400, "stream_options needs stream: true", param="stream_options")
    encoded = _encode(asked)
    sure = not stream and asked.temperature == 0 and given(asked.n, 1) == 1 and not asked.use_beam_search
    if not sure or not settings.cache:
        return Ask(path, encoded, weight, stream)
    asked.user = UNSET
    return Ask(path, encoded, weight, key=_key(settings, path, _encode(asked)))


def _key(settings: Settings, path: bytes, body: bytes) -> bytes:
    """The whole request, canonical, and the model it is put to."""
    return hashlib.blake2b(b"\0".join((settings.digest.encode(), path, body)), digest_size=16).digest()


def _refuse_prompts(prompt: object, most: int | None | UnsetType, settings: Settings, name: str = "prompt") -> int:
    """How many prompts there are. Raises Refused where they are mixed, empty, too many, too long or of unknown tokens."""
    if isinstance(prompt, str):
        _refuse_length(0, most, settings, "max_tokens")
        return 1
    assert isinstance(prompt, list)
    kind = kind_of(prompt, name)
    lists = [prompt] if kind is int else prompt if kind is list else []
    for tokens in lists:
        refuse_beyond(name, max(tokens), settings.vocab_size)
    _refuse_length(max(map(len, lists), default=0), most, settings, name)
    count = 1 if kind is int else len(prompt)
    if count > settings.max_batch:
        raise Refused(400, f"{name}: {count} prompts in one request; at most {settings.max_batch}", param=name)
    return count


def _refuse_length(tokens: int, most: int | None | UnsetType, settings: Settings, name: str) -> None:
    wanted = most if isinstance(most, int) else 0
    if tokens + max(wanted, 1) > settings.context:
        told = f"{tokens} tokens and up to {max(wanted, 1)} more" if tokens else f"{wanted} tokens"
        raise Refused(400, f"{name}: {told} are beyond the context of {settings.context}", "context_length_exceeded", name)
