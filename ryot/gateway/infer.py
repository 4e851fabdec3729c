"""/infer's answer from the engine's completion. Pure."""

import math

import msgspec

from ryot.gateway.checks import Ask
from ryot.gateway.refused import Refused

_PREFIX = "token_id:"


class _Logprobs(msgspec.Struct):
    top_logprobs: list[dict[str, float | None]]


class _Choice(msgspec.Struct):
    index: int
    logprobs: _Logprobs


class _Completion(msgspec.Struct):
    choices: list[_Choice]


_decode = msgspec.json.Decoder(_Completion).decode


def predictions(ask: Ask, body: bytes) -> bytes:
    """`{"predictions": ..., "ids": ...` without its end, which `latency_ms` is. Raises Refused where the engine's answer is none."""
    try:
        choices = sorted(_decode(body).choices, key=lambda choice: choice.index)
        found = [_best(choice.logprobs.top_logprobs[0], ask.k) for choice in choices]
    except (msgspec.MsgspecError, ValueError, IndexError, OverflowError) as error:
        raise Refused(502, f"the engine's answer cannot be read: {error}", "bad_engine") from None
    if len(found) != ask.weight:
        raise Refused(502, f"the engine answered {len(found)} of {ask.weight} prompts", "bad_engine")
    shares, ids = [[share for share, _ in each] for each in found], [[token for _, token in each] for each in found]
    told = {"predictions": shares[0] if ask.flat else shares, "ids": ids[0] if ask.flat else ids}
    return msgspec.json.encode(told)[:-1]


def with_latency(start: bytes, seconds: float) -> bytes:
    """The whole answer."""
    return b'%s,"latency_ms":%.3f}' % (start, 1000 * seconds)


def _best(logprobs: dict[str, float | None], k: int) -> list[tuple[float, int]]:
    """Probability and id of the `k` most probable tokens, the most probable first. Raises ValueError."""
    pairs = [
        (math.exp(logprob), int(token.removeprefix(_PREFIX)))
        for token, logprob in logprobs.items()
        if logprob is not None and math.isfinite(logprob)
    ]
    if len(pairs) < k:
        raise ValueError(f"{len(pairs)} probabilities instead of {k}")
    return sorted(pairs, key=lambda pair: (-pair[0], pair[1]))[:k]
