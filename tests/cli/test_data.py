"""`ryot data preview`: real documents through every filter, nothing written, and no control character reaches the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ryot.cli.main import run

PROSE = (
    "The harbour lies at the mouth of the river, and the ships that come in have to wait for the tide to rise. In the summer of that year "
    "the water was so low that boats ran aground within sight of the quay. Men with ropes pulled them off when the sea came back. "
    "It took all of the night and most of the morning. Nobody was hurt, but the cargo of one vessel was lost to the mud."
)
HEAD = "version: 1\nname: shown\nmodel: {preset: ryot-tiny}\ntrain: {batch_size: 2, steps: 1}\n"
TEXTS = [PROSE, PROSE + " Write to ann@mail.example.", "short", PROSE.replace(" ", "  \r\n", 2), f"\x1b[31m{PROSE[::-1]}", PROSE + " So."]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS) + "{broken\n")
    path = tmp_path / "spec.yaml"
    filters = "{normalise: {controls: false}, length: {}, language: {}, score: {}, personal: {}, near_duplicates: {}, contamination: {}}"
    path.write_text(f"{HEAD}data:\n  sources: [path: texts.jsonl]\n  filters: {filters}\n")
    return path


def shown(spec: Path, capsys: pytest.CaptureFixture[str], *more: str) -> list[dict[str, Any]]:
    assert run(["data", "preview", str(spec), "--json", *more]) == 0, capsys.readouterr().err
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def ends(documents: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(document["steps"][-1]["node"], document["steps"][-1]["verdict"]) for document in documents]


def test_each_document_is_shown_up_to_where_it_ends(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(spec, capsys)
    assert ends(found) == [
        ("filter.contamination", "kept"),
        ("filter.near_duplicates", "dropped"),
        ("filter.length", "dropped"),
        ("filter.near_duplicates", "dropped"),
        ("filter.language", "dropped"),
        ("filter.near_duplicates", "dropped"),
        ("data", "broken"),
    ]
    assert found[0]["text"] == PROSE
    steps = {step["node"]: step for step in found[1]["steps"]}
    assert steps["filter.personal"] == {
        "node": "filter.personal",
        "verdict": "changed",
        "remark": "changed: 'ann@mail.example.' -> '<EMAIL>.'",
    }
    assert steps["filter.score"]["remark"].startswith("score 0.")
    assert steps["filter.score"]["verdict"] == "depends"
    assert {step["node"]: step for step in found[3]["steps"]}["filter.normalise"]["remark"].startswith(
        "changed: line_ends, trailing_blanks: "
    )
    assert found[1]["id"] in {document["id"] for document in found}
    assert found[0]["id"] in steps["filter.near_duplicates"]["remark"]
    assert "texts.jsonl:7: bad JSON" in found[6]["steps"][0]["remark"]


def test_as_many_documents_as_asked_of_all_sources(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(shown(spec, capsys, "--documents", "3")) == 3
    found = shown(spec, capsys, "--documents", "7", "--set", "data.sources.0={generate: {examples: 500}, max_documents: 300}")
    assert [document["steps"][0]["remark"] for document in found] == ["source 1 (generate)"] * 7
    spec.write_text(spec.read_text().replace("[path: texts.jsonl]", "[{path: texts.jsonl}, {generate: {examples: 50}}]"))
    found = shown(spec, capsys, "--documents", "5")
    assert [document["steps"][0]["remark"][:8] for document in found] == ["source 1"] * 3 + ["source 2"] * 2


def test_terminal_fits_100_columns_without_control_characters(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "preview", str(spec)]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 100
    assert not any(char < " " and char != "\n" for char in said)
    assert "·[31m" in said
    summary = " ".join(said.split("\n\n")[-1].split())
    assert summary.startswith(
        "7 documents (of 10 asked for: the sources have no more to show), 0 kept; 3 dropped by filter.near_duplicates; "
    )
    assert summary.endswith("1 kept or dropped by filter.score, as all documents decide")


def test_nothing_is_written(spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    shown(spec, capsys)
    assert sorted(tmp_path.rglob("*")) == before


def test_without_filters_the_documents_are_shown(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(spec, capsys, "--set", "data.filters=null")
    assert [len(document["steps"]) for document in found] == [1] * 7


def test_a_stage_without_a_preview_is_named_and_passed(spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plugins = Path(__file__).parent.parent.parent / "plugins"
    spec.write_text(f"{spec.read_text()}stages: [{{use: dedup, after: filter.length}}]\n")
    found = shown(spec, capsys, "--plugins", str(plugins))
    assert [step["node"] for step in found[0]["steps"]][2:5] == ["filter.length", "dedup", "filter.language"]
    assert found[0]["steps"][3]["verdict"] == "not shown"


def test_what_is_wrong_is_an_error_and_no_crash(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "preview", str(spec), "--set", "data.filters.language={keep: [xx]}"]) == 2
    assert "py3langid does not know xx" in capsys.readouterr().err
    assert run(["data", "preview", str(spec), "--set", "data.filters.contamination={against: [no.txt]}"]) == 3
    assert "data.filters.contamination.against.0: " in capsys.readouterr().err


def test_what_commands_a_terminal_is_escaped_in_json(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"\u009b31m\u202eevil\u200f é 漢 {PROSE}"
    (spec.parent / "texts.jsonl").write_text(json.dumps({"text": text}, ensure_ascii=False) + "\n", encoding="utf-8")
    assert run(["data", "preview", str(spec), "--json"]) == 0
    printed = capsys.readouterr().out
    assert [document["text"] for document in json.loads(printed)] == [text]
    assert not {"\u009b", "\u202e", "\u200f"} & set(printed)
    assert "é 漢" in printed


def test_documents_are_shown_by_weight_and_from_every_file_of_a_folder(
    spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "many").mkdir()
    for name in "abc":
        (tmp_path / "many" / f"{name}.jsonl").write_text("".join(json.dumps({"text": f"{name} {n} {PROSE}"}) + "\n" for n in range(9)))
    sources = "[{path: many, weight: 75%}, {generate: {examples: 500}, weight: 25%}]"
    spec.write_text(spec.read_text().replace("[path: texts.jsonl]", sources))
    found = shown(spec, capsys, "--documents", "8")
    assert [document["steps"][0]["remark"] for document in found] == [f"source 1 (file): {name}.jsonl" for name in "abcabc"] + [
        "source 2 (generate)"
    ] * 2


def test_what_one_source_lacks_a_later_one_makes_up_for(spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "more.jsonl").write_text("".join(json.dumps({"text": f"{n} {PROSE}"}) + "\n" for n in range(20)))
    spec.write_text(spec.read_text().replace("[path: texts.jsonl]", "[{path: texts.jsonl}, {path: more.jsonl}]"))
    assert len(shown(spec, capsys, "--documents", "20")) == 20


def test_a_missing_field_is_answered_with_those_there_are(spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "texts.jsonl").write_text(json.dumps({"question": "How far?", "answer": "Ten miles."}) + "\n")
    (broken,) = shown(spec, capsys)
    assert (
        "there is no field 'text'; there are: question, answer; name the one to read as the source's text_field"
        in broken["steps"][0]["remark"]
    )


def test_what_is_folded_stands_below_itself(spec: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ryot.cli.output._WITHOUT_A_TERMINAL", 80)
    assert run(["data", "preview", str(spec)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert max(map(len, said)) <= 80
    documents = said[: len(said) - 1 - said[::-1].index("")]  # the summary is the last paragraph
    assert [line for line in documents if line and not line[0].isdigit() and not line.startswith("   ")] == []
    assert any(line.strip() == "enclosed in double quotes: line 1 column 2 (char 1)" for line in documents)
