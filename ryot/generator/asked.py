"""From a checked request to the sequences it asks for. The fields and their bounds are the gateway's (`ryot.gateway.asks`)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from jinja2 import TemplateError

from ryot.gateway.asks import Sampling, StreamOptions
from ryot.gateway.reading import decode_chat, decode_completion, decoded, given, kind_of, refuse_beyond, refuse_unknown
from ryot.gateway.refused import Refused
from ryot.generator.answers import Wording
from ryot.generator.sequence import Piece, Sequence, Wanted
from ryot.generator.text import Text

_COMPLETION_TOKENS = 16
"""Tokens of a completion that does not say how many, as OpenAI has it."""


@dataclass(frozen=True, slots=True)
class Speech:
    """The model's tokenizer (transformers'), how many ids it knows and which end a text, its context in tokens, and its name."""

    tokenizer: Any
    vocab_size: int
    ends: frozenset[int]
    context: int
    model: str

    @property
    def backend(self) -> Any:
        """The tokenizers.Tokenizer behind it."""
        return self.tokenizer.backend_tokenizer


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: prompts, `copies` sequences of each, of which the best `told` are told; `starts` are the echoed texts."""

    wording: Wording
    prompts: list[list[int]]
    starts: list[str]
    wanted: Wanted
    copies: int
    told: int
    stream: bool
    with_usage: bool
    usage_each: bool
    skip_special: bool

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all prompts."""
        return sum(map(len, self.prompts))

    def sequences(self, speech: Speech, sink: Callable[[Piece], None]) -> list[Sequence]:
        """A sequence for each copy of each prompt, numbered in that order."""
        every = [prompt for prompt in self.prompts for _ in range(self.copies)]
        return [self._sequence(speech, number, prompt, sink) for number, prompt in enumerate(every)]

    def _sequence(self, speech: Speech, number: int, prompt: list[int], sink: Callable[[Piece], None]) -> Sequence:
        text = Text(speech.backend, prompt, self.wanted.stop, skip_special=self.skip_special)
        random = None
        if self.wanted.seed is not None:
            random = torch.Generator().manual_seed((self.wanted.seed + number % self.copies) % (1 << 63))
        wanted = replace(self.wanted, most=min(self.wanted.most, speech.context - len(prompt)))  # it ends with the context, as vLLM's
        return Sequence(number, prompt, wanted, text, sink, random)


def completion(body: bytes, speech: Speech) -> Request:
    """POST /v1/completions. Raises Refused."""
    asked = decoded(decode_completion, body)
    if asked.use_beam_search:
        raise Refused(400, "this engine has no beam search", param="use_beam_search")
    special = given(asked.add_special_tokens, otherwise=True)
    prompts = _prompts(asked.prompt, speech, special=special)
    count = given(asked.logprobs, None)
    wording = _wording(speech, asked, count, chat=False)
    wanted = _wanted(asked, prompts, speech, count, given(asked.max_tokens, _COMPLETION_TOKENS), echo=given(asked.echo, otherwise=False))
    starts = [_start(asked.prompt, number, prompt, speech) if wanted.echo else "" for number, prompt in enumerate(prompts)]
    copies = given(asked.best_of, given(asked.n, 1))
    if copies < given(asked.n, 1):
        raise Refused(400, "best_of is at least n", param="best_of")
    return _request(asked, wording, prompts, starts, wanted, copies)


def chat(body: bytes, speech: Speech) -> Request:
    """POST /v1/chat/completions. Raises Refused."""
    asked = decoded(decode_chat, body)
    if asked.use_beam_search:
        raise Refused(400, "this engine has no beam search", param="use_beam_search")
    if not speech.tokenizer.chat_template:
        raise Refused(400, "this model has no chat template", "no_chat_template")
    messages = [{"role": message.role, "content": _content(message.content)} for message in asked.messages]
    try:
        prompt = speech.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)
    except TemplateError as error:
        raise Refused(400, f"the model's template does not take these messages: {error}", param="messages") from None
    if not prompt:
        raise Refused(400, "the model's template makes nothing of these messages", param="messages")
    most = given(asked.max_completion_tokens, given(asked.max_tokens, speech.context - len(prompt)))
    count = given(asked.top_logprobs, 0) if asked.logprobs is True else None
    wanted = _wanted(asked, [prompt], speech, count, most, echo=False)
    return _request(asked, _wording(speech, asked, count, chat=True), [prompt], [""], wanted, given(asked.n, 1))


def _request(asked: Sampling, wording: Wording, prompts: list[list[int]], starts: list[str], wanted: Wanted, copies: int) -> Request:
    stream = asked.stream is True
    if stream and copies > given(asked.n, 1):
        raise Refused(400, "the best of several cannot be streamed", param="best_of")
    options = given(asked.stream_options, StreamOptions())
    skip, told = given(asked.skip_special_tokens, otherwise=True), given(asked.n, 1)
    if copies > told and wanted.logprobs is None:
        wanted = replace(wanted, logprobs=0)  # the best are those whose tokens are the likeliest
    return Request(
        wording, prompts, starts, wanted, copies, told, stream, options.include_usage, options.continuous_usage_stats, skip_special=skip
    )


def _prompts(prompt: str | list[Any], speech: Speech, *, special: bool) -> list[list[int]]:
    """Token ids of each prompt; texts are encoded. Raises Refused where they are mixed, empty or of unknown tokens."""
    listed = prompt if isinstance(prompt, list) else [prompt]
    many: list[Any] = [listed] if kind_of(listed) is int else listed
    found: list[list[int]] = [speech.tokenizer.encode(each, add_special_tokens=special) if isinstance(each, str) else each for each in many]
    if not all(found):
        raise Refused(400, "an empty prompt", param="prompt")
    refuse_beyond("prompt", max(map(max, found)), speech.vocab_size)
    return found


def _start(prompt: str | list[Any], number: int, tokens: list[int], speech: Speech) -> str:
    """The prompt's text, as it was given, or decoded."""
    told = prompt if isinstance(prompt, str) else prompt[number]
    return told if isinstance(told, str) else str(speech.tokenizer.decode(tokens))


def _content(content: str | list[Any]) -> str:
    return content if isinstance(content, str) else "".join(part.text for part in content)


def _wording(speech: Speech, asked: Sampling, count: int | None, *, chat: bool) -> Wording:
    as_ids = asked.return_tokens_as_token_ids is True
    name = (lambda token: f"token_id:{token}") if as_ids else speech.tokenizer.decode
    identity = f"{'chatcmpl' if chat else 'cmpl'}-{secrets.token_hex(12)}"
    return Wording(identity, speech.model, int(time.time()), chat, name, count)


def _wanted(asked: Sampling, prompts: list[list[int]], speech: Speech, count: int | None, most: int, *, echo: bool) -> Wanted:
    """The sampling. Raises Refused where a prompt alone is beyond the context, and for tokens that there are not."""
    longest = max(map(len, prompts))
    if longest >= speech.context:
        raise Refused(400, f"{longest} tokens leave no room for an answer in the context of {speech.context}", "context_length_exceeded")
    refuse_unknown(asked, speech.vocab_size)
    stop, seed = given(asked.stop, ()), given(asked.seed, None)
    return Wanted(
        most=most,
        least=given(asked.min_tokens, 0),
        temperature=given(asked.temperature, 1.0),
        top_p=given(asked.top_p, 1.0),
        top_k=max(given(asked.top_k, 0), 0),
        min_p=given(asked.min_p, 0.0),
        presence=given(asked.presence_penalty, 0.0),
        frequency=given(asked.frequency_penalty, 0.0),
        repetition=given(asked.repetition_penalty, 1.0),
        bias=tuple((int(token), value) for token, value in given(asked.logit_bias, {}).items()),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        stop_ids=frozenset(given(asked.stop_token_ids, ())),
        silent=frozenset() if asked.ignore_eos is True else speech.ends,
        logprobs=count,
        echo=echo,
        seed=None if seed == -1 else seed,
    )
