"""From a body to the request that it asks, and what is refused of one whoever answers it: the gateway, or an engine behind it. Pure."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from ryot.gateway.asks import Chat, Completion, Sampling
from ryot.gateway.refused import Refused

_PLACE = re.compile(r" - at `\$\.?(.*)`$")
Asked = TypeVar("Asked")
decode_completion = msgspec.json.Decoder(Completion).decode
decode_chat = msgspec.json.Decoder(Chat).decode


def decoded(decode: Callable[[bytes], Asked], body: bytes) -> Asked:
    """The request, checked field by field. Raises Refused, naming the field."""
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error))
        raise Refused(400, str(error), param=place[1] if place else None) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"the body is not JSON: {error}", "invalid_json") from None


def given(value: Any, otherwise: Any) -> Any:
    """A field, or what stands for one that was left out or is null."""
    return otherwise if value is UNSET or value is None else value


def kind_of(prompts: list[Any], name: str = "prompt") -> type:
    """Of what a list of prompts is made: texts, token ids (which are one prompt), or lists of ids. Raises Refused where it is mixed."""
    kinds = {type(item) for item in prompts}
    if len(kinds) != 1:
        raise Refused(400, f"{name} mixes texts, token ids and lists", param=name)
    return kinds.pop()


def refuse_unknown(asked: Sampling, vocab_size: int) -> None:
    """Token ids that stop or are favoured are those of the vocabulary. Raises Refused."""
    named = {"stop_token_ids": asked.stop_token_ids or (), "logit_bias": map(int, asked.logit_bias or ())}
    for name, ids in named.items():
        refuse_beyond(name, max(ids, default=0), vocab_size)


def refuse_beyond(name: str, largest: int, vocab_size: int) -> None:
    """Raises Refused for a token id beyond the vocabulary."""
    if largest >= vocab_size:
        raise Refused(400, f"{name}: token {largest} is not in the vocabulary of {vocab_size}", param=name)
