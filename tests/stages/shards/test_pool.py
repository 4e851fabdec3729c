"""Work over shards: the same result for any number of workers, only unfinished items run again, failures name their shard."""

import errno
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError, Stage, StageConfig
from ryot.plugins.testing import context_in
from ryot.stages.shards.pool import Place, over_shards
from ryot.stages.shards.work import Item, Work

HERE = "tests.stages.shards.test_pool"


def shout(settings: Mapping[str, Any], item: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    (folder / f"{item['word']}.txt").write_text(item["word"].upper() + settings["end"])
    with (folder / "calls").open("a") as file:
        file.write(item["word"] + "\n")
    return {"length": len(item["word"]), "pid": os.getpid()}


def refuse(settings: Mapping[str, Any], item: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    raise NodeError(f"{item['word']} is no word", hint="give another")


def die(settings: Mapping[str, Any], item: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def crash(settings: Mapping[str, Any], item: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    return {"value": item["word"] / 2}


def fill(settings: Mapping[str, Any], item: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    raise OSError(errno.ENOSPC, "No space left on device", None)


class Toy(Stage):
    name = "toy"
    Config = StageConfig


def items(*words: str) -> list[Item]:
    return [Item(word, 1000, {"word": word}) for word in words]


def do(folder: Path, function: str, words: tuple[str, ...], workers: int) -> list[dict[str, Any]]:
    context = context_in(folder, Toy(), [])
    work = Work(f"{HERE}:{function}", {"end": "!"}, context.scratch / "work")
    return over_shards(work, items(*words), context, Place(workers))


@pytest.mark.parametrize("workers", [1, 2, 3, 9])
def test_any_number_of_workers_gives_the_same(tmp_path: Path, workers: int) -> None:
    words = ("ab", "c", "def", "ghij")
    assert [found["length"] for found in do(tmp_path, "shout", words, workers)] == [2, 1, 3, 4]
    assert (tmp_path / "scratch" / "work" / "def.txt").read_text() == "DEF!"


def test_workers_are_processes_of_their_own(tmp_path: Path) -> None:
    pids = {found["pid"] for found in do(tmp_path, "shout", ("ab", "c"), 2)}
    assert os.getpid() not in pids


def test_only_what_is_not_done_runs_again(tmp_path: Path) -> None:
    do(tmp_path, "shout", ("ab", "c"), 1)
    do(tmp_path, "shout", ("ab", "c", "def"), 2)
    assert sorted((tmp_path / "scratch" / "work" / "calls").read_text().split()) == ["ab", "c", "def"]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_shard_is_told_with_its_hint(tmp_path: Path, workers: int) -> None:
    with pytest.raises(NodeError, match="is no word") as caught:
        do(tmp_path, "refuse", ("ab", "c"), workers)
    assert caught.value.hint == "give another"


def test_a_worker_that_is_killed_names_its_shard(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"worker of shard (ab|c) was killed by signal 9"):
        do(tmp_path, "die", ("ab", "c"), 2)


def test_a_worker_that_crashes_leaves_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"worker of shard (ab|c) ended with exit code 1"):
        do(tmp_path, "crash", ("ab", "c"), 2)
    assert "TypeError" in (tmp_path / "log.txt").read_text()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_is_told_as_it_is(tmp_path: Path, workers: int) -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        do(tmp_path, "fill", ("ab", "c"), workers)
    assert caught.value.errno == errno.ENOSPC


def test_progress_counts_megabytes(tmp_path: Path) -> None:
    events: list[dict[str, object]] = []
    context = context_in(tmp_path, Toy(), events)
    over_shards(Work(f"{HERE}:shout", {"end": ""}, context.scratch), items("ab", "c"), context, Place(1))
    assert [(event["done"], event["total"], event["unit"]) for event in events] == [(0.001, 0.002, "MB"), (0.002, 0.002, "MB")]
    assert json.dumps(events)
