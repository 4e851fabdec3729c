"""The commit point of a node: its record is last, what is not whole is not finished, and no damaged byte goes unnoticed."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ryot.check.judge import Measured, judge
from ryot.errors import NodeError
from ryot.measures import Evidence, Target, parse_target
from ryot.store.store import EVIDENCE, RECORD, Store, prepare
from tests.store import finish as program
from tests.store.finish import FILES, KEY, LOSS, finish

FINISH = str(program.__file__)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_finished_node_is_found_with_its_evidence(store: Store) -> None:
    record = finish(store)
    assert store.record("toy", KEY) == record
    assert store.evidence(record) == {"loss": Evidence(value=1.5)}
    assert store.damage(record) is None
    assert list(store.records()) == [record]


def test_scratch_is_let_go_after_the_commit(store: Store) -> None:
    finish(store)
    assert sorted(path.name for path in store.folder("toy", KEY).iterdir()) == sorted([EVIDENCE, "out", RECORD])


def test_store_creates_nothing_until_it_is_written(store: Store) -> None:
    assert store.record("toy", KEY) is None
    assert list(store.records()) == []
    assert not store.root.exists()


def test_prepare_empties_out_and_keeps_scratch(store: Store) -> None:
    out, scratch = prepare(store.folder("toy", KEY))
    (out / "half").write_text("x")
    (scratch / "checkpoint").write_text("3")
    out, scratch = prepare(store.folder("toy", KEY))
    assert list(out.iterdir()) == []
    assert (scratch / "checkpoint").read_text() == "3"


@pytest.mark.parametrize("syncs", range(16))
def test_commit_that_is_killed_leaves_a_whole_node_or_an_unfinished_one(store: Store, syncs: int) -> None:
    done = subprocess.run([sys.executable, FINISH, str(store.root), str(syncs)], check=False)
    assert done.returncode in (0, -signal.SIGKILL)
    record = store.record("toy", KEY)
    if record is None:
        assert done.returncode == -signal.SIGKILL
        assert (store.folder("toy", KEY) / "scratch" / "checkpoint").exists(), "the work could not be resumed"
    else:
        assert store.damage(record) is None
        assert store.evidence(record)


def test_the_kills_above_reach_both_sides_of_the_commit(store: Store) -> None:
    codes = [subprocess.run([sys.executable, FINISH, str(store.root / str(n)), str(n)], check=False).returncode for n in (0, 15)]
    assert codes == [-signal.SIGKILL, 0]


def test_record_that_was_cut_short_is_none(store: Store) -> None:
    finish(store)
    path = store.folder("toy", KEY) / RECORD
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        assert store.record("toy", KEY) is None, length
    path.write_bytes(whole)
    assert store.record("toy", KEY) is not None


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"node": "n"}', "\x00" * 400, "\xff\xfe"])
def test_record_that_is_no_record_is_none(store: Store, text: str) -> None:
    finish(store)
    (store.folder("toy", KEY) / RECORD).write_bytes(text.encode("latin-1"))
    assert store.record("toy", KEY) is None


def test_record_with_a_payload_that_has_no_key_is_none(store: Store) -> None:
    finish(store)
    path = store.folder("toy", KEY) / RECORD
    told = json.loads(path.read_text())
    told["payload"]["config"] = {"lr": math.nan}
    path.write_text(json.dumps(told))
    assert store.record("toy", KEY) is None
    assert store.unreadable("toy", KEY)
    assert list(store.records()) == []


def test_record_of_another_node_is_none(store: Store) -> None:
    finish(store)
    store.folder("toy", KEY).rename(store.folder("toy", "b" * 64))
    assert store.record("toy", "b" * 64) is None
    assert list(store.records()) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["one.txt", "deep/two.bin"]), where=st.integers(0, 10_000), length=st.integers(1, 64), data=st.data())
def test_any_changed_range_of_a_file_is_found(store: Store, name: str, where: int, length: int, data: st.DataObject) -> None:
    record = store.record("toy", KEY) or finish(store)
    path = store.folder("toy", KEY) / "out" / name
    whole = FILES[name]
    start = where % len(whole)
    piece = whole[start : start + length]
    other = data.draw(st.binary(max_size=64).filter(lambda found: found != piece))
    path.write_bytes(whole[:start] + other + whole[start + length :])
    try:
        assert store.damage(record) == f"out/{name} is damaged"
    finally:
        path.write_bytes(whole)
    assert store.damage(record) is None


@pytest.mark.parametrize("name", FILES)
def test_file_that_is_gone_is_found(store: Store, name: str) -> None:
    record = finish(store)
    (store.folder("toy", KEY) / "out" / name).unlink()
    assert store.damage(record) == f"out/{name} is gone"


def test_evidence_that_was_changed_is_refused_and_found(store: Store) -> None:
    record = finish(store)
    path = store.folder("toy", KEY) / EVIDENCE
    path.write_text(path.read_text().replace("1.5", "0.5"))
    with pytest.raises(NodeError, match="is not the file that was recorded"):
        store.evidence(record)
    assert store.damage(record) == "evidence.json is gone or damaged"
    path.unlink()
    with pytest.raises(NodeError, match="cannot be read"):
        store.evidence(record)
    assert store.damage(record) == "evidence.json is gone or damaged"


@pytest.mark.parametrize("evidence", [Evidence(value=math.nan), Evidence(value=math.inf), Evidence(value=-math.inf)])
def test_nan_and_infinity_come_back_and_are_judged_as_an_error(store: Store, evidence: Evidence) -> None:
    record = finish(store, {"loss": evidence})
    found = store.evidence(record)["loss"]
    assert repr(found.value) == repr(evidence.value)
    targets = [Target.model_validate(parse_target(f"n/loss {sign} 5")) for sign in ("<", ">=", "==")]
    verdicts = judge(targets, {"n/loss": Measured(LOSS, found)}, {}, date(2026, 1, 1))
    assert [verdict.status for verdict in verdicts] == ["ERROR"] * 3


def test_samples_and_pairs_come_back_bit_for_bit(store: Store) -> None:
    evidence = {"a": Evidence(samples=(0.1 + 0.2, 1e-300, 5e-324)), "b": Evidence(pairs=((1 / 3, 2 / 3),)), "c": Evidence(hits=0, of=10)}
    assert store.evidence(finish(store, evidence)) == evidence


def test_damaged_node_is_kept_aside_each_time_under_a_new_name(store: Store) -> None:
    finish(store)
    first = store.set_aside("toy", KEY)
    assert store.record("toy", KEY) is None
    assert (first / RECORD).exists()
    finish(store)
    assert store.set_aside("toy", KEY) != first
    assert list(store.records()) == []
