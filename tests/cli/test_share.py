"""`--share` and `store.share`: what a plan shows of a share, what another machine's apply takes from it, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ryot.cli.main import run
from ryot.cli.request import resolve
from ryot.store.share import Share
from ryot.store.store import Store
from tests.store.finish import finish_node
from tests.store.s3like import URL, S3Like, begin
from tests.store.test_share import strike_at

ROOT = Path(__file__).parent.parent.parent
TINY = str(ROOT / "specs" / "tiny.yaml")


def planned(capsys: pytest.CaptureFixture[str], tmp_path: Path, *arguments: str) -> tuple[dict[str, tuple[str, str]], str]:
    """The states of a plan's nodes, and what is said on stderr."""
    capsys.readouterr()
    assert run(["plan", TINY, "--json", "--store", str(tmp_path / "store"), *arguments]) == 0
    said = capsys.readouterr()
    return {node["name"]: (node["state"], node["why"]) for node in json.loads(said.out)["nodes"]}, said.err


def test_plan_says_what_a_share_has_and_only_reads_records(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    begin(tmp_path / "remote")
    finish_node(tmp_path / "other", payload_of("data"))
    other = Store(tmp_path / "other")
    (record,) = other.records()
    list(Share(URL).put(other, record))
    S3Like.done.clear()
    states, said = planned(capsys, tmp_path, "--set", f"store.share={URL}")
    assert (states["data"], said) == (("cached", "the share has it: it is fetched"), "")
    assert states["tokenizer"] == ("runs", "never ran")
    assert {(what, name.split("/")[0]) for what, name in S3Like.done} == {("get", "nodes")}
    assert planned(capsys, tmp_path, "--set", f"store.share={URL}", "--share", "none")[0]["data"] == ("runs", "never ran")
    S3Like.strike = staticmethod(lambda number, what, path: strike_at(number, ConnectionError("s3cret"))(number, what, path))
    states, said = planned(capsys, tmp_path, "--share", URL)
    assert states["data"] == ("runs", "never ran")
    assert said.count(f"cannot read {URL}: ConnectionError; it is taken for empty") == len(said.splitlines()) == 1
    assert not (tmp_path / "store").exists()


def payload_of(name: str) -> dict[str, Any]:
    """What the key of a node is the digest of, which a plan's JSON does not show."""
    return resolve(Path(TINY), None, (), (), Path("none")).plan.node(name).payload


def test_apply_on_another_machine_fetches_what_the_first_has_shared(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["apply", TINY, "--until", "data", "--share", f"file://{tmp_path}/share"]
    finish_node(tmp_path / "one", payload_of("data"))
    assert run([*arguments, "--store", str(tmp_path / "one")]) == 5  # for it has no samples
    assert "shared    data at file://" in capsys.readouterr().err
    assert run([*arguments, "--store", str(tmp_path / "two")]) == 5
    said = capsys.readouterr().err
    assert "fetched   data from file://" in said
    assert "running   data" not in said
    (one,), (two,) = Store(tmp_path / "one").records(), Store(tmp_path / "two").records()
    assert one == two
    assert run(["status", "--store", str(tmp_path / "two")]) == 0
    assert "fetched from file://" in capsys.readouterr().out
    assert run(["logs", "data", "--store", str(tmp_path / "two")]) == 0
    assert "fetched from file://" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--share", "s3://ana:s3cret@bucket"], "a password in an address"),
        (["--set", "store.share=s3://ana:s3cret@bucket"], "a password in an address"),
        (["--share", "s3://s3cret@bucket"], "has a user or a password in it"),
        (["--set", "store.share=s3://ana@bucket"], "has a user or a password in it"),
        (["--share", "s3://bucket?key=s3cret"], "has a `?`"),
        (["--share", "folder"], "write the address of a share"),
        (["--share", "nowhere://bucket"], "no addresses that begin with nowhere://"),
    ],
)
def test_address_with_a_secret_is_refused_and_not_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    assert run(["plan", TINY, "--store", str(tmp_path), *arguments]) == 2
    said = "".join(capsys.readouterr())
    assert words in said
    assert "s3cret" not in said
