"""The watch over ranks, with small programs in the place of training."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import context_in, run_stage
from ryot.stages.train import diagnosis, watch
from ryot.stages.train import launch as module
from ryot.stages.train.diagnosis import OutOfMemory
from ryot.stages.train.launch import Ranks, launch
from ryot.stages.train.shortage import kills
from ryot.stages.train.stage import KernelChoice, Recipe, TrainConfig, TrainStage
from ryot.stages.train.torchrun import compiled_folder
from tests.stages.train.conftest import SHAPES

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
    monkeypatch.setattr(watch, "SILENCE_S", 10)  # a busy machine may hold a healthy rank up for some seconds
    with pytest.raises(NodeError, match="rank 1 has shown no sign of life"):
        run("if rank == 1: os.kill(os.getpid(), signal.SIGSTOP)\ntime.sleep(300)")


def test_a_rank_that_ends_without_an_error_is_named_at_once(run: Any, tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="rank 1 ended with exit code 1 and no error") as caught:
        run(f"if rank == 1:\n    Path({str(tmp_path / 'ended')!r}).touch()\n    sys.exit(1)\ntime.sleep(300)")
    print(f"{time.time() - (tmp_path / 'ended').stat().st_mtime:.2f} s after its end")
    assert time.time() - (tmp_path / "ended").stat().st_mtime < 60  # the other rank would sleep on; on a free machine it is one second
    assert "about to begin" in (caught.value.hint or "")


STUCK = """
from ryot.stages.train.world import join

def spin():
    while True:
        time.sleep(0.01)

world = join(Path(job["meeting"]), "cpu")
for update in range(1, 9):
    progress.at(f"update {update} of 8", 4.0)
    if update == 6 and rank in FAULTY:
        spin()
    world.meet()
"""


def test_a_rank_that_is_stuck_is_told_from_the_one_that_waits_for_it_and_where_it_is(run: Any) -> None:
    with pytest.raises(NodeError, match=r"no move for \d+ s") as caught:
        run(STUCK.replace("FAULTY", "(1,)"))
    assert "rank 1 is stuck at update 6 of 8 (program_of_ranks.py:" in caught.value.message
    assert "in spin)" in caught.value.message
    assert "rank 0 waits for other ranks at update 6 of 8" in caught.value.message
    assert "the stack of rank 1" in (caught.value.hint or "")
    assert "program_of_ranks.py" in (caught.value.hint or "")


def test_ranks_that_wait_for_each_other_for_ever_are_told(run: Any) -> None:
    """A collective that never ends: one rank has gone to another one than the rest."""
    other = "torch.distributed.recv(torch.zeros(1), src=0)"
    with pytest.raises(NodeError, match=r"no move for \d+ s") as caught:
        run("import torch\n" + STUCK.replace("FAULTY", "(1,)").replace("        spin()", f"        {other}"))
    assert "rank 1 waits for other ranks at update 6 of 8" in caught.value.message
    assert "rank 0 waits for other ranks at update 6 of 8" in caught.value.message


def test_slow_updates_are_given_time_by_what_is_usual(run: Any) -> None:
    """Twice the floor, and a twentieth of what 20 usual times are."""
    run("for update in range(6):\n    progress.at(f'update {update}', 3.0)\n    time.sleep(6 if update == 5 else 1.5)\n")


def test_a_rank_that_runs_out_of_memory_is_told_with_advice_and_the_place(run: Any) -> None:
    program = "import torch\nprogress.at('update 3 of 8')\nif rank == 1: torch.empty(1 << 60, dtype=torch.uint8)\ntime.sleep(300)"
    with pytest.raises(OutOfMemory, match=r"rank 1 ran out of memory at update 3 of 8: RuntimeError: .*can't allocate memory") as caught:
        run(program)
    assert "train.recompute" in (caught.value.hint or "")
    assert caught.value.update


def test_a_kill_by_the_kernel_for_want_of_memory_is_told_from_any_other(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's count, kept by the program in its stead, rises before the rank dies."""
    count = tmp_path / "proc" / "vmstat"
    count.parent.mkdir()
    count.write_text("oom_kill 4\n")
    monkeypatch.setattr(module, "kills", lambda: kills(tmp_path / "proc", tmp_path / "none"))
    monkeypatch.setattr(diagnosis, "kills", lambda: kills(tmp_path / "proc", tmp_path / "none"))
    end = "if rank == 1: os.kill(os.getpid(), signal.SIGKILL)\ntime.sleep(300)"
    with pytest.raises(NodeError, match="rank 1 was killed by signal 9 at update 2") as caught:
        run(f"progress.at('update 2 of 8')\n{end}")
    assert not isinstance(caught.value, OutOfMemory)
    with pytest.raises(OutOfMemory, match="rank 1 was killed by the kernel at update 2 of 8"):
        run(f"progress.at('update 2 of 8')\nif rank == 1: Path({str(count)!r}).write_text('oom_kill 5\\n')\n{end}")


def test_compiled_code_is_kept_for_all_runs_where_the_user_has_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert compiled_folder(tmp_path / "scratch") == tmp_path / "cache" / "ryot" / "compiled"
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert compiled_folder(tmp_path / "scratch") == tmp_path / "scratch" / "compiled"


def test_what_one_run_compiled_the_next_one_finds(
    tmp_path: Path, make_tokens: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)  # torch sets it in the process of an earlier test
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tokens = make_tokens()
    settings = TrainConfig(model=SHAPES["gpt"], recipe=Recipe(batch_size=4, steps=3, lr=1e-3), kernel=KernelChoice(level=2, bf16=False))
    kept = []
    for name in ("one", "two"):
        run_stage(TrainStage(), settings, tmp_path / name, inputs={"tokens": tokens})
        kept.append(sorted(path.name for path in (tmp_path / "cache").rglob("*.so")))
    assert kept[0]
    assert kept[0] == kept[1]
