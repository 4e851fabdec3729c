"""The one catch point: what each kind of end becomes, and which libraries a verb may load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from ryot.cli import main, validate
from ryot.cli.main import run
from ryot.errors import MachineError, NodeError, Place, RyotError, SpecError, SpecErrors

ROOT = Path(__file__).parent.parent.parent
HEAVY = {
    "torch", "deepspeed", "vllm", "transformers", "datasets", "lm_eval", "locust", "tokenizers", "safetensors", "gevent", "pandas",
    "scipy", "numpy",
    "jinja2", "huggingface_hub", "ray",
}  # fmt: skip
LIGHT = {
    "annotated_types",
    "click",
    "psutil",
    "pydantic",
    "pydantic_core",
    "rich",
    "ruamel",
    "typing_extensions",
    "typing_inspection",
    "zstandard",
}


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], int]:
    """Run `ryot validate x` with another body; returns the exit code."""

    def ended(body: Callable[[], Any]) -> int:
        monkeypatch.setattr(validate.command, "callback", lambda **_: body())
        return run(["validate", "x"])

    return ended


def raising(error: BaseException) -> Callable[[], Any]:
    def body() -> None:
        raise error

    return body


@pytest.mark.parametrize(("error", "code"), [
    (SpecError("x"), 2), (SpecErrors([SpecError("x")]), 2), (RyotError("x"), 2), (click.UsageError("x"), 2), (click.BadParameter("x"), 2),
    (MachineError("x"), 3), (NodeError("x"), 4), (KeyboardInterrupt(), 130), (main.Interrupted(signal.SIGTERM), 143), (click.Abort(), 130),
    (ValueError("x"), 70), (KeyError("x"), 70), (RecursionError("x"), 70), (MemoryError(), 70),
])  # fmt: skip
def test_exit_code_of_an_error(end: Callable[[Callable[[], Any]], int], error: BaseException, code: int) -> None:
    assert end(raising(error)) == code


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1), (5, 5)])
def test_exit_code_of_a_result(end: Callable[[Callable[[], Any]], int], result: int | None, code: int) -> None:
    assert end(lambda: result) == code


def test_error_shows_what_where_and_what_to_do(end: Callable[[Callable[[], Any]], int], capsys: pytest.CaptureFixture[str]) -> None:
    end(raising(SpecError("lr is odd", at=Place("f.yaml", 3, 5, "    lr: 7\x1b[31m"), hint="use 1e-3")))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "error: f.yaml:3:5: lr is odd\n        lr: 7·[31m\n        ^\n    hint: use 1e-3\n"


def test_only_a_bug_shows_a_traceback(end: Callable[[Callable[[], Any]], int], capsys: pytest.CaptureFixture[str]) -> None:
    end(raising(NodeError("x")))
    assert "Traceback" not in capsys.readouterr().err
    end(raising(ValueError("odd")))
    said = capsys.readouterr().err
    assert "ValueError: odd" in said
    assert "This is a bug in ryot" in said


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["validate"], ["validate", "a", "b"], ["plan", "x", "--no-such"], ["init", "--preset", "x"]]
)
def test_wrong_usage_is_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("verb", main.VERBS)
def test_every_verb_has_help_with_its_name(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "--help"]) == 0
    assert f"ryot {verb}" in capsys.readouterr().out


def test_help_lists_every_verb_and_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(verb in said for verb in main.VERBS)
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("ryot 0.")


def loaded_by(arguments: list[str], cwd: Path) -> set[str]:
    """The top-level packages outside the standard library that a command loads in a fresh process."""
    code = (
        "import sys; from ryot.cli.main import run; code = run(sys.argv[1:]);"
        "names = {name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names) - {'ryot'};"
        "print(*sorted(name for name in names if not name.startswith('_')), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=cwd, check=True)
    return set(done.stderr.split()) - {"sitecustomize"}


def test_help_loads_nothing_but_click(tmp_path: Path) -> None:
    assert loaded_by(["--help"], tmp_path) == {"click"}


@pytest.mark.parametrize("verb", ["plan", "validate"])
def test_planning_loads_nothing_heavy(verb: str, tmp_path: Path) -> None:
    found = loaded_by([verb, str(ROOT / "specs" / "tiny.yaml")], tmp_path)
    assert found & HEAVY == set()
    assert found <= LIGHT, "a new library is loaded for every plan: is it light?"


def test_help_is_quick(tmp_path: Path) -> None:
    def once() -> float:
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "ryot.cli.main", "--help"], capture_output=True, cwd=tmp_path, check=True)
        return time.monotonic() - began

    assert min(once() for _ in range(5)) < 0.5  # 0.15 s on an idle machine; tests share theirs


def test_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "ryot.cli.main", "schema"]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    said = child.stderr.read()
    assert (child.wait(), said) == (0, b"")
    child.stderr.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signal_ends_a_verb_with_its_code(tmp_path: Path, number: signal.Signals, code: int) -> None:
    fifo = tmp_path / "spec.yaml"
    os.mkfifo(fifo)
    child = subprocess.Popen([sys.executable, "-m", "ryot.cli.main", "validate", str(fifo)], stderr=subprocess.PIPE, text=True)
    with fifo.open("w"):  # returns when the child has opened the other end, so it is past its start
        child.send_signal(number)
        assert child.wait(10) == code
    assert child.stderr is not None
    assert child.stderr.read() == "interrupted\n"
    child.stderr.close()


@pytest.mark.parametrize("words", [
    "weakref.ref(it, lambda _: stop())",
    "weakref.finalize(it, stop)",
    "setattr(Thing, '__del__', lambda _: stop())",
], ids=["callback", "finalizer", "destructor"])  # fmt: skip
def test_signal_where_nothing_can_be_raised_is_not_lost(words: str) -> None:
    """An import has such a callback for each module: an apply that was told to end just then went on."""
    program = f"""
import os, signal, sys, time, weakref
from ryot.cli import main
class Thing: pass
def stop():
    os.kill(os.getpid(), signal.SIGTERM)
    sum(range(10))  # where the handler is run
def run(_):
    it = Thing()
    kept = {words}
    del it
    time.sleep(20)
    return 0
def told(arguments):
    try:
        return run(arguments)
    except main.Interrupted as error:
        return 128 + error.number
main.run = told
main.main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (143, "")
