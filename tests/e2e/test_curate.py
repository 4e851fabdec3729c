"""specs/curate.yaml at small size: through every filter to tokens and a model; a changed filter; kills."""

import json
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from ryot.plugins import Documents
from ryot.store.store import Store
from tests.e2e import kill

pytestmark = pytest.mark.e2e
SPEC = kill.TINY.parent / "curate.yaml"
WHAT = [str(SPEC), "--set", "data.sources=[{generate: {examples: 1500}}]", "--set", "train.steps=4", "--set", "train.warmup_steps=1",
        "--set", "targets=[filter.contamination/kept > 100]"]  # fmt: skip
FILTERS = ["normalise", "length", "language", "quality", "score", "profanity", "personal", "near_duplicates", "contamination"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("curate")


@pytest.fixture(scope="module")
def seconds(folder: Path) -> float:
    """The undisturbed run; its store is `reference`."""
    return kill.undisturbed(WHAT, folder / "reference")


def test_what_one_filter_leaves_the_next_reads(folder: Path, seconds: float) -> None:
    store = Store(folder / "reference")
    (last,) = (record for record in store.records() if record.node == "filter.contamination")
    documents = Documents(store.folder("filter", last.key) / "out")
    steps = documents.facts["filters"]
    assert isinstance(steps, list)
    assert [step["name"] for step in steps] == FILTERS
    assert steps[0]["read"] == 1500
    assert all(after["read"] == before["kept"] for before, after in pairwise(steps))
    assert steps[-1]["kept"] == documents.count() > 100


def test_a_changed_filter_reruns_itself_and_what_follows(folder: Path, seconds: float) -> None:
    argv = ["plan", *WHAT, "--store", str(folder / "reference"), "--set", "data.filters.score.drop_lowest=20%", "--json"]
    done = subprocess.run([sys.executable, "-m", "ryot.cli.main", *argv], capture_output=True, text=True, check=False)
    states = {node["name"]: node["state"] for node in json.loads(done.stdout)["nodes"]}
    cached = [name for name, state in states.items() if state == "cached"]
    assert cached == ["data", "filter.normalise", "filter.length", "filter.language", "filter.quality"]
    assert states["filter.score"] == "runs"


def test_kill_at_a_random_moment_gives_the_same_shards(folder: Path, seconds: float) -> None:
    """One of many: `kill.py --spec specs/curate.yaml` makes as many as one likes, and the data stage's own tests ten."""
    print(kill.disturbed(WHAT, folder / "store", seconds, random.Random()))
