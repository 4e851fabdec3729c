"""What machines that have a share take from each other, and what not; and that a share which fails costs no run."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from ryot.engine import events, sharing
from ryot.engine.sharing import Sharer, Sharing, own
from ryot.engine.survey import survey
from ryot.files import Lock
from ryot.measures import Evidence
from ryot.plan.plan import Plan
from ryot.store.record import Record
from ryot.store.share import Share
from ryot.store.store import EVIDENCE, Store, commit, digest_out, digest_text, evidence_text, prepare
from tests.conftest import Bench, toy_bench
from tests.store.s3like import URL, S3Like, begin, each_kill, nothing, objects
from tests.store.test_share import strike_at, whole


def kinds(happened: list[events.Event], kind: type[events.Event]) -> list[str]:
    return [event.node for event in happened if type(event) is kind]


def words(happened: list[events.Event]) -> list[str]:
    return [event.text for event in happened if isinstance(event, events.Unshared)]


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    begin(tmp_path / "remote")
    return tmp_path / "remote"


Become = Callable[..., Bench]


@pytest.fixture
def another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Become:
    """From then on this is another machine, with an empty store."""
    made: list[Bench] = []

    def become(pool: str | None = None) -> Bench:
        number = f"{len(made):016d}"
        made.append(toy_bench(tmp_path / f"machine{len(made)}"))
        made[-1].sharer = Sharer(Share(URL), pool)
        monkeypatch.setattr(sharing, "machine", lambda: number)
        monkeypatch.setattr(sharing.socket, "gethostname", lambda: "here")
        return made[-1]

    return become


def finish(bench: Bench, plan: Plan, *names: str, host: str = "here") -> None:
    """Have nodes finished as a worker would: it would take a second for each."""
    for node in map(plan.node, names or plan.names):
        folder = bench.store.folder(node.stage, node.key)
        out, _ = prepare(folder)
        (out / "count.txt").write_text(f"{node.key[:8]}\n")
        measured = {"steps": Evidence(value=3), "resumed": Evidence(value=0), "wins": Evidence(hits=3, of=3)}
        record = Record(
            node=node.name, stage=node.stage, key=node.key, payload=node.payload, measures=node.measures,
            evidence=digest_text(evidence_text(measured)), files=digest_out(folder), seconds=1.0, device=plan.device, host=host,
            finished="2026-01-01T00:00:00+00:00", ryot="0",
        )  # fmt: skip
        commit(folder, record, evidence_text(measured))


def take(bench: Bench, plan: Plan) -> list[events.Event]:
    return list(Sharing(bench.sharer, bench.store).take(plan))


def put(bench: Bench, plan: Plan) -> list[events.Event]:
    return list(Sharing(bench.sharer, bench.store).put_all(plan))


def chain(bench: Bench) -> Plan:
    return bench.plan(bench.node("a"), bench.node("b", inputs=["a"], words="b"), targets=["b/steps == 3"])


def test_another_machine_fetches_what_is_needed_and_runs_nothing(remote: Path, another: Become) -> None:
    first = another()
    plan = chain(first)
    finish(first, plan)
    assert kinds(first.apply(plan), events.Shared) == ["a", "b"]
    second = another()
    states = survey(plan, second.store, has=Sharing(second.sharer, second.store).has)
    assert {name: (state.state, state.why) for name, state in states.items()} == {
        "a": ("cached", "not needed: nothing that uses it runs"),
        "b": ("cached", "the share has it: it is fetched"),
    }
    happened = second.apply(plan)
    assert [type(event).__name__ for event in happened if not isinstance(event, events.Progress)] == ["Fetched"]
    assert [verdict.status for verdict in second.judge(plan)] == ["PASS"]
    assert (second.out(plan, "b") / "count.txt").read_bytes() == (first.out(plan, "b") / "count.txt").read_bytes()
    assert second.store.record("count", plan.node("b").key) == first.store.record("count", plan.node("b").key)
    assert second.apply(plan) == []
    longer = second.plan(second.node("a"), second.node("c", inputs=["a"], words="c"))
    states = survey(longer, second.store, has=Sharing(second.sharer, second.store).has)
    assert {name: state.state for name, state in states.items()} == {"a": "cached", "c": "runs"}
    assert kinds(take(second, longer), events.Fetched) == ["a"]


def test_apply_that_is_killed_at_any_operation_on_the_share_is_finished_by_the_next(remote: Path, another: Become, tmp_path: Path) -> None:
    first = another()
    plan = chain(first)
    finish(first, plan)
    count = 0
    for count in each_kill(lambda: first.apply(plan)):
        whole(remote)
        happened = first.apply(plan)
        assert kinds(happened, events.Started) == words(happened) == []
        assert len([name for name in objects(remote) if name.startswith("nodes/")]) == 2
        assert whole(remote)
        second = another()
        assert kinds(second.apply(plan), events.Fetched) == ["b"]
        assert second.apply(plan) == []
        remote = tmp_path / f"remote{count}"
        begin(remote)
    assert count == 2 * (1 + 2 + 2 + 1) - 1  # of each a look, two at its files, these, and its entry; but one file is the same
    assert whole(remote)


def test_what_measures_speed_and_what_is_made_of_it_is_not_taken_from_another_machine(remote: Path, another: Become) -> None:
    first = another()
    plan = first.plan(
        first.node("fast", measures_speed=True), first.node("made", inputs=["fast"], words="m"), first.node("plain", words="p")
    )
    assert own(plan) == {"fast", "made"}
    finish(first, plan)
    assert kinds(put(first, plan), events.Shared) == ["fast", "made", "plain"]
    lost = Bench(Store(first.store.root / "lost"), first.plugins, first.stages, first.sharer)
    assert kinds(take(lost, plan), events.Fetched) == ["made", "plain"]
    second = another()
    assert kinds(take(second, plan), events.Fetched) == ["plain"]
    finish(second, plan, "fast", "made")
    assert kinds(put(second, plan), events.Shared) == ["fast", "made"]
    third, fourth = another("lab"), another("lab")
    finish(third, plan)
    assert kinds(put(third, plan), events.Shared) == ["fast", "made"]
    assert kinds(take(fourth, plan), events.Fetched) == ["made", "plain"]


def test_what_another_host_made_is_not_put_as_this_machines(remote: Path, another: Become) -> None:
    """A job that a cluster's machine ran."""
    bench = another()
    plan = bench.plan(bench.node("fast", measures_speed=True), bench.node("plain", words="p"))
    finish(bench, plan, host="node7")
    assert kinds(put(bench, plan), events.Shared) == ["plain"]


@pytest.mark.parametrize("at", range(2, 7))
def test_share_that_fails_is_told_once_and_the_next_apply_puts_what_is_missing(remote: Path, another: Become, at: int) -> None:
    bench = another()
    plan = bench.plan(bench.node("a"), bench.node("b", words="b"))
    finish(bench, plan)
    error = PermissionError(errno.EACCES, "s3cret")
    S3Like.strike = staticmethod(lambda number, what, path: strike_at(number, error)(number, what, path) if number >= at else None)
    told = put(bench, plan)
    assert len(words(told)) == 1
    assert f"{URL}: PermissionError (Permission denied)" in words(told)[0]
    assert kinds(told, events.Shared) == []
    assert not whole(remote)
    S3Like.strike = staticmethod(nothing)
    assert kinds(put(bench, plan), events.Shared) == ["a", "b"]
    assert whole(remote)


def test_share_that_cannot_be_reached_costs_no_run(remote: Path, another: Become) -> None:
    bench = another()
    plan = bench.plan(bench.node("a"), targets=["a/steps == 3"])
    S3Like.strike = staticmethod(lambda number, what, path: strike_at(number, ConnectionError())(number, what, path))
    happened = bench.apply(plan)
    assert kinds(happened, events.Finished) == ["a"]
    assert [verdict.status for verdict in bench.judge(plan)] == ["PASS"]
    assert words(happened) == [f"cannot read {URL}: ConnectionError; it is taken for empty"]
    S3Like.strike = staticmethod(nothing)
    assert kinds(bench.apply(plan), events.Shared) == ["a"]


@pytest.mark.parametrize("what", ["nodes", "objects"])
def test_node_that_is_damaged_on_the_share_is_told_made_anew_and_put_again(remote: Path, another: Become, what: str) -> None:
    first = another()
    plan = first.plan(first.node("a"))
    finish(first, plan)
    put(first, plan)
    for path in remote.iterdir():
        if what in path.name:
            path.write_bytes(path.read_bytes()[:-1] + b"#")
    second = another()
    if what == "objects":
        happened = second.apply(plan)
    else:
        dealings = Sharing(second.sharer, second.store)
        happened = list(dealings.take(plan))
        finish(second, plan)
        happened += dealings.put_all(plan)
    assert len(words(happened)) == 1
    assert "is not used" in words(happened)[0]
    assert kinds(happened, events.Fetched) == []
    assert kinds(happened, events.Unshared) == kinds(happened, events.Shared) == ["a"]
    assert whole(remote)
    assert kinds(take(another(), plan), events.Fetched) == ["a"]


def test_damaged_result_here_is_fetched_anew(remote: Path, another: Become) -> None:
    bench = another()
    plan = chain(bench)
    finish(bench, plan)
    put(bench, plan)
    (bench.store.folder("count", plan.node("b").key) / EVIDENCE).write_text("")
    happened = bench.apply(plan)
    assert kinds(happened, events.Damaged) == kinds(happened, events.Fetched) == ["b"]
    assert [verdict.status for verdict in bench.judge(plan)] == ["PASS"]


def test_node_that_another_machine_finishes_meanwhile_is_not_made_here(remote: Path, another: Become) -> None:
    first, second = another(), another()
    plan = first.plan(first.node("a"), first.node("b", words="b"))
    happening = first.events(plan, cpus=1)
    happened = [next(happening)]
    finish(second, plan, "b")
    put(second, plan)
    happened += happening
    assert (kinds(happened, events.Started), kinds(happened, events.Fetched)) == (["a"], ["b"])


def test_node_whose_lock_another_apply_holds_is_left_to_it(remote: Path, another: Become) -> None:
    first, second = another(), another()
    plan = first.plan(first.node("a"))
    finish(first, plan)
    put(first, plan)
    lock = Lock(second.store.folder("count", plan.node("a").key) / "lock")
    assert lock.acquire(wait=False)
    assert take(second, plan) == []
    lock.release()
    assert kinds(take(second, plan), events.Fetched) == ["a"]


def test_node_that_another_apply_here_finishes_meanwhile_is_not_said_to_be_fetched(remote: Path, another: Become) -> None:
    first, second = another(), another()
    plan = first.plan(first.node("a"))
    finish(first, plan)
    put(first, plan)
    dealings = Sharing(second.sharer, second.store)
    assert dealings.has(plan.node("a"))
    finish(second, plan)
    happened = list(dealings.fetch(plan.node("a")))
    assert kinds(happened, events.Finished) == ["a"]
    assert len(happened) == 1


def test_samples_of_which_several_looks_were_promised_are_not_shared(remote: Path, another: Become) -> None:
    """Elsewhere they would be judged as if by one look; and who promises looks here has not drawn those of elsewhere."""
    first, second = another(), another()
    plan = first.plan(first.node("a"))
    promised = plan.model_copy(update={"nodes": (plan.node("a").model_copy(update={"looks": 2}),)})
    finish(first, plan)
    assert put(first, promised) == []
    assert kinds(put(first, plan), events.Shared) == ["a"]
    assert take(second, promised) == []
