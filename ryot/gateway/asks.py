"""What may be asked: every field of every route with its bounds. A field that is not here is refused.

The types are msgspec's, which decodes and checks in one pass; its errors name the field: `Expected int <= 20 - at $.logprobs`.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

MOST_STOPS, MOST_CHOICES, MOST_LOGPROBS, MOST_MESSAGES, MOST_BIASES, MOST_BEAMS = 16, 8, 20, 256, 300, 16

MOST_ID = (1 << 31) - 1
TokenId = Annotated[int, Meta(ge=0, le=MOST_ID)]
Tokens = Annotated[list[TokenId], Meta(min_length=1)]
Text = Annotated[str, Meta(max_length=1 << 20)]
Name = Annotated[str, Meta(max_length=256)]
Stops = Annotated[list[Annotated[str, Meta(min_length=1, max_length=256)]], Meta(max_length=MOST_STOPS)]
Share = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Count = Annotated[int, Meta(ge=1)]


class StreamOptions(Struct, forbid_unknown_fields=True):
    """What a stream tells beside its text."""

    include_usage: bool = False
    continuous_usage_stats: bool = False


class Sampling(Struct, forbid_unknown_fields=True, kw_only=True):
    """What completions and chats have in common."""

    model: Name
    max_tokens: Count | None | UnsetType = UNSET
    temperature: Annotated[float, Meta(ge=0, le=2)] | None | UnsetType = UNSET
    top_p: Share | None | UnsetType = UNSET
    top_k: Annotated[int, Meta(ge=-1, le=1 << 20)] | None | UnsetType = UNSET
    min_p: Share | None | UnsetType = UNSET
    n: Annotated[int, Meta(ge=1, le=MOST_CHOICES)] | None | UnsetType = UNSET
    stop: Annotated[str, Meta(min_length=1, max_length=256)] | Stops | None | UnsetType = UNSET
    stop_token_ids: Annotated[list[TokenId], Meta(max_length=MOST_STOPS)] | None | UnsetType = UNSET
    stream: bool | None | UnsetType = UNSET
    stream_options: StreamOptions | None | UnsetType = UNSET
    seed: Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)] | None | UnsetType = UNSET
    presence_penalty: Penalty | None | UnsetType = UNSET
    frequency_penalty: Penalty | None | UnsetType = UNSET
    repetition_penalty: Annotated[float, Meta(ge=0.01, le=2)] | None | UnsetType = UNSET
    logit_bias: (
        Annotated[
            dict[Annotated[str, Meta(pattern=r"^[0-9]{1,9}(?!\n)$")], Annotated[float, Meta(ge=-100, le=100)]], Meta(max_length=MOST_BIASES)
        ]
        | None
        | UnsetType
    ) = UNSET
    min_tokens: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    ignore_eos: bool | UnsetType = UNSET
    use_beam_search: bool | UnsetType = UNSET
    length_penalty: Annotated[float, Meta(ge=0.01, le=4)] | UnsetType = UNSET
    skip_special_tokens: bool | UnsetType = UNSET
    return_tokens_as_token_ids: bool | UnsetType = UNSET
    user: Name | None | UnsetType = UNSET


class Completion(Sampling, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/completions, as OpenAI's, with what lm-eval sends."""

    prompt: Text | Annotated[list[TokenId | Text | Tokens], Meta(min_length=1)]
    """A text, a list of texts, token ids, or lists of them; never mixed, which the types cannot say and `prompts` sees."""
    echo: bool | None | UnsetType = UNSET
    logprobs: Annotated[int, Meta(ge=0, le=MOST_LOGPROBS)] | None | UnsetType = UNSET
    best_of: Annotated[int, Meta(ge=1, le=MOST_BEAMS)] | None | UnsetType = UNSET
    suffix: None | UnsetType = UNSET
    add_special_tokens: bool | UnsetType = UNSET


class Part(Struct, forbid_unknown_fields=True):
    """A part of a message: text only."""

    type: Literal["text"]
    text: Text


class Message(Struct, forbid_unknown_fields=True):
    """One message of a chat."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[list[Part], Meta(min_length=1, max_length=64)]
    name: Name | UnsetType = UNSET


class Chat(Sampling, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/chat/completions, as OpenAI's."""

    messages: Annotated[list[Message], Meta(min_length=1, max_length=MOST_MESSAGES)]
    max_completion_tokens: Count | None | UnsetType = UNSET
    logprobs: bool | None | UnsetType = UNSET
    top_logprobs: Annotated[int, Meta(ge=0, le=MOST_LOGPROBS)] | None | UnsetType = UNSET


class Infer(Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /infer: one engine step for each list of token ids; the `k` most probable next tokens of each."""

    tokens: Annotated[list[TokenId | Tokens], Meta(min_length=1)]
    batch_size: Count
    k: Annotated[int, Meta(ge=1, le=MOST_LOGPROBS)] = 1
