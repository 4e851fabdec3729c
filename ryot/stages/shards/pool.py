"""Runs Work over its items: in this process, in worker processes, or on a Ray cluster. The result is the same everywhere."""

import contextlib
import json
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module

from ryot.plugins import NodeError, StageContext
from ryot.stages.shards.work import Item, Result, Work, result_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where work runs. `workers` 0 means a process for each core; `ray` is the address of a Ray cluster (`auto`, `local`), if one is
    to be used: it has to see the same folders."""

    workers: int = 0
    ray: str | None = None


def over_shards(work: Work, items: Sequence[Item], context: StageContext, place: Place) -> list[Result]:
    """The result of every item, in order; those that are done already are not done again. Raises what the function raises."""
    work.folder.mkdir(parents=True, exist_ok=True)
    results = {item.name: found for item in items if (found := work.done(item)) is not None}
    if results:
        context.say(f"{len(results)} of {len(items)} shards were done before")
    open_items = [item for item in items if item.name not in results]
    progress = _Progress(context, sum(item.size for item in items), sum(item.size for item in items if item.name in results))
    for item, result in _finished(work, open_items, context, place):
        results[item.name] = result
        progress.add(item)
    return [results[item.name] for item in items]


def _finished(work: Work, items: Sequence[Item], context: StageContext, place: Place) -> Iterator[tuple[Item, Result]]:
    if place.ray is not None and items:
        yield from import_module("ryot.stages.shards.ray_pool").on_ray(work, items, place, context)
        return
    workers = min(place.workers or context.cpus, len(items))
    if workers <= 1:
        function = work.resolve()
        yield from ((item, work.do(function, item)) for item in items)
    else:
        yield from _in_processes(work, items, context, workers)


def _in_processes(work: Work, items: Sequence[Item], context: StageContext, workers: int) -> Iterator[tuple[Item, Result]]:
    waiting = iter(items)
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as ready:
        for _ in range(workers):
            worker = _Worker(work, context)
            stack.callback(worker.close)
            worker.give(next(waiting))
            ready.register(worker.line, selectors.EVENT_READ, worker)
        while ready.get_map():
            for key, _ in ready.select():
                worker = key.data
                yield worker.answer()
                following = next(waiting, None)
                if following is None:
                    ready.unregister(worker.line)
                    worker.close()
                else:
                    worker.give(following)


class _Worker:
    """A process that does one item at a time, and the line to it."""

    def __init__(self, work: Work, context: StageContext) -> None:
        self.line, theirs = socket.socketpair()
        with theirs:
            argv = [context.python, "-m", "ryot.stages.shards.worker", str(theirs.fileno())]
            self._process = context.spawn(argv, pass_fds=(theirs.fileno(),))
        self._log = context.log
        self._text = self.line.makefile("rw", encoding="utf-8", newline="\n")
        self._send({"function": work.function, "settings": work.settings, "folder": str(work.folder)})
        self._item: Item | None = None

    def give(self, item: Item) -> None:
        """Have it begin an item."""
        self._item = item
        self._send({"name": item.name, "size": item.size, "fields": item.fields})

    def answer(self) -> tuple[Item, Result]:
        """The item it had and the result. Raises NodeError when it failed or died, OSError when its disk refused."""
        assert self._item is not None
        try:
            text = self._text.readline()
        except ConnectionError:  # it died with something unread
            text = ""
        if not text.endswith("\n"):
            code = self._process.wait()
            ended = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            raise NodeError(f"the worker of shard {self._item.name} {ended}", hint=f"its last words are in {self._log}")
        return self._item, result_of(json.loads(text))

    def close(self) -> None:
        """Let it end, and wait until it has."""
        with contextlib.suppress(OSError):
            self._text.close()
        self.line.close()
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    def _send(self, message: object) -> None:
        with contextlib.suppress(BrokenPipeError):  # its end is told by `answer`
            self._text.write(json.dumps(message) + "\n")
            self._text.flush()


class _Progress:
    """Reports bytes, and the pace of what this run did itself."""

    def __init__(self, context: StageContext, total: int, before: int) -> None:
        self._context, self._total, self._done, self._before = context, total, before, before
        self._started = time.monotonic()

    def add(self, item: Item) -> None:
        """Count an item as done."""
        self._done += item.size
        pace = (self._done - self._before) / 1e6 / max(time.monotonic() - self._started, 1e-9)
        self._context.report(done=self._done / 1e6, total=self._total / 1e6, unit="MB", force=True, MB_per_s=pace)
