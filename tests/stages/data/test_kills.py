"""Kill -9 at any moment: what a later run leaves is, byte for byte, what an uninterrupted one leaves."""

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ryot.plugins import digest_path
from ryot.plugins.testing import run_stage
from ryot.stages.data.stage import Config, DataStage, FileSource, GeneratorSource

RUN = """
import sys
from pathlib import Path
from ryot.plugins.testing import run_stage
from ryot.stages.data.stage import Config, DataStage
run_stage(DataStage(), Config.model_validate_json(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
"""


def config_in(folder: Path, units: int) -> Config:
    """Two files of which every sixth line is a copy, in so many units, and generated documents."""
    lines = units * 100
    folder.mkdir()
    for name, seed in (("a.jsonl", 1), ("b.jsonl", 2)):
        draw = random.Random(seed)
        texts = [f"document {draw.randrange(lines * 4)} " + "word " * draw.randrange(40) for _ in range(lines)]
        (folder / name).write_text("".join(json.dumps({"text": text}) + "\n" for text in [*texts, *texts[: lines // 5]]))
    source = FileSource(digest=digest_path(folder), written="in", path=str(folder))
    size = sum(path.stat().st_size for path in folder.iterdir()) // units
    return Config(sources=(source, GeneratorSource(examples=50)), test=0.1, workers=2, shard_bytes=size)


def started(config: Config, folder: Path) -> subprocess.Popen[bytes]:
    """The stage in a process of its own, its result folder emptied as the engine does it."""
    folder.mkdir(exist_ok=True)
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "config.json").write_text(config.model_dump_json())
    argv = [sys.executable, "-c", RUN, str(folder / "config.json"), str(folder)]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})


def kill(process: subprocess.Popen[bytes]) -> None:
    """End it and its workers at once."""
    with contextlib.suppress(psutil.NoSuchProcess):  # it ended by itself just now
        for victim in psutil.Process(process.pid).children(recursive=True):
            victim.kill()
    process.kill()
    process.wait()


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


def check(tmp_path: Path, kills: int, units: int, seed: int) -> None:
    """Kill a run `kills` times, each time when a random number of files more than before are done, then let it end.

    A kill that comes too late, for little was left to do, does not count, and the run begins anew.
    """
    config, draw = config_in(tmp_path / "in", units), random.Random(seed)
    run_stage(DataStage(), config.model_copy(update={"workers": 1}), tmp_path / "whole")
    files = len(list((tmp_path / "whole" / "scratch").rglob("*")))
    torn, met = tmp_path / "torn", 0
    for _ in range(5 * kills):
        if met == kills:
            break
        process = started(config, torn)
        before = len(list((torn / "scratch").rglob("*")))
        wanted = before + draw.randrange(2, max(2 * (files - before) // 3, 3))
        while process.poll() is None and len(list((torn / "scratch").rglob("*"))) < wanted:
            time.sleep(0.001)
        if process.poll() is None:
            met += 1
        else:
            shutil.rmtree(torn / "scratch", ignore_errors=True)
        kill(process)
    assert met == kills
    process = started(config, torn)
    assert process.wait() == 0
    assert content(torn) == content(tmp_path / "whole")


def test_two_kills_change_no_byte(tmp_path: Path) -> None:
    check(tmp_path, kills=2, units=12, seed=1)


@pytest.mark.heavy
@pytest.mark.parametrize("seed", [2, 3])
def test_ten_kills_change_no_byte(tmp_path: Path, seed: int) -> None:
    check(tmp_path, kills=10, units=60, seed=seed)
