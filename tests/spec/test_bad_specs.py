"""Every file in tests/bad_specs is refused with exit 2, at the line its first comment names, in words its first comment quotes."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ryot.cli.main import run
from tests.spec.yardstick import yardstick_s

HERE = Path(__file__).parent.parent
FOLDER = HERE / "bad_specs"
FILES = sorted(FOLDER.glob("*.yaml"))
_HEAD = re.compile(r"# (line|--set|only) (\d+): (.*)")


def expected(path: Path) -> tuple[str, list[str], list[str]]:
    """Where the error must be said to be, the words it must use, and the arguments to use: from the file's first lines."""
    first, second, *_ = [*path.read_text().split("\n", 2), ""]
    where, line, words = _HEAD.fullmatch(first).groups()  # type: ignore[union-attr]
    place = f"--set:{line}:" if where == "--set" else f"{path}:{line}:"
    arguments = shlex.split(second.removeprefix("# run with ")) if second.startswith("# run with ") else []
    return place, words.split(" | "), arguments


def refused(path: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What `ryot validate` says on stderr while it refuses a spec, which it must in a few times what a sound one of 3,000 keys takes."""
    began = time.process_time()
    code = run(["validate", str(path), "--plugins", str(HERE / "plugins" / "toy"), *arguments])
    said = capsys.readouterr()
    assert time.process_time() - began < 10 * yardstick_s()
    assert (code, said.out) == (2, ""), said
    assert "Traceback" not in said.err
    return said.err


def test_there_are_more_than_60() -> None:
    assert len(FILES) > 60


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_bad_spec_is_refused_at_its_line(
    path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place, words, arguments = expected(path)
    said = refused(path, capsys, *arguments)
    at_place = [line for line in said.splitlines() if re.match(r"(error: )?" + re.escape(place) + r"\d+: ", line)]
    assert at_place, said
    for word in words:
        assert word in said
    assert list(tmp_path.glob("*.yaml")) == []


GENERATED: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 1, "the spec is empty"),
    "only_blanks": (b" \n\n  \n", 1, "the spec is empty"),
    "byte_order_mark_only": (b"\xef\xbb\xbf", 1, "the spec is empty"),
    "latin_1": ("version: 1\nname: bad\n# f\xfcr alle\n".encode("latin-1"), 3, "byte 0xfc is not UTF-8"),
    "utf_16": ("version: 1\n".encode("utf-16"), 1, "is not UTF-8"),
    "zero_byte": (b"version: 1\nname: b\0d\n", 2, "not YAML"),
    "escape_character": (b"version: 1\nname: \x1b[31mred\n", 2, "not YAML"),
    "over_64_kib": (b"version: 1\n" + b"# padding\n" * 7_000, 1, "larger than 64 KiB"),
    "deep_in_100000_brackets": (b"version: 1\nmodel: " + b"[" * 60_000, 2, "nested deeper"),
    "many_keys": (b"version: 1\nname: bad\n" + b"".join(b"k%d: 1\n" % number for number in range(900)), 3, "unknown key `k0`"),
    "keys_without_end": (b"version: 1\nname: {" + b", ".join(b"k%d: 0" % n for n in range(1_001)) + b"}\n", 2, "more than 1,000 keys"),
    "values_without_end": (b"version: 1\nname: [" + b"1, " * 20_000 + b"1]\n", 2, "more than 4,200 values"),
    "many_profiles_of_much": (
        b"version: 1\nname: [" + b"1, " * 1000 + b"1]\nprofiles:\n" + b"".join(b"  p%d: {}\n" % number for number in range(16)),
        3,
        "16 profiles of a spec with 1,021 values are too many",
    ),
    "errors_in_one_line": (b"version: 1\nname: bad\ntargets: [" + b"data/x = 1, " * 1400 + b"]\n", 3, "targets.0: write a target as"),
    "directive_of_yaml_1_1": (b"%YAML 1.1\n---\nversion: 1\nname: bad\nserve: {eager: yes}\n", 5, "serve.eager: "),
}


@pytest.mark.parametrize("name", GENERATED)
def test_bytes_that_no_editor_writes_are_refused(name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data, line, words = GENERATED[name]
    path = tmp_path / "spec.yaml"
    path.write_bytes(data)
    said = refused(path, capsys)
    assert re.search(re.escape(f"{path}:{line}:") + r"\d+: .*" + re.escape(words), said), said
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", said), "control characters of the spec reach the terminal"
    assert len(said) < 100_000, "a spec of one long line fills the terminal"


def test_missing_file_and_folder_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "cannot read the spec: No such file" in refused(tmp_path / "none.yaml", capsys)
    assert "cannot read the spec: Is a directory" in refused(tmp_path, capsys)


def test_all_errors_are_told_at_once_in_order(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    text = (FOLDER / "ranks_true.yaml").read_text().replace("epochs: 1", "epocs: 1").replace("serve: {}", "serve: {kv_cache: 5}")
    path.write_text(text.replace("ryot-tiny", "ryot-tiniest"))
    said = refused(path, capsys)
    lines = [int(found) for found in re.findall(r"spec\.yaml:(\d+):", said)]
    assert len(lines) >= 4
    assert lines == sorted(lines)
    assert f"{len(lines)} errors in the spec" in said


def test_the_line_itself_and_a_caret_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(FOLDER / "unknown_key_in_section.yaml", capsys).splitlines()
    assert said[1] == "      epocs: 2"
    assert said[2].index("^") == said[1].index("epocs")


@pytest.mark.parametrize("name", ["ranks_true", "alias_bomb", "nested_deep_flow", "target_on_unknown_measure", "stage_not_installed"])
def test_a_real_process_refuses_it_too(name: str, tmp_path: Path) -> None:
    path = FOLDER / f"{name}.yaml"
    argv = [sys.executable, "-m", "ryot.cli.main", "validate", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert expected(path)[0] in done.stderr
    assert "Traceback" not in done.stderr
