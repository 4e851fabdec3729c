"""The thread that computes: it takes sequences in as there is room, and makes a token of each in turn."""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Callable
from collections.abc import Sequence as Many
from typing import Any

import torch

from ryot.generator import batch as batches
from ryot.generator.batch import Batch
from ryot.generator.choose import best_of, choose, scored
from ryot.generator.sequence import Finish, Piece, Sequence, Token, Wanted
from ryot.generator.text import Text

_FAILURES = (RuntimeError, ValueError, IndexError, TypeError)
"""What computing may raise: out of memory, and what a model cannot compute. Anything else ends the thread, and the process with it."""
_NO_NUMBERS = "the model's logits are not finite: its weights are damaged, or its type is too small for them"


class Engine:
    """Computes with `model` until `close`. At most `most` sequences at once, whose caches together may come to `reserve` bytes; without
    caches, where it is not `cached`: every token from its whole sequence.

    `add` and `counts` may be called from any thread; the sinks of the sequences are called from the engine's.
    """

    def __init__(self, model: Any, most: int, reserve: int, *, cached: bool = True) -> None:
        self._model, self._most, self._reserve, self._cached = model, most, reserve, cached
        self._waiting: deque[Sequence] = deque()
        self._batch: Batch | None = None
        self._inside: dict[Sequence, None] = {}
        self._changed = threading.Condition()
        self._closed = False
        self.finished = {"length": 0, "stop": 0, "abort": 0, "error": 0}
        self.per_token: int
        self.per_sequence: int
        self.per_token, self.per_sequence = self._weigh()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.lost: Callable[[], None] = lambda: None
        """Called in the thread where it ends though nobody closed the engine."""

    def start(self) -> None:
        """Begin to compute."""
        self._thread.start()

    def close(self) -> None:
        """Compute no more; returns when the thread has ended."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def add(self, sequences: list[Sequence]) -> None:
        """Queue sequences."""
        with self._changed:
            self._waiting.extend(sequences)
            self._changed.notify()

    @property
    def waiting(self) -> int:
        """Sequences that are queued."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """Sequences that are computed."""
        return len(self._inside)

    def holds(self, tokens: int) -> bool:
        """Whether the reserve holds one sequence of so many tokens."""
        return self._bytes(tokens) <= self._reserve

    def _bytes(self, tokens: int) -> int:
        return tokens * self.per_token + self.per_sequence

    def _weigh(self) -> tuple[int, int]:
        """By a prompt of two tokens, which also loads what the first pass loads."""
        tried = Sequence(0, [0, 0], Wanted(most=1), Text(None, (), ()), lambda _: None)
        with torch.inference_mode():
            return batches.weigh(batches.prefill(self._model, [tried], all_places=False, cached=self._cached)[0])

    # in the thread

    def _run(self) -> None:
        try:
            while self._wait():
                with torch.inference_mode():
                    self._turn()
        finally:
            if not self._closed:
                self.lost()

    def _turn(self) -> None:
        self._drop()
        self._take_in()
        if self._batch:
            try:
                logits_BV = batches.step(self._model, self._batch)
            except _FAILURES as error:
                lost, self._batch = self._batch.sequences, None
                self._fail(lost, error)
            else:
                self._advance(self._batch, logits_BV)

    def _wait(self) -> bool:
        """Wait for work. False at the end."""
        with self._changed:
            while not (self._closed or self._waiting or self._batch):
                self._changed.wait()
            return not self._closed

    def _drop(self) -> None:
        """Forget sequences that nobody waits for."""
        with self._changed:
            gone = {sequence: None for sequence in (*self._waiting, *self._inside) if sequence.left}
            if not gone:
                return
            self._waiting = deque(sequence for sequence in self._waiting if sequence not in gone)
        for sequence in gone:
            self._inside.pop(sequence, None)
        self.finished["abort"] += len(gone)
        if self._batch:
            self._keep([row for row, sequence in enumerate(self._batch.sequences) if sequence not in gone])

    def _take_in(self) -> None:
        """Prompts that have room, those that came first before others; those whose places are all scored go by themselves."""
        while taken := self._next():
            self._enter(taken)

    def _enter(self, taken: list[Sequence]) -> None:
        """Take prompts in together; where that fails each by itself, so that one that cannot be computed takes no other along."""
        try:
            started, logits = batches.prefill(self._model, taken, all_places=taken[0].scored, cached=self._cached)
            if taken[0].scored:
                self._echo(taken[0], logits[0])
        except _FAILURES as error:
            if len(taken) == 1:
                self._fail(taken, error)
            else:
                for each in taken:
                    self._enter([each])
            return
        before, self._batch = self._batch, started
        self._advance(started, logits[:, -1])
        if before:
            self._batch = batches.merge(before, self._batch) if self._batch else before

    def _next(self) -> list[Sequence]:
        """The next sequences that fit, taken from the queue: the cache has as many places for each as the longest may need."""
        longest = max((sequence.longest for sequence in self._inside), default=0)
        taken: list[Sequence] = []
        with self._changed:
            while self._waiting and len(self._inside) + len(taken) < self._most:
                first = self._waiting[0]
                longest = max(longest, first.longest)
                used = (len(self._inside) + len(taken) + 1) * self._bytes(longest)
                prompt = max(len(sequence.prompt) for sequence in (*taken, first))
                if used > self._reserve or (taken and ((len(taken) + 1) * prompt > batches.MOST_PLACES or first.scored or taken[0].scored)):
                    break
                taken.append(self._waiting.popleft())
        self._inside |= dict.fromkeys(taken)
        return taken

    def _echo(self, sequence: Sequence, logits_LV: torch.Tensor) -> None:
        """The prompt itself, each token with its probability after those before it; the first has none."""
        prompt, count = sequence.prompt, sequence.wanted.logprobs
        assert count is not None
        sequence.sink(Piece(sequence.number, "", (Token(prompt[0]), *scored(logits_LV[:-1], prompt[1:], count))))

    def _advance(self, batch: Batch, logits_BV: torch.Tensor) -> None:
        """Give each sequence its next token; those that end leave, and those whose token cannot be had."""
        pieces = [
            _piece(logits_BV[row], best, sequence) if sound else Piece(sequence.number, "", (), error=_NO_NUMBERS)
            for row, (sequence, best, sound) in enumerate(zip(batch.sequences, *best_of(logits_BV), strict=True))
        ]
        batch.last = [piece.tokens[0].id if piece.tokens else 0 for piece in pieces]
        for sequence, piece in zip(batch.sequences, pieces, strict=True):
            if piece.finish or piece.error:
                del self._inside[sequence]
                self.finished[piece.finish or "error"] += 1
            sequence.sink(piece)
        self._keep([row for row, piece in enumerate(pieces) if not (piece.finish or piece.error)])

    def _keep(self, rows: list[int]) -> None:
        assert self._batch is not None
        if not rows:
            self._batch = None
        elif len(rows) < len(self._batch.sequences):
            batches.keep(self._batch, rows)

    def _fail(self, lost: Many[Sequence], error: Exception) -> None:
        """These cannot be gone on with; the others are."""
        traceback.print_exception(error)
        self.finished["error"] += len(lost)
        for sequence in lost:
            self._inside.pop(sequence, None)
            sequence.sink(Piece(sequence.number, "", (), error=str(error)))


def _piece(logits_V: torch.Tensor, best: int, sequence: Sequence) -> Piece:
    """What one more token makes of a sequence. What stops it counts once it has the least it should have, as vLLM has it."""
    wanted = sequence.wanted
    try:
        token = choose(logits_V, best, sequence)
    except _FAILURES as error:
        return Piece(sequence.number, "", (), error=str(error))
    sequence.made.append(token.id)
    enough = len(sequence.made) > wanted.least
    if enough and token.id in wanted.silent | wanted.stop_ids:
        told = token.id if token.id in wanted.stop_ids else None
        return Piece(sequence.number, sequence.text.rest(), (token,), "stop", told)
    text, stop = sequence.text.add(token.id, may_stop=enough)
    if stop is not None:
        return Piece(sequence.number, text, (token,), "stop", stop)
    finish: Finish | None = "length" if len(sequence.made) >= wanted.most else None
    return Piece(sequence.number, text + (sequence.text.rest() if finish else ""), (token,), finish)
