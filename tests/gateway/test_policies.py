"""The pure policies: breaker, cache, admission, balance, budget."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from functools import partial

import pytest

from ryot.gateway.admission import Admission, Ticket
from ryot.gateway.balance import pick
from ryot.gateway.breaker import Breaker
from ryot.gateway.budget import RetryBudget
from ryot.gateway.cache import OVERHEAD, Answer, ResponseCache


class Reference:
    """A breaker written as a table of what happened: the state is worked out anew from the whole history each time."""

    def __init__(self, errors: int, cooldown_s: float, longest_s: float) -> None:
        self.errors, self.cooldown_s, self.longest_s = errors, cooldown_s, longest_s
        self.history: list[tuple[str, float]] = []

    def replay(self) -> tuple[float | None, bool]:
        """(until when it is open or None, whether a trial is on its way)."""
        row, times, until, trial = 0, 0, None, False
        for what, at in self.history:
            if what == "begin":
                trial = trial or (until is not None and at >= until)
            elif what == "ok":
                row, times, until, trial = 0, 0, None, False
            elif what == "the trial left":
                trial = False
            elif what in ("error", "the trial failed"):
                row += 1
                its = what == "the trial failed" and trial
                opens = (until is None and row >= self.errors) or (until is not None and its)
                trial = trial and not its
                if opens:
                    until = at + min(self.cooldown_s * 2**times, self.longest_s)
                    times += 1
        return until, trial

    def state(self, now: float) -> str:
        until, _ = self.replay()
        return "closed" if until is None else "half_open" if now >= until else "open"

    def allows(self, now: float) -> bool:
        _, trial = self.replay()
        state = self.state(now)
        return state == "closed" or (state == "half_open" and not trial)


def test_breaker_is_its_reference_model_over_a_thousand_histories() -> None:
    seen: Counter[str] = Counter()
    for seed in range(1000):
        draw = random.Random(seed)
        breaker, reference = Breaker(draw.choice([1, 2, 5]), 2.0, 20.0), Reference(0, 2.0, 20.0)
        reference.errors = breaker.errors
        now = 0.0
        for _ in range(60):
            now += draw.choice([0.0, 0.1, 1.0, 3.0])
            assert (breaker.state(now), breaker.allows(now)) == (reference.state(now), reference.allows(now)), seed
            seen[breaker.state(now)] += 1
            kinds = ["begin", "error", "the trial failed", "ok", "left", "the trial left"]
            what = draw.choices(kinds, [3, 4, 3, 1, 1, 1])[0]
            if what == "begin" and not breaker.allows(now):
                continue
            match what:
                case "begin":
                    assert breaker.begin(now) == (reference.state(now) == "half_open")
                case "error" | "the trial failed":
                    breaker.fail(now, trial=what == "the trial failed")
                case "ok":
                    breaker.succeed()
                case "left" | "the trial left":
                    breaker.give_back(trial=what == "the trial left")
            reference.history.append((what, now))
    assert min(seen[state] for state in ("closed", "open", "half_open")) > 1000


def test_breaker_opens_after_five_errors_in_a_row_and_lets_one_request_try() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker.fail(0.0)
    breaker.succeed()
    for _ in range(5):
        assert breaker.allows(0.0)
        breaker.fail(0.0)
    assert not breaker.allows(1.9)
    assert breaker.allows(2.0)
    assert breaker.begin(2.0)
    assert not breaker.allows(2.0)  # one at a time
    breaker.fail(2.05)  # of a request sent before
    breaker.give_back(trial=False)
    assert not breaker.allows(2.05)
    breaker.fail(2.1, trial=True)
    assert not breaker.allows(5.9)  # twice as long
    assert breaker.allows(6.1)
    breaker.begin(6.1)
    breaker.succeed()
    assert breaker.state(6.2) == "closed"


def test_cache_forgets_by_time_and_by_size() -> None:
    cache = ResponseCache(300.0, 10_000)
    cache.put(b"a", Answer(b"x" * 900, b"json"), 0.0)
    assert cache.get(b"a", 299.9) == Answer(b"x" * 900, b"json")
    assert cache.get(b"a", 300.0) is None
    assert (len(cache), cache.bytes) == (0, 0)
    for number in range(8):
        cache.put(b"%d" % number, Answer(b"x" * 900, b"json"), 0.0)
        cache.get(b"0", 0.0)
    cache.put(b"8", Answer(b"x" * 900, b"json"), 0.0)
    assert cache.bytes <= 10_000
    assert cache.get(b"0", 0.0)  # used all the time
    assert cache.get(b"1", 0.0) is None
    cache.put(b"large", Answer(b"x" * 9000, b"json"), 0.0)
    assert cache.get(b"large", 0.0) is None


def test_cache_counts_what_it_holds() -> None:
    draw, cache = random.Random(1), ResponseCache(50.0, 20_000)
    for step in range(3000):
        key = b"%d" % draw.randrange(40)
        if draw.random() < 0.5:
            cache.put(key, Answer(b"x" * draw.randrange(2000), b"json"), float(step))
        else:
            cache.get(key, float(step))
        held = sum(len(answer.body) + OVERHEAD for _, answer in cache._answers.values())
        assert cache.bytes == held <= 20_000


def test_admission_is_first_come_first_served_and_never_over_its_capacity() -> None:
    entered: list[int] = []
    admission = Admission(capacity=4, waiting=3)
    tickets = [Ticket(weight, lambda number=number: entered.append(number)) for number, weight in enumerate((3, 1, 4, 1, 1, 1))]
    assert [admission.ask(ticket) for ticket in tickets] == [True, True, False, False, False, None]
    admission.leave(tickets[1])
    assert entered == []  # the one of weight 4 is first, and does not fit
    admission.leave(tickets[0])
    assert entered == [2]
    admission.leave(tickets[2])
    assert entered == [2, 3, 4]
    assert admission.inside == 2


def test_request_larger_than_the_capacity_enters_alone() -> None:
    admission = Admission(capacity=4, waiting=9)
    large = Ticket(9, lambda: None)
    assert admission.ask(large) is True
    assert admission.ask(Ticket(1, lambda: None)) is False


def test_one_that_withdraws_makes_way() -> None:
    entered: list[str] = []
    admission = Admission(capacity=4, waiting=9)
    inside = Ticket(3, lambda: None)
    admission.ask(inside)
    large, small = Ticket(4, lambda: entered.append("large")), Ticket(1, lambda: entered.append("small"))
    admission.ask(large)
    admission.ask(small)
    assert admission.withdraw(large)
    assert entered == ["small"]
    assert not admission.withdraw(small)  # it was called already


@pytest.mark.parametrize("seed", range(20))
def test_admission_keeps_count_whatever_happens(seed: int) -> None:
    draw = random.Random(seed)
    admission, inside, waiting = Admission(8, 10), [], []

    def enters(ticket: Ticket) -> None:
        waiting.remove(ticket)
        inside.append(ticket)

    for _ in range(500):
        match draw.randrange(4):
            case 0 | 1:
                ticket = Ticket(draw.choice([1, 1, 2, 8, 12]), lambda: None)
                ticket.enter = partial(enters, ticket)
                got = admission.ask(ticket)
                (inside if got else waiting if got is False else []).append(ticket)
            case 2 if inside:
                admission.leave(inside.pop(draw.randrange(len(inside))))
            case 3 if waiting:
                ticket = draw.choice(waiting)
                waiting.remove(ticket)
                assert admission.withdraw(ticket)
        assert admission.inside == sum(ticket.weight for ticket in inside)
        assert len(admission) == len(waiting) <= 10
        assert admission.inside <= 8 or len(inside) == 1
        assert inside or not waiting


@dataclass
class Replica:
    in_flight: int = 0
    turn: int = 0


def test_two_choices_are_even() -> None:
    draw, replicas = random.Random(1), [Replica() for _ in range(5)]
    taken: dict[int, int] = {}
    for _ in range(10_000):
        found = pick(replicas, draw)
        assert found is not None
        found.in_flight += 1
    counts = [replica.in_flight for replica in replicas]
    replicas = [Replica(turn=number) for number in range(3)]
    for number in range(3, 303):  # nothing is in flight: turns alone decide
        found = pick(replicas, draw)
        assert found is not None
        found.turn = number
        taken[id(found)] = taken.get(id(found), 0) + 1
    assert max(taken.values()) - min(taken.values()) <= 10
    assert max(counts) - min(counts) <= 10  # at random it would be some 150
    assert pick([], draw) is None
    assert pick(replicas[:1], draw) is replicas[0]


def test_retries_are_a_tenth_of_requests_beyond_what_is_saved() -> None:
    budget = RetryBudget(0.1, 10)
    spent = 0
    for _ in range(1000):
        budget.earn()
        spent += budget.spend()
    assert 100 <= spent <= 111
