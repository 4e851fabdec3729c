"""A gateway as one would write it in an afternoon: FastAPI in front, httpx behind. For benchmarks/gateway.py; UPSTREAM is its engine."""

import os
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

app = FastAPI()
client = httpx.AsyncClient(base_url=os.environ.get("UPSTREAM", ""), timeout=600)


@app.post("/v1/completions")
async def completions(request: Request) -> Response:
    """Pass a request on, and its answer back."""
    body = await request.json()
    if not body.get("stream"):
        answer = await client.post("/v1/completions", json=body)
        return Response(answer.content, answer.status_code, media_type="application/json")

    async def chunks() -> AsyncIterator[bytes]:
        async with client.stream("POST", "/v1/completions", json=body) as answer:
            async for chunk in answer.aiter_raw():
                yield chunk

    return StreamingResponse(chunks(), media_type="text/event-stream")
