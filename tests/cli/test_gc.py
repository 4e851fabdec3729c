"""`ryot ps` and `ryot gc`: what is running, what a crash left, and that what may be in use is never touched."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ryot import processes
from ryot.cli import gc
from ryot.cli.gc import _used
from ryot.cli.main import run
from ryot.cli.request import resolve
from ryot.engine.jobs import mark_of
from ryot.engine.leftovers import clear, find
from ryot.engine.present import pieces, seen
from ryot.engine.rounds import known
from ryot.files import Lock
from ryot.machine import boot, half_name, machine
from ryot.plan.plan import Plan, PlannedNode
from ryot.store.looks import begin_round, promise
from ryot.store.store import Store
from tests.conftest import TOYS, Bench

ROOT = Path(__file__).parent.parent.parent
TINY = (ROOT / "specs" / "tiny.yaml").read_text()
ALONE = "import sys, time; print('up', flush=True); sys.stdin.close(); time.sleep(600)"


@pytest.fixture
def orphan() -> Iterator[Any]:
    """Makes a process that carries the mark of a node, as one that a crash left: its environment alone tells where it comes from."""
    made: list[subprocess.Popen[str]] = []

    def make(store: Store, node: PlannedNode, text: str = ALONE, away: str = "") -> subprocess.Popen[str]:
        mark = f"{mark_of(store, node.stage, node.key)}{away}.{len(made):08x}"
        argv = [sys.executable, "-c", text]
        made.append(
            subprocess.Popen(argv, env={**os.environ, processes.MARK: mark}, stdout=subprocess.PIPE, text=True, start_new_session=True)
        )
        assert made[-1].stdout is not None
        made[-1].stdout.readline()
        return made[-1]

    yield make
    for child in made:
        child.kill()
        child.wait()


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert run([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def one(bench: Bench, **config: object) -> tuple[Plan, PlannedNode]:
    plan = bench.plan(bench.node("a", **config))
    return plan, plan.node("a")


@pytest.mark.parametrize("away", ["", processes.AWAY])
def test_process_without_a_keeper_is_left_over_and_ended(bench: Bench, orphan: Any, capsys: pytest.CaptureFixture[str], away: str) -> None:
    """On the first of a node's machines, and on a further one."""
    plan, node = one(bench)
    bench.apply(plan)
    child = orphan(bench.store, node, away=away)
    rows = [row for row in said(capsys, "ps", "--store", str(bench.store.root)) if row["pid"] == child.pid]
    assert [(row["node"], row["state"], row["processes"], row["memory"] > 0) for row in rows] == [("a", "left over", [child.pid], True)]
    kinds = [item["kind"] for item in said(capsys, "gc", "--dry-run", "--store", str(bench.store.root))]
    assert (kinds, child.poll()) == (["process"], None)
    assert run(["gc", "--yes", "--store", str(bench.store.root)]) == 0
    assert processes.birth(child.pid) is None
    assert bench.store.record(node.stage, node.key)


@pytest.mark.parametrize("away", ["", processes.AWAY])
def test_a_node_that_runs_again_ends_what_an_earlier_try_left(bench: Bench, orphan: Any, away: str) -> None:
    """Its first machine may have been a further one of the earlier try."""
    plan, node = one(bench)
    child = orphan(bench.store, node, away=away)
    bench.apply(plan)
    assert bench.store.record(node.stage, node.key)
    assert child.wait(10) == -9


def test_ports_on_which_a_process_listens_are_told(bench: Bench, orphan: Any) -> None:
    plan, node = one(bench)
    bench.apply(plan)
    text = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); time.sleep(600)"
    child = orphan(bench.store, node, text)
    found = next(piece for piece in pieces(seen()) if piece.pid == child.pid)
    assert found.left_over
    assert len(found.ports) == 1


def test_process_of_another_store_is_shown_and_left(bench: Bench, orphan: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan, node = one(bench)
    bench.apply(plan)
    child = orphan(bench.store, node)
    other = str(tmp_path / "other")
    assert [row["node"] for row in said(capsys, "ps", "--store", other) if row["pid"] == child.pid] == [None]
    assert said(capsys, "gc", "--yes", "--store", other) == []
    assert child.poll() is None


def test_what_unfinished_nodes_made_and_what_was_set_aside_is_cleared(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    failing = bench.plan(bench.node("good", words="g"), bench.node("bad", fail=True))
    bench.apply(failing)
    good, bad = (bench.store.folder(failing.node(name).stage, failing.node(name).key) for name in ("good", "bad"))
    bench.store.set_aside("count", good.name)
    bench.apply(failing)
    (good / half_name("record.json").replace(str(os.getpid()), str(_gone()), 1)).write_text("half")
    (good / half_name("record.json")).write_text("being written")
    found = {item["kind"]: item["bytes"] for item in said(capsys, "gc", "--dry-run", "--store", str(bench.store.root))}
    assert sorted(found) == ["damaged", "part", "unfinished"]
    assert found["part"] == 4
    assert {"damaged", "part"} == {i["kind"] for i in said(capsys, "gc", "--dry-run", "--keep-scratch", "--store", str(bench.store.root))}
    assert run(["gc", "--yes", "--store", str(bench.store.root)]) == 0
    assert "cleared" in capsys.readouterr().out
    assert not (bad / "scratch").exists()
    assert (bad / "failure.json").exists()
    assert [path.name for path in good.parent.glob("*damaged*")] == []
    assert [path.name for path in good.glob(".*.part")] == [half_name("record.json")]
    assert bench.store.damage(record) is None if (record := bench.store.record("count", good.name)) else pytest.fail("its result is gone")
    assert said(capsys, "gc", "--yes", "--store", str(bench.store.root)) == []


def half(path: Path, **others: str) -> Path:
    """A file that a process which is gone was writing: here, after another start of this machine, or on another one."""
    parts = {"pid": str(_gone()), "boot": boot()[:8], "machine": machine()[:8]} | others
    path.mkdir(parents=True, exist_ok=True)
    made = path / f".record.json.{'-'.join(parts.values())}.part"
    made.write_text("half")
    return made


def test_half_a_file_of_another_machine_is_left_and_one_of_before_the_last_start_is_not(bench: Bench) -> None:
    """A pid of another machine says nothing here; one of this machine before its last start is of nobody, whoever has it now."""
    folder = bench.store.root / "store" / "count" / ("a" * 64)
    here, theirs = half(folder), half(folder, machine="0" * 8)
    before = half(folder, pid=str(os.getpid()), boot="0" * 8)
    half(folder, pid=str(os.getpid()))
    assert {item.path for item in find(bench.store, ())} == {here, before}
    assert theirs.exists()


def test_node_that_another_machine_works_on_keeps_gc_from_what_it_may_need(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """Whose processes are seen nowhere here: its lock is all that tells."""
    a, b = (bench.store.root / "store" / stage / ("a" * 64) for stage in ("serve", "train"))
    (b / "scratch").mkdir(parents=True)
    (b / "scratch" / "checkpoint").write_text("3")
    lock = Lock(a / "lock")
    assert lock.acquire(wait=False, note="pid 12 on elsewhere")
    told = {item["path"]: (item["state"], item["why"]) for item in said(capsys, "gc", "--yes", "--store", str(bench.store.root))}
    assert told == {str(b): ("in use", "serve (pid 12 on elsewhere)")}
    assert (b / "scratch").exists()
    lock.release()
    assert [item["state"] for item in said(capsys, "gc", "--yes", "--store", str(bench.store.root))] == ["cleared"]


def test_run_of_another_machine_is_not_said_to_have_died(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    plan = bench.plan()
    assert bench.apply(plan) == []
    journal = next(bench.store.runs.glob("*/journal.jsonl"))
    began = json.loads(journal.read_text().splitlines()[0])
    assert began["machine"] == machine()
    lines = [began | {"pid": _gone(), "host": "elsewhere", "machine": "0" * 64}, {"event": "started", "node": "a", "service": False}]
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = said(capsys, "status", "--store", str(bench.store.root))
    assert found["state"].startswith("running (pid")
    assert "on elsewhere), unless it died there" in found["state"]
    journal.write_text(json.dumps(began | {"pid": _gone()}) + "\n")
    assert said(capsys, "status", "--store", str(bench.store.root))["state"] == "died"


def _gone() -> int:
    """The number of a process that has ended."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def test_node_whose_lock_is_held_is_left(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    plan, node = one(bench, fail=True)
    bench.apply(plan)
    folder = bench.store.folder(node.stage, node.key)
    found = list(find(bench.store, ()))
    lock = Lock(folder / "lock")
    lock.acquire(wait=True, note=f"pid 1 on {socket.gethostname()}")
    assert [clear(item) for item in found] == [f"it is in use: pid 1 on {socket.gethostname()}"]
    assert run(["gc", "--yes", "--store", str(bench.store.root)]) == 3
    assert f"it is in use: pid 1 on {socket.gethostname()}" in capsys.readouterr().err
    assert (folder / "scratch" / "steps").exists()
    lock.release()
    assert [clear(item) for item in found] == [None]


def test_what_was_finished_meanwhile_is_left(bench: Bench) -> None:
    plan, node = one(bench, fail_while=str(bench.store.root / "fails"))
    (bench.store.root).mkdir()
    (bench.store.root / "fails").touch()
    bench.apply(plan)
    found = list(find(bench.store, ()))
    (bench.store.root / "fails").unlink()
    bench.apply(plan)
    assert [clear(item) for item in found] == ["it was finished, or set aside, meanwhile"]
    assert bench.store.record(node.stage, node.key)


def test_while_an_apply_runs_what_it_may_use_is_left(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    plan, _ = one(bench, fail=True)
    bench.apply(plan)
    lock = Lock(bench.store.root / "locks" / "toy.lock")
    lock.acquire(wait=True, note=f"pid 1 on {socket.gethostname()}")
    found = said(capsys, "gc", "--yes", "--unused-for", "0", "--store", str(bench.store.root))
    assert [(item["kind"], item["state"]) for item in found] == [("unfinished", "in use")]
    lock.release()
    found = said(capsys, "gc", "--yes", "--store", str(bench.store.root))
    assert [(item["kind"], item["state"]) for item in found] == [("unfinished", "cleared")]


def test_what_begins_while_one_thinks_it_over_keeps_what_it_may_use(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first apply of another spec: no lock of its own was there to be held."""
    plan, node = one(bench, words="early")
    bench.apply(plan)
    long_ago = time.time() - 10 * 86400
    os.utime(next(bench.store.runs.glob("*/plan.json")), (long_ago, long_ago))
    lock = Lock(bench.store.root / "locks" / "other.lock")

    def begins(_count: int) -> bool:
        assert lock.acquire(wait=False, note=f"pid 1 on {socket.gethostname()}")
        return True

    monkeypatch.setattr(gc, "_agreed", begins)
    assert run(["gc", "--unused-for", "9", "--store", str(bench.store.root)]) == 3
    assert "it may be used by what runs since: an apply of other" in capsys.readouterr().err
    assert bench.store.record(node.stage, node.key)
    lock.release()
    monkeypatch.setattr(gc, "_agreed", lambda _count: True)
    assert run(["gc", "--unused-for", "9", "--store", str(bench.store.root)]) == 0
    assert bench.store.record(node.stage, node.key) is None


def test_results_are_cleared_only_where_it_is_asked_for_and_no_late_run_used_them(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    plans = [one(bench, words=words)[0] for words in ("early", "late")]
    for plan in plans:
        bench.apply(plan)
    early = min(bench.store.runs.glob("*/plan.json"), key=lambda path: path.stat().st_mtime_ns)
    os.utime(early, (time.time() - 10 * 86400,) * 2)
    store = str(bench.store.root)
    assert said(capsys, "gc", "--yes", "--store", store) == []
    assert said(capsys, "gc", "--yes", "--unused-for", "11", "--store", store) == []
    found = said(capsys, "gc", "--yes", "--unused-for", "9", "--store", store)
    assert [(item["kind"], item["state"]) for item in found] == [("unused", "cleared")]
    kept = [bench.store.record("count", plan.node("a").key) is not None for plan in plans]
    assert kept == [False, True]
    assert not bench.store.folder("count", plans[0].node("a").key).exists()


def test_further_rounds_of_a_spec_are_used_by_it(tmp_path: Path) -> None:
    spec, store = ROOT / "specs" / "tiny.yaml", Store(tmp_path / "store")
    plan = resolve(spec, None, (), (), store.root).plan
    node = plan.node("bench.single")
    promise(store, node.stage, node.key, 3)
    begin_round(store, node.stage, node.key, 2)
    (second,) = known(plan, store).rounds("bench.single")
    assert _used(store, None, [spec], ()) == {*(node.key for node in plan.nodes), second.key}


def test_run_whose_plan_cannot_be_read_keeps_results_from_being_cleared(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.apply(one(bench)[0])
    next(bench.store.runs.glob("*/plan.json")).write_text("{")
    assert run(["gc", "--yes", "--unused-for", "1", "--store", str(bench.store.root)]) == 3
    assert "what it uses is not known" in capsys.readouterr().err


def test_nothing_is_cleared_where_nobody_can_be_asked(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    plan, node = one(bench, fail=True)
    bench.apply(plan)
    assert run(["gc", "--store", str(bench.store.root)]) == 2
    assert "--yes" in capsys.readouterr().err
    assert (bench.store.folder(node.stage, node.key) / "scratch" / "steps").exists()


@pytest.mark.heavy
def test_run_that_is_killed_leaves_what_ps_shows_and_gc_clears(tmp_path: Path, orphan: Any, capsys: pytest.CaptureFixture[str]) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    spec, store = tmp_path / "spec.yaml", Store(tmp_path / ".ryot")
    spec.write_text(f"{TINY}stages:\n  - {{use: count, name: slow, after: data, with: {{gate: {gate}}}}}\n")
    argv = [
        sys.executable,
        "-m",
        "ryot.cli.main",
        "apply",
        str(spec),
        "--plugins",
        str(TOYS),
        "--store",
        str(store.root),
        "--until",
        "slow",
    ]
    driver = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    handle = gate.open("w")  # returns once the stage waits there
    rows = [row for row in said(capsys, "ps", "--store", str(store.root)) if row["store"] == str(store.root)]
    assert [(row["node"], row["state"]) for row in rows] == [(None, "ryot apply"), ("slow", "running")]
    assert rows[0]["pid"] == driver.pid
    assert rows[0]["run"] == rows[1]["run"] == next(store.runs.iterdir()).name
    old = said(capsys, "gc", "--yes", "--unused-by", str(ROOT / "specs" / "curate.yaml"), "--store", str(store.root))
    assert {item["state"] for item in old} <= {"in use"}
    below = [psutil.Process(pid) for pid in rows[1]["processes"]]
    driver.kill()
    driver.wait()
    assert psutil.wait_procs(below, timeout=30)[1] == []  # the kernel ends the keeper, and that its tree
    handle.close()
    assert [row for row in said(capsys, "ps", "--store", str(store.root)) if row["store"] == str(store.root)] == []
    plan = Plan.model_validate_json(next(store.runs.glob("*/plan.json")).read_bytes())
    child = orphan(store, plan.node("slow"))
    found = said(capsys, "gc", "--yes", "--store", str(store.root))
    assert {item["state"] for item in found} == {"cleared"}
    assert "process" in {item["kind"] for item in found}
    assert processes.birth(child.pid) is None
    assert store.record("data", plan.node("data").key)
