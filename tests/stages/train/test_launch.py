"""The watch over ranks, with small programs in the place of training."""

import time
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import context_in
from ryot.stages.train import launch as module
from ryot.stages.train.launch import Ranks, launch
from ryot.stages.train.stage import TrainStage

pytestmark = pytest.mark.e2e

HEAD = """
import json, os, signal, sys, time
from pathlib import Path
from ryot.plugins import NodeError
from ryot.stages.train.child import begin
job = json.loads(Path(sys.argv[1]).read_text())
progress = begin(job)
rank = int(os.environ["RANK"])
print("about to begin", flush=True)
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it with the rest of a program to run it in two ranks; returns the progress lines."""

    def run(program: str) -> list[dict[str, Any]]:
        (tmp_path / "program_of_ranks.py").write_text(HEAD + program)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        lines: list[dict[str, Any]] = []
        launch(Ranks("program_of_ranks", 2, {}), context_in(tmp_path / "node", TrainStage(), []), lines.append)
        return lines

    return run


def test_progress_of_rank_0_arrives_whole_and_in_order(run: Any) -> None:
    lines = run("for number in range(500): progress.send({'done': number})")
    assert [line["done"] for line in lines] == list(range(500))


def test_an_error_of_ryot_is_repeated_word_for_word(run: Any) -> None:
    with pytest.raises(NodeError, match="the sky fell") as caught:
        run("if rank == 1: raise NodeError('the sky fell', hint='look up')\ntime.sleep(60)")
    assert caught.value.hint == "look up"


def test_a_python_error_comes_with_the_last_lines_of_its_rank(run: Any) -> None:
    begun = time.monotonic()
    with pytest.raises(NodeError, match="rank 1 failed: ZeroDivisionError") as caught:
        run("if rank == 1: 1 / 0\ntime.sleep(300)")
    assert "about to begin" in (caught.value.hint or "")
    assert time.monotonic() - begun < 60


def test_a_stopped_rank_is_noticed_and_named(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE_S", 10)  # a busy machine may hold a healthy rank up for some seconds
    with pytest.raises(NodeError, match="rank 1 has shown no sign of life"):
        run("if rank == 1: os.kill(os.getpid(), signal.SIGSTOP)\ntime.sleep(300)")
