"""Several processes of Locust that share a load: all of it is made once, at one time, and one that is lost is no result."""

import json
import threading
import time

import psutil
import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import run_stage
from ryot.stages.bench import audit
from ryot.stages.bench.arrivals import offsets_s
from ryot.stages.bench.stage import Arrivals, BenchConfig, BenchStage, measures_of
from tests.stages.bench.fakes import requests_of, running

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


@pytest.fixture(autouse=True)
def busy_machine(monkeypatch):
    """Bounds on the generator's own lateness are tested in test_audit."""
    monkeypatch.setattr(audit, "LEAST_DELAY_S", {50: 0.5, 99: 2.0})
    monkeypatch.setattr(audit, "LEAST_SPAN_OFF_S", 0.5)
    monkeypatch.setattr(audit, "LEAST_LAG_S", 1.0)


def load(folder, endpoint, **fields):
    config = BenchConfig(**({"scenario": "s", "vocab_size": 512, "warmup": 5, "generators": 2} | fields))
    return run_stage(BenchStage(), config, folder / "node", services={"serve": endpoint}, measures=measures_of(config))


def rows(found):
    return sorted(requests_of(found.out), key=lambda row: row["number"])


@pytest.mark.parametrize("loop", [{"arrivals": Arrivals(rate=60)}, {"users": 4}], ids=["open", "closed"])
def test_two_processes_make_one_load(tmp_path, loop):
    with running("timed_openai.py", {"all": 1}, tmp_path, "--ms", "20") as endpoint:
        found = load(tmp_path, endpoint, requests=101, **loop)
    kept = rows(found)
    assert [row["number"] for row in kept] == list(range(101))
    assert (found.value("errors"), len(found.evidence["latency_p99"].samples)) == (0, 101)
    (tried,) = json.loads((found.out / "generator.json").read_text())["tries"]
    assert [process["requests"] for process in tried["processes"]] == [51, 50]
    assert (tried["locust"], tried["served"], tried["sent"]) == (101, 106, 106)
    if "arrivals" in loop:
        expected = offsets_s(101, 60, "poisson", "0 s arrivals")
        assert [row["intended_s"] for row in kept] == pytest.approx(expected, abs=1e-6)
    else:
        busy = [sum(other["sent_s"] <= row["sent_s"] < other["end_s"] for other in kept) for row in kept]
        assert max(busy) == 4


def words(process):
    """Its command line; none where it has ended meanwhile, as children of other tests do."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def test_a_process_that_is_killed_ends_the_load_without_a_number(tmp_path):
    killed = []

    def kill():
        parts = [tmp_path / "node" / "scratch" / f"samples-{number}.jsonl" for number in (0, 1)]
        while not all(part.exists() and part.stat().st_size for part in parts):
            time.sleep(0.01)
        workers = [child for child in psutil.Process().children(recursive=True) if "--worker" in words(child)]
        killed.append(workers[0].pid)
        workers[0].kill()

    with running("timed_openai.py", {"all": 1}, tmp_path, "--ms", "20") as endpoint:
        thread = threading.Thread(target=kill, daemon=True)
        thread.start()
        with pytest.raises(NodeError, match=r"process . of the 2 that make the load ended with exit code -9"):
            load(tmp_path, endpoint, users=2, requests=5000)
        thread.join()
    assert killed
    assert not [child for child in psutil.Process().children(recursive=True) if "locust" in " ".join(words(child))]
