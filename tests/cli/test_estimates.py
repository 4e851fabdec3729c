"""`ryot report --estimates`: the ledger of a store, as a table and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ryot.cli.main import run
from ryot.store.ledger import LEDGER, append
from tests.store.write_ledger import entry


def test_table_lists_every_prediction(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    append(tmp_path, [entry("a"), entry("b", "tokens_per_s", unit="tokens/s")])
    assert run(["report", "--estimates", "--store", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "total_time" in said
    assert "tokens_per_s" in said
    assert "+9.1 %" in said


def test_json_is_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    append(tmp_path, [entry("a")])
    assert run(["report", "--estimates", "--json", "--store", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["entries"][0]["measured"] == 11


def test_empty_store_is_no_error_and_stays_empty(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["report", "--estimates", "--store", str(tmp_path / "none")]) == 0
    assert "No prediction has been measured yet" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()


def test_unknown_run_is_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["report", "--estimates", "--run", "nothing", "--store", str(tmp_path)]) != 0
    assert "holds no run nothing" in capsys.readouterr().err


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_output_is_written_to_the_file(capsys: pytest.CaptureFixture[str], tmp_path: Path, form: list[str]) -> None:
    append(tmp_path, [entry("a")])
    assert run(["report", "--estimates", *form, "-o", str(tmp_path / "out"), "--store", str(tmp_path)]) == 0
    assert "total_time" in (tmp_path / "out").read_text()


def test_line_cut_short_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    append(tmp_path, [entry("a")])
    with (tmp_path / LEDGER).open("ab") as file:
        file.write(b'{"at": "20')
    assert run(["report", "--estimates", "--store", str(tmp_path)]) == 0
    assert "line 2" in capsys.readouterr().out
