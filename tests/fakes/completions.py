"""A model that is none behind /v1/completions: log-probabilities are a fixed function of a token and the one before it, texts come from
a function of the prompt. It counts what it is asked, calls a function when the n-th request comes, and takes four stops, as vLLM does."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EOS = 0


def logprob(before: int, token: int) -> float:
    """That of `token` after `before`."""
    return -((token * 31 + before * 17) % 97 + 1) / 16


def decode(tokens: list[int]) -> str:
    """The text of tokens, each of which is a byte, one up."""
    return bytes(token - 1 for token in tokens if token != EOS).decode(errors="replace")


class Completions(ThreadingHTTPServer):
    """The server; `asked` holds the prompts in the order in which they came."""

    daemon_threads = True

    def __init__(self, write: Callable[[str], str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.write, self.asked = write, []
        self.at: dict[int, Callable[[], None]] = {}
        self.most_stops = 4

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        """Quiet."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        (prompt,) = body["prompt"]
        self.server.asked.append(body)
        if act := self.server.at.pop(len(self.server.asked), None):
            act()
            return
        if len(body.get("stop", ())) > self.server.most_stops:
            self.send_error(400, "too many stops")
            return
        choice = _echo(prompt) if body.get("echo") else {"text": _until(self.server.write(decode(prompt)), body["stop"])}
        data = json.dumps({"choices": [{"index": 0, **choice}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _echo(prompt: list[int]) -> dict[str, object]:
    pairs = list(zip(prompt, [*prompt[1:], EOS], strict=True))
    told = [None, *(logprob(*pair) for pair in pairs)]
    return {"text": "", "logprobs": {"token_logprobs": told, "top_logprobs": [None, *({"best": -1 / 16, "this": at} for at in told[1:])]}}


def _until(text: str, stops: list[str]) -> str:
    return text[: min((at for stop in stops if (at := text.find(stop)) >= 0), default=len(text))]


@contextmanager
def serving(write: Callable[[str], str]) -> Iterator[Completions]:
    """A server that is up for a block of code."""
    server = Completions(write)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write_tokenizer(folder):
    """A tokenizer whose tokens are bytes, one up; the end of a text is 0."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: PLC0415 - only heavy tests need it
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]  # as GPT-2 writes bytes: those without a picture come from 256 on
    rest = iter(range(256, 512))
    alphabet = {byte: chr(byte) if byte in shown else chr(next(rest)) for byte in range(256)}
    vocab = {"<|end|>": EOS, **{alphabet[byte]: byte + 1 for byte in range(256)}}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>").save_pretrained(folder)
    return folder
