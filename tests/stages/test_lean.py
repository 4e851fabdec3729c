"""What a rank does not import, though it is installed."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ryot.stages import collector
from ryot.stages.serve.leash import LOOKS

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize("module", ["ryot.stages.train.rank", "ryot.generator.main"])
def test_rank_starts_without_what_it_never_uses(module: str) -> None:
    said = f"import {module}, sys; print(sorted({{name.partition('.')[0] for name in sys.modules}} & {{'sklearn', 'scipy', 'pandas'}}))"
    lean = "import sys; from ryot.stages.lean import _Unseen; sys.meta_path.insert(0, _Unseen()); "
    done = subprocess.run([sys.executable, "-c", lean + said], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"  # DeepSpeed says something first


LEAN, LEASH = "ryot.stages.lean", "ryot.stages.serve.leash"


def said_by(folder: Path, *program: str, looks: bool = True) -> str:
    """What a program prints that lies in a folder; `looks` says that it asks for a full look for cycles once it is up."""
    environ = dict(os.environ) | {"PYTHONPATH": str(folder)} | ({LOOKS: "1"} if looks else {})
    argv = [sys.executable, "-m", *program]
    return subprocess.run(argv, capture_output=True, text=True, check=True, env=environ).stdout


@pytest.mark.parametrize("program", [(LEAN, "program"), (LEASH, "program"), (LEASH, LEAN, "program")])
@pytest.mark.parametrize("done", ["gc.collect()", "collector.as_usual()"])
def test_cycles_are_looked_for_seldom_until_a_program_is_up(program: tuple[str, ...], done: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import gc\nfrom ryot.stages import collector\ncollector_was, callbacks = gc.get_threshold()[0], len(gc.callbacks)\n"
        f"{done}\nprint(collector_was > 100_000, callbacks, *gc.get_threshold(), len(gc.callbacks), gc.get_freeze_count() > 1000)\n"
    )
    usual = " ".join(map(str, gc.get_threshold()))
    assert said_by(tmp_path, *program).split("\n")[0] == f"True 1 {usual} 0 {'collector' in done}"


def test_what_such_a_program_spawns_looks_for_cycles_seldom_too(tmp_path: Path) -> None:
    (tmp_path / "below.py").write_text("def child():\n  import gc\n  print(gc.get_threshold()[0] > 100_000, flush=True)\n")
    (tmp_path / "program.py").write_text(
        "import below, multiprocessing\nif __name__ == '__main__':\n"
        "  it = multiprocessing.get_context('spawn').Process(target=below.child)\n  it.start()\n  it.join()\n"
    )
    assert said_by(tmp_path, LEASH, "program") == "True\n"


def test_an_engine_that_may_never_be_up_has_them_looked_for_as_usual(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import gc; print(*gc.get_threshold())")
    assert said_by(tmp_path, LEASH, "program", looks=False).split() == [str(number) for number in gc.get_threshold()]


def test_where_nothing_was_changed_nothing_is_put_back() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    collector.as_usual()
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_module_is_run_as_ever() -> None:
    done = subprocess.run([sys.executable, "-m", "ryot.stages.lean", "calendar", "2026", "11"], capture_output=True, text=True, check=True)
    assert "November 2026" in done.stdout
