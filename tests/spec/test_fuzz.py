"""Thousands of mutated specs: each is sound or refused in ryot's own words, with a place and a mend, and none commands a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ryot.cli.main import run
from ryot.cli.request import resolve
from ryot.errors import RyotError, SpecErrors, printable_lines
from tests.spec.mutate import ROOT, Case, case

TOYS = ROOT / "tests" / "plugins" / "toy"
COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
MEND = re.compile(r"\b(write|use|leave|needs|should|must)\b")
FAST, ALL, PARTS = 200, 5000, 4


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


def refuse_or_accept(seed: int, path: Path, capsys: pytest.CaptureFixture[str], verbs: tuple[str, ...]) -> bool:
    """Whether the case of a seed is sound; fails where it is refused otherwise than it should be, or where a verb does not take it."""
    made = case(seed)
    error = refusal(made, path)
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


def test_some_hundred_mutated_specs_are_sound_or_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound = sum(refuse_or_accept(seed, tmp_path / "spec.yaml", capsys, ("validate", "plan")) for seed in range(FAST))
    assert 3 < sound < FAST / 2  # neither is nothing refused, nor is everything


@pytest.mark.heavy
@pytest.mark.parametrize("part", range(PARTS))
def test_thousands_of_mutated_specs_are_sound_or_refused_in_words(part: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(FAST + part, ALL, PARTS):
        refuse_or_accept(seed, tmp_path / "spec.yaml", capsys, ("validate",))


def test_a_case_is_the_same_for_its_seed() -> None:
    assert case(7) == case(7)
    assert len({case(seed).data for seed in range(100)}) > 90
