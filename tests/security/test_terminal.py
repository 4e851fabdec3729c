"""What stages, data and models say cannot command a terminal: titles, clipboard, colours, cursor, direction of text."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from ryot.cli.main import run
from tests.security.conftest import TINY, apply_odd

pytestmark = pytest.mark.heavy
COMMANDS = ("\x1b]", "\x1b[2J", "\x9b", "\x07", "\u202e", "owned\r")
"""What the stage says. rich's own sequences (colours, a bar drawn anew) are none of these."""


def on_a_terminal(argv: list[str]) -> tuple[int, str]:
    """A command's exit code and all that a terminal would get from it."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "200", "LINES": "50"}
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        found = bytearray()
        with suppress(OSError):  # its end, on Linux
            while part := os.read(ours, 1 << 16):
                found += part
        os.close(ours)
    return process.returncode, found.decode(errors="replace")


def test_a_stage_cannot_command_the_terminal_by_anything_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "store"
    code, shown = on_a_terminal(apply_odd("commands the terminal", store))
    assert code == 4
    assert [word for word in ("warning", "failure", "hint", "printed") if word not in shown] == []
    assert [command for command in COMMANDS if command in shown] == []
    log = next(store.rglob("odd/*/log.txt"))
    assert all(command in log.read_text() for command in ("\x1b]0;owned\x07", "\x1b[2J", "\x9b"))  # the file has them, as they were
    for verb in (["logs", "odd"], ["status"], ["status", "--json"], ["report", "--format", "markdown"], ["report", "--format", "html"],
                 ["report", "--format", "junit"], ["report", "--json"], ["check"]):  # fmt: skip
        capsys.readouterr()
        run([*verb, "--store", str(store)])
        said = capsys.readouterr()
        assert said.out
        assert [command for command in COMMANDS if command in said.out + said.err] == [], verb
        if "--json" in verb:
            assert json.loads(said.out)


EVIL = r'"\e]0;owned\a\e[2J\x9b31m\u202e and more words"'
"""As YAML writes it."""
PLACES = (
    "data.sources.0.licence={}", "allow={{memory: {}}}", "allow={{budget: {}}}",
    "targets=[{{measure: data/wrong_answers, at_most: 0, waiver: {{owner: {}, reason: {}, expires: '2099-01-01'}}}}]",
    "targets=[{{measure: {}, at_most: 0}}]", "model.preset={}", "evaluate.tasks=[{}]", "stages=[{{use: odd, after: {}}}]",
    "stages=[{{use: odd, after: data, with: {{how: {}}}}}]", "data.sources=[{{path: {}}}]", "hardware.python={{data: {}}}",
    "hardware.device={}", "claims={{{}: 1}}", "{}=1",
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_no_text_of_a_spec_commands_the_terminal(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toys = str(Path(TINY).parents[1] / "tests" / "plugins" / "toy")
    written = place.format(*[EVIL] * place.count("{}"))
    shown = ""
    for verb in (["validate"], ["plan"], ["plan", "--json"], ["check"], ["check", "--json"], ["apply", "--until", "nothing"]):
        stored = [] if verb[0] == "validate" else ["--store", str(tmp_path / "store")]
        run([verb[0], TINY, *verb[1:], "--plugins", toys, "--set", written, *stored])
        said = capsys.readouterr()
        shown += said.out + said.err
    assert shown
    assert [command for command in COMMANDS if command in shown] == []
