"""Thousands of mutated specs: each is sound or refused in ryot's own words, with a place and a mend, and none commands a terminal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ryot.cli.main import run
from ryot.cli.request import resolve
from ryot.errors import Place, RyotError, SpecErrors, printable_lines
from ryot.spec.yaml_tree import MAX_BYTES, MAX_NODES, Located, _Builder, parse
from tests.spec.mutate import ROOT, Case, case, sources

TOYS = ROOT / "tests" / "plugins" / "toy"
COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
MEND = re.compile(r"\b(write|use|leave|needs|should|must)\b")
FAST, ALL, PARTS = 200, 5000, 4


@dataclass(slots=True)
class Work:
    """What the reader was given and made of it, in one case: what its time is in proportion to, on any machine."""

    characters: int = 0
    values: int = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Counts what the reader does."""
    done, begin, node = Work(), _Builder.__init__, _Builder._node

    def begun(self: _Builder, text: str, name: str) -> None:
        done.characters += len(text)
        begin(self, text, name)

    def read(self: _Builder, event: Any, depth: int, key: Place | None) -> Located:
        done.values += 1
        return node(self, event, depth, key)

    monkeypatch.setattr(_Builder, "__init__", begun)
    monkeypatch.setattr(_Builder, "_node", read)
    return done


def refusal(made: Case, path: Path) -> RyotError | None:
    """The error that `ryot validate` would tell, if any; whatever else is raised is a bug."""
    path.write_bytes(made.data)
    pairs = list(zip(made.options[::2], made.options[1::2], strict=True))
    profiles = [value for name, value in pairs if name == "--profile"]
    try:
        resolve(path, profiles[-1] if profiles else None, tuple(value for name, value in pairs if name == "--set"), (TOYS,), path.parent)
    except RyotError as error:
        return error
    return None


def refuse_or_accept(seed: int, path: Path, capsys: pytest.CaptureFixture[str], work: Work, verbs: tuple[str, ...]) -> bool:
    """Whether the case of a seed is sound; fails where it is refused otherwise than it should be, or where a verb does not take it, or
    where more was read than a spec and as much of --set may have."""
    made = case(seed)
    work.characters = work.values = 0
    error = refusal(made, path)
    assert work.characters <= 2 * MAX_BYTES, made.made
    assert work.values <= 2 * (MAX_NODES + 1), made.made
    if error is None:
        codes = [run([verb, str(path), "--plugins", str(TOYS), *made.options]) for verb in verbs]
        said = "".join(capsys.readouterr())
        assert set(codes) <= {0, 3}, (made.made, said)
        assert not COMMANDS.search(said), made.made
        return True
    assert error.exit_code in (2, 3), made.made
    for one in error.errors if isinstance(error, SpecErrors) else (error,):
        assert one.at is not None, (made.made, one.message)
        assert one.message.strip(), made.made
        assert (one.hint or "").strip() or MEND.search(one.message), (made.made, one.message)
    said = printable_lines(str(error))
    assert not COMMANDS.search(said), made.made
    assert len(said) < 100_000, made.made
    return False


def test_some_hundred_mutated_specs_are_sound_or_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str], work: Work) -> None:
    sound = sum(refuse_or_accept(seed, tmp_path / "spec.yaml", capsys, work, ("validate", "plan")) for seed in range(FAST))
    assert 3 < sound < FAST / 2  # neither is nothing refused, nor is everything


@pytest.mark.heavy
@pytest.mark.parametrize("part", range(PARTS))
def test_thousands_of_mutated_specs_are_sound_or_refused_in_words(
    part: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], work: Work
) -> None:
    for seed in range(FAST + part, ALL, PARTS):
        refuse_or_accept(seed, tmp_path / "spec.yaml", capsys, work, ("validate",))


@pytest.mark.parametrize(("written", "words"), [
    (["name=" + "x " * MAX_BYTES], "--set: more than 64 Ki characters in all"),
    ([f"x{number}=[{'1,' * 900}]" for number in range(9)], "--set: more than 4,200 values in all"),
])  # fmt: skip
def test_overrides_are_bounded_as_a_spec_is(written: list[str], words: str, tmp_path: Path, work: Work) -> None:
    options = tuple(option for text in written for option in ("--set", text))
    error = refusal(Case("", sources()[0][1], options), tmp_path / "spec.yaml")
    assert error is not None
    assert error.message == words
    assert error.hint
    assert work.characters <= 2 * MAX_BYTES
    assert work.values <= 2 * (MAX_NODES + 1)


@pytest.mark.parametrize("spec", [*(ROOT / "specs").glob("*.yaml"), *(ROOT / "examples").rglob("*.yaml")], ids=lambda path: path.stem)
def test_shipped_specs_are_far_from_the_bounds(spec: Path) -> None:
    assert spec.stat().st_size < MAX_BYTES / 8
    assert parse(spec.read_text(), spec.name).size < MAX_NODES / 8


def test_a_case_is_the_same_for_its_seed() -> None:
    assert case(7) == case(7)
    assert len({case(seed).data for seed in range(100)}) > 90
