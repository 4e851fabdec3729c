"""`init`, `explain`, `schema` and `doctor`: what they print is true of the spec and of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

from ryot.cli import doctor
from ryot.cli.main import run
from ryot.spec.explain import fields
from ryot.spec.presets import MODELS
from ryot.spec.yaml_tree import parse, read


@pytest.mark.parametrize("preset", MODELS)
def test_spec_that_init_writes_is_sound_and_its_claim_holds(preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "my Model.yaml"
    assert run(["init", str(spec), "--preset", preset]) == 0
    assert run(["validate", str(spec)]) == 0, capsys.readouterr().err
    capsys.readouterr()
    assert run(["plan", str(spec), "--json", "--store", str(tmp_path)]) in (0, 3)  # 3: too large for this machine
    plan = json.loads(capsys.readouterr().out)
    assert (plan["name"], [claim["ok"] for claim in plan["claims"]]) == ("my-model", [True])


def test_init_overwrites_nothing_unless_told_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("mine")
    assert run(["init", str(spec)]) == 2
    assert spec.read_text() == "mine"
    assert run(["init", str(spec), "--force"]) == 0
    assert run(["validate", str(spec)]) == 0


@pytest.mark.parametrize("name", ["ümläut.yaml", "--.yaml", "1.yaml", "_x.yaml", "." * 3 + "yaml", "a" * 100 + ".yaml", "ß²٣.yaml"])
def test_init_makes_a_name_that_a_spec_may_have(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path / name)]) == 0
    assert run(["validate", str(tmp_path / name)]) == 0, capsys.readouterr().err


def test_explain_tells_meaning_type_unit_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "serve.kv_cache"]) == 0
    said = capsys.readouterr().out
    assert said == "serve.kv_cache\n    Memory set aside for keys and values.\n    whole number, in bytes; default: 1073741824\n"


@pytest.mark.parametrize("written", ["data.sources[].path", "data.sources.0.path", "data.sources[0].path", "data.sources.path"])
def test_explain_takes_a_path_as_errors_write_it(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", written]) == 0
    assert capsys.readouterr().out.startswith("data.sources[].path\n    A local file or folder")


def test_explain_of_a_section_lists_the_fields_of_its_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "data"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert {"data", "data.sources", "data.sources[].path", "data.sources[].weight", "data.held_out"} <= set(said)
    assert "data.sources[].generate.examples" not in said


def test_explain_lists_sections_and_what_is_in_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    assert {"version", "train", "targets"} <= set(capsys.readouterr().out.splitlines())
    assert run(["explain", "train"]) == 0
    assert {"train", "train.lr"} <= set(capsys.readouterr().out.splitlines())
    assert run(["explain", "bench.scenarios"]) == 0
    assert "bench.scenarios.*.users" in capsys.readouterr().out


@pytest.mark.parametrize("entry", fields(), ids=lambda entry: entry.path)
def test_every_field_can_be_explained(entry: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", entry.path]) == 0
    assert capsys.readouterr().out.startswith(entry.path)


def test_field_that_is_not_there_is_exit_2_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "train.epoch"]) == 2
    assert "did you mean `epochs`?" in capsys.readouterr().err


@pytest.fixture
def schema(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert run(["schema"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def properties(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property that a schema describes, with where it is."""
    if isinstance(node, dict):
        for name, inner in (node.get("properties") or {}).items():
            yield f"{path}/{name}", inner
        for key, inner in node.items():
            yield from properties(inner, f"{path}/{key}")
    elif isinstance(node, list):
        for inner in node:
            yield from properties(inner, path)


def test_schema_describes_every_field(schema: dict[str, Any]) -> None:
    found = dict(properties(schema))
    assert len(found) > 80
    described = {path: inner | schema["$defs"].get(inner.get("$ref", "").rpartition("/")[2], {}) for path, inner in found.items()}
    assert [path for path, inner in described.items() if not inner.get("description")] == []


def test_schema_is_a_schema_whose_references_lead_somewhere(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    references = [part.split('"')[1] for part in json.dumps(schema).split('"$ref": ')[1:]]
    assert references
    assert all(reference.removeprefix("#/$defs/") in schema["$defs"] for reference in references)


def test_schema_takes_every_shipped_spec(schema: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    root = Path(__file__).parent.parent.parent
    for spec in sorted((root / "specs").glob("*.yaml")):
        problems = [f"{list(error.path)}: {error.message[:120]}" for error in validator.iter_errors(parse(read(spec), spec.name).plain())]
        assert problems == [], spec.name


def test_schema_refuses_an_unknown_key(schema: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    found = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors({"trian": {}})]
    assert any("trian" in message for message in found)


def test_doctor_tells_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "store"
    code = run(["doctor", "--json", "--store", str(root)])
    found = {item["what"]: item for item in json.loads(capsys.readouterr().out)}
    assert {"device", "python", "torch", "vllm", "memory", "disk", "store", "compiler", "plugins"} <= set(found)
    assert found["store"]["state"] == "ok"
    assert not root.exists(), "a look leaves no trace"
    assert code == (3 if any(item["state"] == "lacks" for item in found.values()) else 0)
    try:
        assert version("torch") in found["torch"]["found"]
    except PackageNotFoundError:
        assert found["torch"]["state"] == "lacks"


def test_doctor_tells_what_is_lacking_and_what_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(doctor._ENGINES, "torch", ("no-such-torch",))
    (tmp_path / "file").write_text("")
    assert run(["doctor", "--json", "--store", str(tmp_path / "file")]) in (2, 3)
    capsys.readouterr()
    assert run(["doctor", "--json", "--store", str(tmp_path)]) == 3
    torch = next(item for item in json.loads(capsys.readouterr().out) if item["what"] == "torch")
    assert (torch["state"], torch["found"]) == ("lacks", "not installed")
    assert "make setup" in torch["mend"]
    assert run(["doctor", "--store", str(tmp_path)]) == 3
    assert "make setup" in capsys.readouterr().out


def test_what_init_comments_out_is_sound_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.yaml"
    assert run(["init", str(spec)]) == 0
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("Something.")
    text = (
        spec.read_text()
        .replace("    - generate: {examples: 1000}\n", "")
        .replace("    # - {", "    - {")
        .replace("  # filters", "  filters")
    )
    spec.write_text(text)
    assert run(["validate", str(spec)]) == 0, capsys.readouterr().err
    assert "weight: 90%" in text


def test_comments_behind_values_stand_in_one_column(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    assert run(["init", str(spec)]) == 0
    behind = {line.index(" # ") for line in spec.read_text().splitlines() if " # " in line and not line.lstrip().startswith("#")}
    assert len(behind) == 1
