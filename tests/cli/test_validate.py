"""`ryot validate`: sound specs are said to be sound; local inputs and broken plugins are told with their place and exit code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ryot import files
from ryot.cli import inputs, request
from ryot.cli.main import run
from ryot.cli.request import resolve

ROOT = Path(__file__).parent.parent.parent
TINY = ROOT / "specs" / "tiny.yaml"
BROKEN = {
    "raises": "raise RuntimeError('no luck')",
    "exits": "raise SystemExit(0)",
    "lacks": "import no_such_library_anywhere",
    "is_not_python": "def (:",
    "is_empty": "",
    "is_no_stage": "class It: pass",
    "has_no_config": "from ryot.plugins import Stage\nclass It(Stage):\n    name = 'it'",
}


@pytest.mark.parametrize("spec", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_spec_is_sound(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", str(spec)]) == 0
    assert f"{spec} is sound: " in capsys.readouterr().out


def test_profile_and_counts_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", str(ROOT / "specs" / "phase3.yaml"), "--profile", "none"]) == 0
    assert "17 nodes, 22 targets (no profile, " in capsys.readouterr().out


def with_source(folder: Path, path: str) -> Path:
    spec = folder / "spec.yaml"
    spec.write_text(
        TINY.read_text()
        .replace("generate: {examples: 600}", f"path: {path}")
        .replace("  - data/wrong_answers == 0\n", "")
        .replace("[reasoning, perplexity]", "[perplexity]")
    )
    return spec


def test_local_input_is_relative_to_the_spec(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "texts.txt").write_text("one\n\ntwo\n")
    code = run(["validate", str(with_source(tmp_path, "texts.txt"))])
    said = capsys.readouterr()
    assert (code, said.err) == (0, "")


def test_a_trace_of_a_scenario_is_a_local_input_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(TINY.read_text().replace("requests: 60, prompt_tokens: 16}", "requests: 60, trace: real.jsonl}"))
    line = next(number for number, text in enumerate(spec.read_text().splitlines(), 1) if "real.jsonl" in text)
    assert run(["validate", str(spec)]) == 3
    assert f"{spec}:{line}:" in (said := capsys.readouterr().err)
    assert f"bench.scenarios.single.trace: {tmp_path / 'real.jsonl'} does not exist" in said
    keys = []
    for text in ("{}", "[]", "{}"):
        (tmp_path / "real.jsonl").write_text(text)
        planned = resolve(spec, None, (), (), tmp_path / "store").plan
        keys.append(planned.node("bench.single").key)
    assert keys[0] == keys[2] != keys[1]


def test_missing_local_input_is_the_machines_fault_and_has_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = with_source(tmp_path, "texts.txt")
    line = spec.read_text().splitlines().index("    - path: texts.txt") + 1
    assert run(["validate", str(spec)]) == 3
    assert f"{spec}:{line}:7: data.sources.0.path: {tmp_path / 'texts.txt'} does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["/dev/zero", "pipe.jsonl", "x" * 300])
@pytest.mark.parametrize("field", ["data.sources.0", "data.tokenizer"])
def test_local_input_without_an_end_is_not_read(path: str, field: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "texts.txt").write_text("one\n\ntwo\n")
    spec = with_source(tmp_path, "texts.txt")
    assert run(["validate", str(spec), "--set", f"{field}.path={path}"]) == 3
    said = capsys.readouterr().err
    assert f"--set:1:1: {field}.path: " in said
    assert "is neither a file nor a folder" in said or "File name too long" in said


@pytest.mark.parametrize("path", ["many", "/", "large.txt", "large", "/proc/self/root"])
def test_local_input_that_is_too_large_to_be_read_for_a_plan_is_refused(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "MOST_ENTRIES", 5)
    monkeypatch.setattr(inputs, "MOST_INPUT", 1 << 20)
    monkeypatch.setattr(files, "digest_path", lambda path: pytest.fail(f"{path} was read"))
    for number in range(6):
        (tmp_path / "many" / "below" / f"{number}.txt").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "many" / "below" / f"{number}.txt").write_text("one")
    (tmp_path / "large").mkdir()
    for name in ("large.txt", "large/1.txt"):
        with (tmp_path / name).open("wb") as file:
            file.truncate((1 << 20) + 1)  # takes no room
    assert run(["validate", str(with_source(tmp_path, path))]) == 3
    said = capsys.readouterr().err
    assert f"data.sources.0.path: {tmp_path / path} holds more than " in said
    assert ("1.0 MiB" in said) == path.startswith("large")
    assert "hint: name " in said


def test_much_to_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "MUCH", 1000)
    (tmp_path / "texts.txt").write_text("one\n\n" * 300)
    assert run(["validate", str(with_source(tmp_path, "texts.txt"))]) == 0
    assert "reading 1.5 KiB of local files for their digests" in capsys.readouterr().err


def test_profiles_name_commands_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(TINY.read_text() + 'profiles: {"\\e[31m": {}}\n')
    assert run(["validate", str(spec), "--profile", "\x1b[31m"]) == 0
    assert "(profile ·[31m, " in capsys.readouterr().out


def plugin(folder: Path, code: str, name: str = "strange") -> Path:
    """A plugin folder with a stage of a name, whose module holds some code."""
    home = folder / "plugins" / f"{name}-{len(code)}"
    home.mkdir(parents=True)
    module = f"module_{name}_{abs(hash(code))}"
    (home / "pyproject.toml").write_text(f'[project]\nname = "{name}-pack"\n[project.entry-points."ryot.stages"]\n{name} = "{module}:It"\n')
    (home / f"{module}.py").write_text(code)
    return folder / "plugins"


def using(folder: Path, name: str = "strange") -> Path:
    spec = folder / "spec.yaml"
    spec.write_text(TINY.read_text() + f"stages:\n  - after: data\n    use: {name}\n")
    return spec


@pytest.mark.parametrize("how", BROKEN)
def test_broken_plugin_harms_the_spec_that_uses_it(how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = plugin(tmp_path, BROKEN[how])
    spec = using(tmp_path)
    assert run(["validate", str(spec), "--plugins", str(folder)]) == 3
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert f"error: {spec}:{len(spec.read_text().splitlines())}:5: the plugin strange of strange-pack" in said


def test_broken_plugin_harms_no_other_spec(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = plugin(tmp_path, BROKEN["raises"])
    (folder / "garbage").mkdir()
    (folder / "garbage" / "pyproject.toml").write_text("[[[")
    assert run(["validate", str(TINY), "--plugins", str(folder)]) == 0


def test_plugin_offered_twice_is_named_with_both_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plugin(tmp_path, "x = 1")
    folder = plugin(tmp_path, "x = 12")
    assert run(["validate", str(using(tmp_path)), "--plugins", str(folder)]) == 3
    said = capsys.readouterr().err
    assert "strange is offered by strange-pack" in said
    assert "strange-5" in said
    assert "strange-6" in said


def test_plugin_cannot_take_the_name_of_a_built_in_stage_unnoticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = plugin(tmp_path, "raise RuntimeError", name="train")
    assert run(["validate", str(TINY), "--plugins", str(folder)]) == 3
    assert "train is offered by ryot (installed) and train-pack" in capsys.readouterr().err


HEAD = "version: 1\nname: x\nmodel: {preset: ryot-tiny}\ntrain: {batch_size: 2, steps: 1}\ndata:\n"


@pytest.mark.parametrize(("named", "said"), [
    ("empty", "empty is an empty folder"), ("odd", "odd holds no file that is read, only notes.md, x.csv"),
    ("odd/notes.md", "odd/notes.md is not read"),
])  # fmt: skip
@pytest.mark.parametrize("where", ["source", "against"])
def test_files_that_nothing_can_be_read_of_are_refused_with_their_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], named: str, said: str, where: str
) -> None:
    for folder in ("empty", "odd"):
        (tmp_path / folder).mkdir()
    for name in ("notes.md", "x.csv"):
        (tmp_path / "odd" / name).write_text("a")
    source = f"  sources: [{{path: {named}}}]\n"
    against = f"  sources: [{{generate: {{}}}}]\n  filters: {{contamination: {{against: [{named}]}}}}\n"
    spec = tmp_path / "spec.yaml"
    spec.write_text(HEAD + (source if where == "source" else against))
    assert run(["validate", str(spec)]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert f"{spec}:{6 if where == 'source' else 7}:" in told


def test_tokenizer_with_more_entries_than_the_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tokenizer.json").write_text('{"model": {"vocab": {"a": 0, "b": 700}}, "added_tokens": [{"id": 701}]}')
    spec = tmp_path / "spec.yaml"
    spec.write_text(HEAD + "  sources: [{generate: {}}]\n  tokenizer: {path: tokenizer.json}\n")
    assert run(["validate", str(spec)]) == 2
    assert "has ids up to 701; model.vocab_size is 512" in capsys.readouterr().err


def test_all_missing_files_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(HEAD + "  sources: [{path: no.jsonl}, {path: none.jsonl}]\n")
    assert run(["validate", str(spec)]) == 3
    told = capsys.readouterr().err
    assert "data.sources.0.path: " in told
    assert "data.sources.1.path: " in told


def test_languages_may_be_written_in_capitals(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(HEAD + "  sources: [{generate: {}}]\n  filters: {language: {keep: [EN]}}\n")
    assert resolve(spec, None, (), (), tmp_path).plan.node("filter.language").config["settings"]["keep"] == ["en"]
