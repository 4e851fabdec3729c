"""Clients of the server under test: one request at a time, or a load in a closed loop. What goes wrong is an answer too."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Barrier, Lock
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 120.0
UNCACHED = {"Cache-Control": "no-cache"}


@dataclass(frozen=True, slots=True)
class Ask:
    """A request."""

    path: str
    body: Any = None
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status 0: none came, and `body` says why. `begun_s` and `ended_s` are monotonic."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    begun_s: float
    ended_s: float

    @property
    def seconds(self) -> float:
        """From the request to the end of its answer."""
        return self.ended_s - self.begun_s

    @property
    def json(self) -> dict[str, Any]:
        """The JSON object; empty where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Client:
    """One connection, kept for request after request; made anew where it was lost."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)

    def ask(self, asked: Ask) -> Answer:
        """Put a request. A body that is bytes goes as it is."""
        data = asked.body if asked.body is None or isinstance(asked.body, bytes) else json.dumps(asked.body)
        begun = time.monotonic()
        try:
            with suppress(BrokenPipeError):  # refused before it was whole: the answer is there
                self._connection.request(asked.method, asked.path, data, {"Content-Type": "application/json", **asked.headers})
            response = self._connection.getresponse()
            status, body, headers = response.status, response.read(), {name.lower(): value for name, value in response.getheaders()}
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            status, body, headers = 0, f"{type(error).__name__}: {error}".encode(), {}
        return Answer(status, body, headers, begun, time.monotonic())

    def close(self) -> None:
        """Give the connection up."""
        self._connection.close()


def once(url: str, asked: Ask) -> Answer:
    """A request on a connection of its own."""
    with closing(Client(url)) as client:
        return client.ask(asked)


def load(url: str, asked: Sequence[Ask], users: int, watch: Callable[[int], None] = lambda _: None) -> list[Answer]:
    """Answers in the order of the requests. `users` clients take one after the other; `watch` is called here, in this thread, with how many
    answers have come."""
    came: SimpleQueue[None] = SimpleQueue()
    answers: list[Answer | None] = [None] * len(asked)
    numbers, lock = iter(range(len(asked))), Lock()

    def work() -> None:
        with closing(Client(url)) as client:
            while (number := _next(numbers, lock)) is not None:
                try:
                    answers[number] = client.ask(asked[number])
                finally:
                    came.put(None)

    with ThreadPoolExecutor(users) as pool:
        workers = [pool.submit(work) for _ in range(users)]
        for count in range(1, len(asked) + 1):
            came.get()
            watch(count)
        for worker in workers:
            worker.result()
    return [answer for answer in answers if answer is not None]


def together(url: str, asked: Sequence[Ask], sent: Callable[[], None] = lambda: None) -> list[Answer]:
    """All at one moment, each on a connection of its own; `sent` is called once they were let go."""
    gate = Barrier(len(asked) + 1)

    def work(each: Ask) -> Answer:
        gate.wait()
        return once(url, each)

    with ThreadPoolExecutor(len(asked)) as pool:
        workers = [pool.submit(work, each) for each in asked]
        gate.wait()
        sent()
        return [worker.result() for worker in workers]


def _next(numbers: Iterator[int], lock: Lock) -> int | None:
    with lock:
        return next(numbers, None)
