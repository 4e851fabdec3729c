"""From logits to tokens: what each sequence wants of its next one. B sequences, V tokens of the vocabulary."""

from __future__ import annotations

from collections.abc import Sequence as Many

import torch
from torch import Tensor
from transformers import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from ryot.generator.sequence import Sequence, Token, Wanted

_LEAST_TEMPERATURE = 0.01
"""As vLLM's: nearer to 0 the scores are beyond what a float holds."""


def best_of(logits_BV: Tensor) -> tuple[list[int], list[bool]]:
    """The likeliest token of each row, and whether the row holds numbers."""
    likeliest_B, best_B = logits_BV.max(-1)
    return best_B.tolist(), torch.isfinite(likeliest_B).tolist()


def choose(logits_V: Tensor, best: int, sequence: Sequence) -> Token:
    """The next token of a sequence, of which `best` is the likeliest. Log-probabilities are the model's own: before temperature, penalties
    and biases, as vLLM tells them."""
    wanted = sequence.wanted
    chosen = best if wanted.plain else _drawn(_adjusted(logits_V.float(), sequence), sequence)
    return Token(chosen) if wanted.logprobs is None else told(logits_V, chosen, wanted.logprobs)


def told(logits_V: Tensor, token: int, count: int) -> Token:
    """A token with its log-probability and those of the `count` likeliest."""
    return scored(logits_V[None], [token], count)[0]


def scored(logits_TV: Tensor, tokens: Many[int], count: int) -> list[Token]:
    """Tokens with their log-probabilities by the logits at T places, and those of the `count` likeliest there."""
    logprobs_TV = torch.log_softmax(logits_TV.float(), -1)
    own = logprobs_TV.gather(-1, torch.tensor(tokens, device=logprobs_TV.device)[:, None])[:, 0].tolist()
    values, ids = logprobs_TV.topk(min(count, logprobs_TV.shape[-1]))
    tops = [tuple(zip(*pair, strict=True)) for pair in zip(ids.tolist(), values.tolist(), strict=True)]
    return [Token(token, logprob, top) for token, logprob, top in zip(tokens, own, tops, strict=True)]


def _adjusted(logits_V: Tensor, sequence: Sequence) -> Tensor:
    """With biases, penalties, and what may not come yet, in vLLM's order."""
    wanted = sequence.wanted
    logits_V = logits_V.clone()
    for token, bias in wanted.bias:
        logits_V[token] += bias
    if wanted.repetition != 1.0:
        seen = torch.tensor(sorted({*sequence.prompt, *sequence.made}), device=logits_V.device)
        values = logits_V[seen]
        logits_V[seen] = torch.where(values > 0, values / wanted.repetition, values * wanted.repetition)
    if sequence.made and (wanted.presence or wanted.frequency):
        ids, counts = torch.tensor(sequence.made, device=logits_V.device).unique(return_counts=True)
        logits_V[ids] -= wanted.presence + wanted.frequency * counts
    if len(sequence.made) < wanted.least:
        for token in wanted.stop_ids | wanted.silent:
            logits_V[token] = -torch.inf
    return logits_V


def _drawn(logits_V: Tensor, sequence: Sequence) -> int:
    wanted = sequence.wanted
    if wanted.temperature == 0:
        return int(logits_V.argmax())
    scores = logits_V[None]
    for warp in _warps(wanted, logits_V.shape[-1]):
        scores = warp(None, scores)
    return int(torch.multinomial(torch.softmax(scores[0], -1).cpu(), 1, generator=sequence.random))  # the same draw on any device


def _warps(wanted: Wanted, vocab_size: int) -> list[TemperatureLogitsWarper | TopKLogitsWarper | TopPLogitsWarper | MinPLogitsWarper]:
    """In vLLM's order."""
    warps = [TemperatureLogitsWarper(max(wanted.temperature, _LEAST_TEMPERATURE))]
    if wanted.min_p > 0:
        warps.append(MinPLogitsWarper(wanted.min_p))
    if 0 < wanted.top_k < vocab_size:
        warps.append(TopKLogitsWarper(wanted.top_k))
    if wanted.top_p < 1:
        warps.append(TopPLogitsWarper(wanted.top_p))
    return warps
