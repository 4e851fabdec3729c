"""The official client of OpenAI's API, curl, and schemathesis, which reads the OpenAPI document and asks what it may, and may not."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import openai
import pytest

from tests.gateway.conftest import Server

pytestmark = pytest.mark.heavy
Start = Callable[..., Server]


def client(front: Server) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{front.url}/v1", api_key="x", max_retries=0)


def test_openais_client_completes_chats_and_streams(engine: Start, gateway: Start) -> None:
    asked = client(gateway(engine()))
    assert [model.id for model in asked.models.list()] == ["model"]
    done = asked.completions.create(model="model", prompt=[1, 2, 3], max_tokens=4, temperature=0)
    assert (done.choices[0].text, done.usage and done.usage.completion_tokens) == (" a", 4)
    chat = asked.chat.completions.create(model="model", messages=[{"role": "user", "content": "hi"}], max_completion_tokens=4)
    assert chat.choices[0].message.content == " hello"
    words = [chunk.choices[0].text for chunk in asked.completions.create(model="model", prompt="a", max_tokens=5, stream=True)]
    assert words == [f" w{number}" for number in range(5)]


def test_openais_async_client_does_so_all_at_once(engine: Start, gateway: Start) -> None:
    front = gateway(engine(delay=0.05))

    async def ask() -> list[int]:
        async with openai.AsyncOpenAI(base_url=f"{front.url}/v1", api_key="x", max_retries=0) as asked:

            async def one(number: int) -> int:
                if number % 2:
                    done = await asked.completions.create(model="model", prompt=[number], max_tokens=3)
                    return done.usage.completion_tokens if done.usage else 0
                return sum([1 async for _ in await asked.completions.create(model="model", prompt=[number], max_tokens=3, stream=True)])

            return await asyncio.gather(*map(one, range(40)))

    assert asyncio.run(ask()) == [3] * 40


def test_openais_client_knows_the_errors(engine: Start, gateway: Start) -> None:
    front = gateway(engine(), key="right")
    with pytest.raises(openai.AuthenticationError):
        client(front).completions.create(model="model", prompt="a")
    asked = openai.OpenAI(base_url=f"{front.url}/v1", api_key="right", max_retries=0)
    with pytest.raises(openai.NotFoundError, match="no model 'other'"):
        asked.completions.create(model="other", prompt="a")
    with pytest.raises(openai.BadRequestError, match=r"logprobs") as caught:
        asked.completions.create(model="model", prompt="a", logprobs=99)
    assert (caught.value.param, caught.value.code) == ("logprobs", "invalid_request")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(engine: Start, gateway: Start, tmp_path: Path) -> None:
    front = gateway(engine())
    (tmp_path / "body.json").write_text(
        json.dumps({"model": "model", "prompt": "a" * 300_000, "max_tokens": 1})
    )  # with Expect: 100-continue
    argv = ["curl", "-s", "-S", f"{front.url}/v1/completions", "-H", "content-type: application/json", "-d", f"@{tmp_path / 'body.json'}"]
    done = subprocess.run(argv, capture_output=True, check=True)
    assert json.loads(done.stdout)["usage"]["completion_tokens"] == 1
    for switch in ("--http1.0", "--http1.1", "--http2"):
        done = subprocess.run(["curl", "-s", switch, f"{front.url}/health"], capture_output=True, check=True)
        assert json.loads(done.stdout)["status"] == "healthy"


def test_three_thousand_cases_of_the_openapi_document(engine: Start, gateway: Start, tmp_path: Path) -> None:
    front = gateway(engine(), access_log=False)
    program = Path(sys.executable).with_name("schemathesis")
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection"
    argv = [
        str(program),
        "run",
        f"{front.url}/openapi.json",
        "--max-examples",
        "1200",
        "--phases",
        "examples,coverage,fuzzing",
        "--mode",
        "all",
    ]
    argv += ["--checks", checks, "--seed", "1", "--no-color", "--generation-database", "none", "--suppress-health-check", "all"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=tmp_path, env=os.environ | {"NO_COLOR": "1"})
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    cases = re.search(r"([\d,]+) generated, ([\d,]+) passed", done.stdout)
    assert cases is not None
    assert cases[1] == cases[2]
    assert int(cases[1].replace(",", "")) >= 3000
    assert front.ask("/health")[1]["status"] == "healthy"
