"""`python -m ryot.generator.main --model FOLDER ...`: one engine on transformers, until SIGTERM.

For machines on which vLLM cannot be installed. It knows vLLM's completions and chats in OpenAI's shape, without beam search, tools and
images. Loopback only: the gateway stands before it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch
import uvloop
from transformers import AutoModelForCausalLM, AutoTokenizer

from ryot.gateway.server import Server
from ryot.generator.app import App
from ryot.generator.asked import Speech
from ryot.generator.engine import Engine

_DTYPES = {"auto": "auto", "fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_MOST_BODY = 64 << 20


def main() -> None:
    """Serve."""
    options = _options()
    if options.threads:
        torch.set_num_threads(options.threads)
    _say("loading weights")
    model = load(options.model, options.dtype, options.device)
    tokenizer = AutoTokenizer.from_pretrained(options.model, trust_remote_code=False, local_files_only=True)
    speech = Speech(tokenizer, model.get_input_embeddings().num_embeddings, _ends(model, tokenizer), options.context, options.name)
    _say("reserving the cache" if options.cached else "no cache: every token from its whole sequence")
    engine = Engine(model, options.sequences, options.kv_cache, cached=options.cached)
    if not engine.holds(options.context):
        sys.exit(f"--kv-cache {options.kv_cache} is too small to serve at least one request of {options.context} tokens")
    engine.lost = lambda: os._exit(1)  # a server that computes no more must not look alive
    engine.start()
    gc.collect()
    gc.freeze()  # what is loaded stays: no request waits while it is looked through
    try:
        uvloop.run(_serve(engine, speech, options))
    except OSError as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error}")
    engine.close()


def load(folder: Path, dtype: str, device: str) -> Any:
    """The model, ready to generate. Only safetensors are read, and no code that lies beside them."""
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=_DTYPES[dtype], use_safetensors=True, trust_remote_code=False, local_files_only=True
    )
    return model.to(device).eval()


async def _serve(engine: Engine, speech: Speech, options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    server = Server(App(engine, speech), time.monotonic, _MOST_BODY)
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    listener = await loop.create_server(server, options.host, options.port, backlog=1024)
    _say(f"Application startup complete: {listener.sockets[0].getsockname()[1]}")
    sweeping = loop.create_task(_sweep(server))
    await ending.wait()
    sweeping.cancel()
    listener.close()
    server.close()


async def _sweep(server: Server) -> None:
    while True:
        await asyncio.sleep(1.0)
        server.sweep()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--name", default="model", help="the name it is served under")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=sorted(_DTYPES), default="auto")
    parser.add_argument("--context", type=int, required=True, help="tokens of prompt and answer")
    parser.add_argument("--sequences", type=int, default=32, help="generated at once")
    parser.add_argument("--kv-cache", type=int, default=1 << 30, help="bytes")
    parser.add_argument("--no-cache", dest="cached", action="store_false", help="compute each token from its whole sequence")
    parser.add_argument("--threads", type=int, default=0)
    return parser.parse_args()


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    """Token ids that end a text, as the model's generation config and the tokenizer say."""
    told = model.generation_config.eos_token_id
    ends = told if isinstance(told, list) else [told]
    return frozenset(each for each in (*ends, tokenizer.eos_token_id) if each is not None)


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
