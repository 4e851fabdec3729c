"""Lies told to what is kept: evidence, records, results and bundles that are changed after the run. `ryot check` judges what is left."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ryot.cli.main import run
from ryot.engine import events
from ryot.store.store import EVIDENCE, RECORD
from tests.conftest import Bench
from tests.lies.judged import caught

pytestmark = pytest.mark.heavy
SPEC = """\
version: 1
name: small
model: {preset: ryot-tiny}
data: {sources: [{generate: {examples: 40}}], held_out: 10%}
train: {steps: 2}
claims: {params: 10K}
targets: [data/examples >= 35, data/wrong_answers == 0]
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec, and the store of a run of its first node, whose targets pass."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "small.yaml").write_text(SPEC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RYOT_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        assert run(["apply", str(folder / "small.yaml"), "--until", "data", "--store", str(folder / "store")]) == 0
    return folder


@pytest.fixture
def kept(finished: Path, tmp_path: Path) -> Path:
    """A copy of it to lie in."""
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def judged(capsys: pytest.CaptureFixture[str]) -> Callable[[Path], tuple[int, set[str], str]]:
    """Call it with a folder or a bundle: the exit code of `ryot check`, what the verdicts are, and why."""

    def check(path: Path) -> tuple[int, set[str], str]:
        capsys.readouterr()
        where = ["--store", str(path / "store")] if path.is_dir() else [str(path)]
        code = run(["check", "--json", *where])
        told = json.loads(capsys.readouterr().out)["verdicts"]
        return code, {verdict["status"] for verdict in told}, "; ".join(verdict["reason"] for verdict in told)

    return check


def node_of(folder: Path) -> Path:
    """The folder of the node `data`."""
    (record,) = (folder / "store" / "store" / "data").glob(f"*/{RECORD}")
    return record.parent


def test_a_run_that_nobody_touched_passes(kept: Path, judged: Any) -> None:
    assert judged(kept)[:2] == (0, {"PASS"})


def test_evidence_that_was_cut_short(kept: Path, judged: Any) -> None:
    path = node_of(kept) / EVIDENCE
    path.write_bytes(path.read_bytes()[:-20])
    code, found, why = judged(kept)
    assert (code, found) == (5, {"ERROR"})
    assert "is not the file that was recorded" in why


def test_evidence_that_was_edited(kept: Path, judged: Any) -> None:
    path = node_of(kept) / EVIDENCE
    edited = path.read_text().replace('"wrong_answers": {"value": 0', '"wrong_answers": {"value": 9')
    assert edited != path.read_text()
    path.write_text(edited)
    code, found, why = judged(kept)
    assert (code, found) == (5, {"ERROR"})
    assert "is not the file that was recorded" in why


def test_evidence_that_is_gone(kept: Path, judged: Any) -> None:
    (node_of(kept) / EVIDENCE).unlink()
    assert judged(kept)[:2] == (5, {"ERROR"})


def test_a_measure_whose_kind_was_edited_in_the_record(kept: Path, judged: Any) -> None:
    """A percentile that became a plain number would need no bound any more."""
    path = node_of(kept) / RECORD
    record = json.loads(path.read_text())
    (measure,) = [measure for measure in record["measures"] if measure["name"] == "wrong_answers"]
    measure["kind"] = "exact"
    path.write_text(json.dumps(record))
    code, found, why = judged(kept)
    assert (code, found) == (5, {"ERROR"})
    assert "a record whose wrong_answers is not the measure of the plan" in why


@pytest.mark.parametrize("renamed", [False, True], ids=["as it is", "under the key of the other"])
def test_a_record_copied_from_another_node(bench: Bench, renamed: bool) -> None:
    plan = bench.plan(bench.node("good", steps=3), bench.node("bad", steps=1, fail=True), targets=["bad/steps == 3"])
    bench.apply(plan)
    good, bad = (bench.store.folder("count", plan.node(name).key) for name in ("good", "bad"))
    shutil.rmtree(bad)
    shutil.copytree(good, bad)
    if renamed:
        record = json.loads((bad / RECORD).read_text()) | {"key": plan.node("bad").key, "node": "bad"}
        (bad / RECORD).write_text(json.dumps(record))
    assert caught(plan, bench.store) == "bad was not run"


def test_weights_exchanged_after_training(bench: Bench, tmp_path: Path) -> None:
    """What was measured on other weights is not passed on: the exchanged ones are set aside, and here they cannot be made again."""
    gone = tmp_path / "no more data"
    train = {"words": "w", "fail_while": str(gone)}
    bench.apply(bench.plan(bench.node("train", **train)))
    plan = bench.plan(bench.node("train", **train), bench.node("evaluate", inputs=["train"]), targets=["evaluate/steps == 3"])
    weights = bench.out(plan, "train") / "count.txt"
    weights.write_text(weights.read_text().replace("w", "v"))
    gone.touch()
    happened = bench.apply(plan)
    assert [event.node for event in happened if isinstance(event, events.Damaged)] == ["train"]
    assert caught(plan, bench.store) == "evaluate was not run"


def packed(kept: Path) -> Path:
    """The evidence of the run as a bundle."""
    assert run(["report", "--store", str(kept / "store"), "--bundle", str(kept / "evidence.zip")]) == 0
    return kept / "evidence.zip"


def forged(bundle: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """A bundle with other files, and the list of digests that fits them."""
    found = bundle.with_name("forged.zip")
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(found, "w") as new:
        told = json.loads(old.read("bundle.json"))
        for name in told["files"]:
            data = change(name, old.read(name))
            told["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            new.writestr(name, data)
        new.writestr("bundle.json", json.dumps(told))
    return found


def test_a_bundle_with_other_samples_and_digests_that_fit_them(kept: Path, judged: Any) -> None:
    def more(name: str, data: bytes) -> bytes:
        return data.replace(b'"value": 40', b'"value": 90') if name.endswith(EVIDENCE) else data

    bundle = packed(kept)
    assert judged(bundle)[:2] == (0, {"PASS"})
    assert judged(forged(bundle, more))[:2] == (5, {"ERROR"})


def test_a_bundle_that_was_damaged_on_its_way(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = packed(kept)
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(kept / "damaged.zip", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'"value": 40', b'"value": 90'))
    assert run(["check", str(kept / "damaged.zip")]) == 2
    assert "is not the file that was packed" in capsys.readouterr().err


def test_a_claim_nine_times_too_small(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A claim is no target: it is REFUTED wherever the run is shown, and changes no exit code. The same number as a target FAILs."""
    assert run(["check", "--store", str(kept / "store"), "--json"]) == 0
    (claim,) = json.loads(capsys.readouterr().out)["claims"]
    assert claim["ok"] is False
    assert claim["computed"] > 9 * claim["claimed"]
    assert run(["check", "--store", str(kept / "store")]) == 0
    assert "REFUTED" in capsys.readouterr().out
