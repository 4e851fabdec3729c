"""Whether a server answers as the model that it was given: its next tokens against those that transformers found at the export.

A name proves nothing, and neither does a token: an engine that loads another checkpoint answers as readily. A file without code, read and
written with the standard library.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ryot.plugins import NodeError
from ryot.stages.serve import probe

ANSWERS = "answers.json"
"""In a model's folder: `prompts`, token ids; `next`, for each prompt its likeliest next tokens, [id, log-probability], in fp32."""
PROMPTS, CANDIDATES = 8, 8
EXACT, COARSE = 0.01, 0.15
"""How far a log-probability may lie from transformers', in nats: in fp32 on a CPU, and elsewhere. Right servers differ by 1e-5 in the
former; 16 bits round logits of 10 to 0.04."""
_TIMEOUT_S = 120.0
_ID = "token_id:"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many of the prompts a server continues as transformers does, and how many there are."""

    same: int
    of: int


def agreement(url: str, model: str, folder: Path, tolerance: float) -> Agreement | None:
    """Ask the engine at `url` for the next token of each prompt; None where the folder says nothing of its model's answers. A right answer
    is one of the likeliest by transformers, and as likely within `tolerance` nats. Raises NodeError where there is no answer."""
    if not (folder / ANSWERS).exists():
        return None
    told = json.loads((folder / ANSWERS).read_text())
    body = {"model": model, "prompt": told["prompts"], "max_tokens": 1, "temperature": 0, "logprobs": 1, "return_tokens_as_token_ids": True}
    try:
        status, text = probe.exchange(url, "POST", "/v1/completions", _TIMEOUT_S, body)
        choices = sorted(json.loads(text)["choices"], key=lambda choice: choice["index"]) if status == 200 else []
        found = [_best(choice["logprobs"]["top_logprobs"][0]) for choice in choices]
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
        raise NodeError(f"the server does not tell how likely its tokens are: {type(error).__name__}: {error}") from None
    if len(found) != len(told["next"]):
        raise NodeError(f"the server answered {len(found)} of {len(told['next'])} prompts with status {status}")
    pairs = zip(found, (dict(map(tuple, each)) for each in told["next"]), strict=True)
    return Agreement(sum(token in known and abs(known[token] - nats) <= tolerance for (token, nats), known in pairs), len(found))


def refuse_other(url: str, model: str, folder: Path, tolerance: float) -> str:
    """What was found, in words. Raises NodeError when most answers are not those of the model in `folder`; some may be on the edge."""
    found = agreement(url, model, folder, tolerance)
    if found is None:
        return f"whether it answers as its model is not known: the model has no {ANSWERS}"
    if 2 * found.same < found.of:
        raise NodeError(
            f"what is served is not the model that was exported: of {found.of} next tokens {found.same} are those of the export",
            hint="an engine that loads another checkpoint, or changes the weights, cannot be measured in its stead",
        )
    return f"of {found.of} next tokens {found.same} are those of the export"


def _best(top: Mapping[str, float]) -> tuple[int, float]:
    """The likeliest token and its log-probability."""
    name = max(top, key=top.__getitem__)
    return int(name.removeprefix(_ID)), float(top[name])
