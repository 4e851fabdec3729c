"""What passes the checks, what is refused, and what the engine is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ryot.gateway.asks import Completion
from ryot.gateway.checks import Ask, chat, completion, infer
from ryot.gateway.refused import Refused
from ryot.gateway.settings import Settings

SETTINGS = Settings(replicas=("http://127.0.0.1:1",), model="model", digest="d", context=128, vocab_size=300)
ROUTES = {"completion": completion, "chat": chat, "infer": infer}
MESSAGE = {"role": "user", "content": "hello"}


def check(route: str, body: Any, settings: Settings = SETTINGS) -> Ask:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ROUTES[route](data, settings)


def asked(**fields: Any) -> dict[str, Any]:
    return {"model": "model", "prompt": [1, 2]} | fields


def key(**fields: Any) -> bytes | None:
    return check("completion", asked(temperature=0, **fields)).key


@pytest.mark.parametrize(
    ("prompt", "count"), [("a text", 1), (["a", "b", "c"], 3), ([1, 2, 3], 1), ([[1], [2, 3]], 2), ("", 1), ([[1]] * 256, 256)]
)
def test_every_form_of_prompt_is_counted_in_sequences(prompt: Any, count: int) -> None:
    assert check("completion", asked(prompt=prompt)).weight == count


def test_choices_and_beams_are_sequences_too() -> None:
    assert check("completion", asked(prompt=[[1], [2]], n=3)).weight == 6
    assert check("completion", asked(n=2, best_of=4)).weight == 4


def test_what_lm_eval_sends_passes() -> None:
    sent = {"prompt": [[1, 2, 3]], "model": "model", "max_tokens": 1, "logprobs": 1, "seed": 1234, "echo": True, "temperature": 0}
    ask = check("completion", sent)
    assert json.loads(ask.body) == sent
    assert ask.key is not None


def test_only_what_was_understood_goes_on() -> None:
    twice = b'{"model": "model", "prompt": "a", "prompt": "b", "max_tokens": 1}'
    assert json.loads(check("completion", twice).body) == {"model": "model", "prompt": "b", "max_tokens": 1}


@pytest.mark.parametrize(
    ("route", "body", "status", "words", "param"),
    [
        ("completion", b"{", 400, "not JSON", None),
        ("completion", b"", 400, "not JSON", None),
        ("completion", b"\xff", 400, "not JSON", None),
        ("completion", b"[" * 100_000, 400, "Expected `object`", None),
        ("completion", b'{"model":"model","prompt":' + b"[" * 100_000, 400, "", None),
        ("completion", b"[]", 400, "Expected `object`", None),
        ("completion", {"prompt": "a"}, 400, "missing required field `model`", None),
        ("completion", {"model": "model"}, 400, "missing required field `prompt`", None),
        ("completion", asked(model="other"), 404, "no model 'other'", "model"),
        ("completion", asked(prompt=[]), 400, "length >= 1", "prompt"),
        ("completion", asked(prompt=[[]]), 400, "length >= 1", "prompt[0]"),
        ("completion", asked(prompt=[1, "a"]), 400, "mixes", "prompt"),
        ("completion", asked(prompt=[[1], 2]), 400, "mixes", "prompt"),
        ("completion", asked(prompt=[-1]), 400, ">= 0", "prompt[0]"),
        ("completion", asked(prompt=[300]), 400, "token 300 is not in the vocabulary of 300", "prompt"),
        ("completion", asked(prompt=[1.5]), 400, "", "prompt[0]"),
        ("completion", asked(prompt=[True]), 400, "", "prompt[0]"),
        ("completion", asked(prompt=[[1]] * 257), 400, "257 prompts", "prompt"),
        ("completion", asked(prompt=[[1]] * 100, n=3), 400, "300 sequences", "n"),
        ("completion", asked(prompt=[1] * 128), 400, "128 tokens and up to 1 more are beyond the context of 128", "prompt"),
        ("completion", asked(max_tokens=128), 400, "beyond the context", "prompt"),
        ("completion", asked(prompt="a", max_tokens=129), 400, "beyond the context", "max_tokens"),
        ("completion", asked(max_tokens=0, echo=True), 400, ">= 1", "max_tokens"),  # gonka PR#1171: kills engines
        ("completion", asked(max_tokens=1, min_tokens=2), 400, "min_tokens is above", "min_tokens"),
        ("completion", asked(logprobs=21), 400, "<= 20", "logprobs"),
        ("completion", asked(prompt_logprobs=1), 400, "unknown field `prompt_logprobs`", None),  # vllm#6521: kills engines
        ("completion", asked(prompt_embeds="AAAA"), 400, "unknown field `prompt_embeds`", None),  # CVE-2025-62164
        ("completion", asked(guided_regex="(a+)+$"), 400, "unknown field", None),
        ("completion", asked(temperature=-0.1), 400, ">= 0", "temperature"),
        ("completion", asked(temperature=1e9), 400, "<= 2", "temperature"),
        ("completion", b'{"model":"model","prompt":"a","temperature":NaN}', 400, "not JSON", None),
        ("completion", b'{"model":"model","prompt":"a","temperature":1e999}', 400, "", None),
        ("completion", asked(n=0), 400, ">= 1", "n"),
        ("completion", asked(n=9), 400, "<= 8", "n"),
        ("completion", asked(n=3, best_of=2), 400, "best_of is at least n", "best_of"),
        ("completion", asked(stop=["a"] * 17), 400, "length <= 16", "stop"),
        ("completion", asked(stop="a" * 257), 400, "length <= 256", "stop"),
        ("completion", asked(logit_bias={"a": 1}), 400, "", None),
        ("completion", asked(logit_bias={str(i): 1 for i in range(301)}), 400, "length <= 300", "logit_bias"),
        ("completion", asked(stop_token_ids=[300]), 400, "token 300 is not in the vocabulary", "stop_token_ids"),
        ("completion", asked(logit_bias={"300": 1}), 400, "token 300 is not in the vocabulary", "logit_bias"),
        ("completion", asked(repetition_penalty=5e-324), 400, ">= 0.01", "repetition_penalty"),
        ("completion", asked(stream_options={"include_usage": True}), 400, "needs stream: true", "stream_options"),
        ("completion", asked(user="x" * 257), 400, "length <= 256", "user"),
        ("chat", {"model": "model", "messages": []}, 400, "length >= 1", "messages"),
        ("chat", {"model": "model", "messages": [MESSAGE] * 257}, 400, "length <= 256", "messages"),
        ("chat", {"model": "model", "messages": [MESSAGE | {"role": "tool"}]}, 400, "Invalid enum value 'tool'", "messages[0].role"),
        ("chat", {"model": "model", "messages": [MESSAGE], "tools": []}, 400, "unknown field `tools`", None),
        ("chat", {"model": "model", "messages": [MESSAGE], "max_completion_tokens": 999}, 400, "beyond", "max_completion_tokens"),
        ("chat", {"model": "model", "messages": [MESSAGE], "top_logprobs": 3}, 400, "needs logprobs: true", "top_logprobs"),
        (
            "chat",
            {"model": "model", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]},
            400,
            "",
            None,
        ),
        ("infer", {"tokens": [1, 2], "batch_size": 2}, 400, "batch_size is 2, and tokens holds 1", "batch_size"),
        ("infer", {"tokens": [[1], [2]], "batch_size": 1}, 400, "batch_size is 1, and tokens holds 2", "batch_size"),
        ("infer", {"tokens": [1]}, 400, "missing required field `batch_size`", None),
        ("infer", {"tokens": [], "batch_size": 0}, 400, "", None),
        ("infer", {"tokens": [1], "batch_size": 1, "k": 21}, 400, "<= 20", "k"),
        ("infer", {"tokens": [1], "batch_size": 1, "k": 0}, 400, ">= 1", "k"),
        ("infer", {"tokens": [300], "batch_size": 1}, 400, "not in the vocabulary", "tokens"),
        ("infer", {"tokens": [1] * 128, "batch_size": 1}, 400, "beyond the context", "tokens"),
        ("infer", {"tokens": "abc", "batch_size": 1}, 400, "Expected `array`", "tokens"),
        ("infer", {"tokens": [1], "batch_size": True}, 400, "Expected `int`", "batch_size"),
    ],
)  # fmt: skip
def test_what_does_not_pass_is_refused_with_the_field(route: str, body: Any, status: int, words: str, param: str | None) -> None:
    with pytest.raises(Refused) as caught:
        check(route, body)
    assert caught.value.status == status
    assert words in caught.value.message
    assert param is None or caught.value.param == param
    assert json.loads(caught.value.body)["error"]["message"] == caught.value.message


def test_infer_is_one_step_with_the_probabilities() -> None:
    ask = check("infer", {"tokens": [[1, 2], [3]], "batch_size": 2, "k": 4})
    assert json.loads(ask.body) == {
        "model": "model", "prompt": [[1, 2], [3]], "max_tokens": 1, "temperature": 0.0, "logprobs": 4, "return_tokens_as_token_ids": True,
    }  # fmt: skip
    assert (ask.weight, ask.k, ask.flat) == (2, 4, False)
    assert check("infer", {"tokens": [1, 2], "batch_size": 1}).flat


def test_only_what_is_the_same_each_time_has_a_key() -> None:
    assert key() is not None
    assert check("completion", asked()).key is None  # OpenAI's default temperature is 1
    assert check("completion", asked(temperature=0.7, seed=1)).key is None
    assert key(n=2, best_of=2) is None
    assert key(stream=True) is None
    assert key(use_beam_search=True) is None
    assert check("infer", {"tokens": [1], "batch_size": 1}).key is not None
    assert check("completion", asked(temperature=0), SETTINGS.model_copy(update={"cache": 0})).key is None


def test_a_key_is_of_the_whole_request_and_the_model() -> None:
    assert key() == key(stream=False) == key(user="ana")
    assert key() == check("completion", b'{"prompt":[1,2],"temperature":0.0,  "model":"model"}').key
    others = [key(prompt=[1, 3]), key(prompt="a"), key(max_tokens=2), key(logprobs=1), key(echo=True), key(stop=["a"]), key(seed=1)]
    assert len({key(), *others}) == 8
    renewed = check("completion", asked(temperature=0), SETTINGS.model_copy(update={"digest": "e"})).key
    assert renewed != key()
    flat, nested = ({"tokens": tokens, "batch_size": 1} for tokens in ([1], [[1]]))
    assert check("infer", flat).key != check("infer", nested).key


OTHER: dict[str, Any] = {
    "prompt": "other", "max_tokens": 3, "top_p": 0.5, "top_k": 3, "min_p": 0.1, "stop": "x", "stop_token_ids": [3], "seed": 7,
    "presence_penalty": 0.5, "frequency_penalty": 0.5, "repetition_penalty": 1.5, "logit_bias": {"3": 1.0}, "min_tokens": 1,
    "ignore_eos": True, "length_penalty": 0.5, "skip_special_tokens": False, "return_tokens_as_token_ids": True, "echo": True,
    "logprobs": 3, "best_of": 1, "suffix": None, "add_special_tokens": False,
}  # fmt: skip
NEVER_KEPT: dict[str, Any] = {
    "temperature": 0.5, "n": 2, "stream": True, "use_beam_search": True, "stream_options": {"include_usage": True}
}  # fmt: skip


def test_no_two_requests_that_differ_in_any_field_have_one_key() -> None:
    """litellm#12234, headroom#3346, wso2/api-platform#733: an answer was given to who had asked something else."""
    assert {*OTHER, *NEVER_KEPT, "model", "user"} == {*Completion.__struct_fields__}
    keys = [key(), *(key(**{name: value}) for name, value in OTHER.items())]
    assert len({*keys}) == len(keys)
    assert None not in keys
    for name, value in NEVER_KEPT.items():
        assert check("completion", asked(**{"temperature": 0, name: value, **({"stream": True} if "stream" in name else {})})).key is None
    with pytest.raises(Refused):
        check("completion", asked(temperature=0, model="another"))


def test_a_stream_and_a_whole_answer_never_stand_for_each_other() -> None:
    """semantic-router#913: what was kept of the one was replayed as the other."""
    assert (key(), key(stream=True), key(stream=False)) == (key(), None, key())
