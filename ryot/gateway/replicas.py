"""The engines behind a gateway: which of them may be asked, how busy each is, and the tokens that show that they live."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from ryot.gateway.balance import pick
from ryot.gateway.breaker import Breaker
from ryot.gateway.checks import COMPLETIONS
from ryot.gateway.settings import Settings
from ryot.gateway.upstream import EngineError, Exchange, Pool
from ryot.gateway.wire import request

Clock = Callable[[], float]


class _Usage(msgspec.Struct):
    completion_tokens: int


class _Completion(msgspec.Struct):
    usage: _Usage


_decode = msgspec.json.Decoder(_Completion).decode


@dataclass(slots=True, eq=False)
class Replica:
    """One engine. `lives` is whether its last probe gave a token."""

    name: str
    pool: Pool
    breaker: Breaker
    in_flight: int = 0
    turn: int = 0
    answered: int = 0
    failed: int = 0
    probed: int = 0
    """Probes begun; `probes_ended` of them are over."""
    probes_ended: int = 0
    _answered_before: int = 0
    lives: bool = True
    words: str = ""
    """Why it does not."""

    def proven(self) -> bool:
        """Whether it has answered since this was last asked."""
        before, self._answered_before = self._answered_before, self.answered
        return self.lives and self.answered > before

    def usable(self, now_s: float) -> bool:
        """Whether a request may be sent to it."""
        return self.lives and self.breaker.allows(now_s)


@dataclass(slots=True)
class Replicas:
    """All engines of a gateway."""

    all: tuple[Replica, ...]
    model: str
    probe_timeout: float
    now: Clock
    draw: random.Random = field(default_factory=random.Random)
    turns: int = 0

    @classmethod
    def of(cls, settings: Settings, now: Clock) -> Replicas:
        """The engines that the settings name."""
        found = tuple(
            Replica(f"{number}", Pool(url, now, settings.timeout), Breaker(settings.breaker_errors, settings.breaker_cooldown))
            for number, url in enumerate(settings.replicas)
        )
        return cls(found, settings.model, settings.probe_timeout, now)

    def pick(self, tried: Iterable[Replica] = ()) -> Replica | None:
        """The engine to ask, other than those tried already; None where there is none."""
        now_s = self.now()
        found = pick([replica for replica in self.all if replica.usable(now_s) and replica not in tried], self.draw)
        if found:
            self.turns += 1
            found.turn = self.turns
        return found

    @property
    def living(self) -> int:
        """How many have shown that they live and are not left alone."""
        now_s = self.now()
        return sum(replica.lives and replica.breaker.state(now_s) != "open" for replica in self.all)

    async def probe(self) -> None:
        """Ask every engine for a token, but for those that have answered others since the last time."""
        asked = [replica for replica in self.all if not replica.proven()]
        await asyncio.gather(*map(self._probe, asked))

    async def _probe(self, replica: Replica) -> None:
        """A token for a one-token prompt. Engines say that they are healthy when they hang, so nothing else counts (vllm#39863)."""
        body = msgspec.json.encode({"model": self.model, "prompt": [[1]], "max_tokens": 1, "temperature": 0})
        exchange: Exchange | None = None
        replica.probed += 1
        try:
            async with asyncio.timeout(self.probe_timeout):
                exchange = await replica.pool.take(fresh=True)
                answer = await exchange.ask(request(b"POST", COMPLETIONS, replica.pool.host, body), stream=False)
            exchange.release()
            usage = _decode(answer.body or b"").usage.completion_tokens if answer.status == 200 else 0
            words = "" if usage == 1 else f"its probe was answered {answer.status} without a token"
        except TimeoutError:
            words = f"no token within {self.probe_timeout:g} s"
            if exchange:
                exchange.cancel()
        except EngineError as error:
            words = str(error)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            words = "its probe's answer is no completion"
        replica.probes_ended += 1
        was, replica.lives, replica.words = replica.lives, not words, words
        if replica.lives and (not was or replica.breaker.state(self.now()) == "half_open"):
            replica.breaker.succeed()

    def sweep(self) -> None:
        """Give up what was silent too long."""
        for replica in self.all:
            replica.pool.sweep()

    def close(self) -> None:
        """Hang up everywhere."""
        for replica in self.all:
            replica.pool.close()
