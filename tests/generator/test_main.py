"""The engine as a process, asked by OpenAI's client and by hand."""

import http.client
import json
import re
import signal
import subprocess
import sys
import time

import pytest

openai = pytest.importorskip("openai")

pytestmark = pytest.mark.heavy
EVERY = {"ignore_eos": True}
"""A model that learnt nothing may end its text at any place."""


@pytest.fixture(scope="module")
def server(gpt, tmp_path_factory):
    """Its address."""
    log = tmp_path_factory.mktemp("log") / "log.txt"
    argv = [sys.executable, "-m", "ryot.generator.main", "--model", str(gpt), "--context", "128", "--sequences", "4", "--threads", "1"]
    with log.open("wb") as file, subprocess.Popen(argv, stderr=file) as process:
        while not (found := re.search(r"complete: (\d+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield f"127.0.0.1:{found[1]}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, log.read_text()


@pytest.fixture(scope="module")
def client(server):
    return openai.OpenAI(base_url=f"http://{server}/v1", api_key="none", max_retries=0)


def post(server, **body):
    connection = http.client.HTTPConnection(server, timeout=60)
    connection.request("POST", "/v1/completions", json.dumps({"model": "model"} | body), {"content-type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.load(answer)


def metric(server, name):
    connection = http.client.HTTPConnection(server, timeout=60)
    connection.request("GET", "/metrics")
    return float(re.search(rf"^{re.escape(name)} (\S+)$", connection.getresponse().read().decode(), re.MULTILINE)[1])


def test_a_completion_streamed_is_the_completion_whole(client):
    asked = {"model": "model", "prompt": "w5 w9 w30", "max_tokens": 8, "temperature": 0, "extra_body": EVERY}
    whole = client.completions.create(**asked)
    assert whole.usage.completion_tokens == 8
    assert whole.choices[0].finish_reason == "length"
    chunks = list(client.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == whole.choices[0].text
    assert chunks[-1].usage.total_tokens == 11


def test_a_chat_is_put_by_the_models_template(client):
    messages = [{"role": "user", "content": "w5"}]
    asked = {"model": "model", "max_tokens": 6, "temperature": 0, "extra_body": EVERY}
    whole = client.chat.completions.create(**asked, messages=messages, logprobs=True, top_logprobs=2)
    assert whole.usage.prompt_tokens == 2
    assert [len(entry.top_logprobs) for entry in whole.choices[0].logprobs.content] == [2] * 6
    chunks = list(client.chat.completions.create(**asked, messages=messages, stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == whole.choices[0].message.content
    plain = client.completions.create(**asked, prompt="w5 w9")
    assert plain.choices[0].text == whole.choices[0].message.content


def test_an_echo_tells_the_prompts_own_probabilities(server):
    status, told = post(server, prompt=[[5, 9, 30]], max_tokens=2, temperature=0, logprobs=1, echo=True, return_tokens_as_token_ids=True)
    assert status == 200
    logprobs = told["choices"][0]["logprobs"]
    assert logprobs["tokens"][:3] == ["token_id:5", "token_id:9", "token_id:30"]
    assert logprobs["token_logprobs"][0] is logprobs["top_logprobs"][0] is None
    _, longer = post(server, prompt=[[5, 9]], max_tokens=1, temperature=0, logprobs=20, return_tokens_as_token_ids=True)
    told_before = longer["choices"][0]["logprobs"]["top_logprobs"][0]
    if "token_id:30" in told_before:
        assert abs(told_before["token_id:30"] - logprobs["token_logprobs"][2]) < 1e-4


def test_several_prompts_and_copies_come_in_their_order(server):
    _, told = post(server, prompt=[[5], [9, 30]], max_tokens=3, temperature=1.0, seed=7, n=2)
    assert [choice["index"] for choice in told["choices"]] == [0, 1, 2, 3]
    assert told["usage"] == {"prompt_tokens": 3, "completion_tokens": 12, "total_tokens": 15}
    _, again = post(server, prompt=[[5], [9, 30]], max_tokens=3, temperature=1.0, seed=7, n=2)
    assert [choice["text"] for choice in again["choices"]] == [choice["text"] for choice in told["choices"]]


def test_an_answer_ends_with_the_context_and_a_prompt_beyond_it_is_refused(server):
    _, told = post(server, prompt=[[5] * 120, [9]], max_tokens=50, temperature=0, ignore_eos=True)
    assert told["usage"]["completion_tokens"] == 8 + 50  # each prompt has its own room
    status, told = post(server, prompt=[[5] * 128], max_tokens=1)
    assert status == 400
    assert told["error"]["code"] == "context_length_exceeded"


WRONG = [
    {}, {"prompt": ""}, {"prompt": [5, "w5"]}, {"prompt": [9999]},
    {"prompt": "w5", "use_beam_search": True}, {"prompt": "w5", "tools": []}, {"prompt": "w5", "logit_bias": {"9999": 1}},
    {"prompt": "w5", "stop_token_ids": [9999]}, {"prompt": "w5", "n": 3, "best_of": 2},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_it_cannot_do_is_refused(server, wrong):
    status, told = post(server, **wrong)
    assert status == 400
    assert told["error"]["message"]


def test_a_client_who_leaves_stops_the_generation(server):
    before = metric(server, 'vllm:request_success_total{finished_reason="abort"}')
    connections = [http.client.HTTPConnection(server) for _ in range(12)]
    for connection in connections:  # more than are computed at once: some certainly have not ended
        body = {"model": "model", "prompt": [[5]], "max_tokens": 127, "temperature": 0, "ignore_eos": True, "stream": True}
        connection.request("POST", "/v1/completions", json.dumps(body))
    for connection in connections:
        connection.close()
    until = time.monotonic() + 60
    while metric(server, 'vllm:request_success_total{finished_reason="abort"}') == before and time.monotonic() < until:
        time.sleep(0.02)
    assert metric(server, 'vllm:request_success_total{finished_reason="abort"}') > before
    assert post(server, prompt=[[5]], max_tokens=1)[0] == 200
    assert metric(server, "vllm:num_requests_running") == 0


def test_best_of_tells_the_likeliest(server):
    asked = {"prompt": [[5, 9]], "max_tokens": 4, "temperature": 1.0, "seed": 3, "logprobs": 0, "ignore_eos": True}
    _, every = post(server, **asked, n=4)
    _, best = post(server, **asked, n=1, best_of=4)
    means = [sum(choice["logprobs"]["token_logprobs"]) for choice in every["choices"]]
    assert sum(best["choices"][0]["logprobs"]["token_logprobs"]) == pytest.approx(max(means), abs=1e-4)
    assert best["usage"]["completion_tokens"] == 16
    plain = {name: value for name, value in asked.items() if name != "logprobs"}
    _, untold = post(server, **plain, n=1, best_of=4)
    assert untold["choices"][0]["text"] == best["choices"][0]["text"]
    assert untold["choices"][0]["logprobs"] is None


def test_a_chat_that_the_template_does_not_take_is_refused(client):
    with pytest.raises(openai.BadRequestError, match="no system here"):
        client.chat.completions.create(model="model", messages=[{"role": "system", "content": "w5"}], max_tokens=1)


def test_a_request_that_nothing_can_be_drawn_for_takes_nobody_along(server):
    assert post(server, prompt=[[5]], max_tokens=3, temperature=1e-38)[0] == 200
