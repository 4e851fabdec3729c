"""What a job tells, read as it is told."""

from __future__ import annotations

import json
from pathlib import Path

from ryot.backends.watch import follow_on, tell
from ryot.engine.jobs import Active
from ryot.plugins import Job
from tests.conftest import Bench


def test_what_an_earlier_job_tells_is_read_whole_once_it_is_taken_up(bench: Bench, tmp_path: Path) -> None:
    node = bench.plan(bench.node("a")).node("a")
    job = Job("a", tmp_path / "job.json", tmp_path, "m.2", "python", tmp_path / "later.jsonl")
    active = Active(node, job.events, 0, None)
    assert list(active.news()) == []
    tell(job, waits := {"event": "waiting", "holder": "SLURM takes no more jobs now"})
    assert list(active.news()) == [waits]
    follow_on(earlier := tmp_path / "earlier.jsonl", job)
    said = [{"event": "warning", "text": "a"}, {"event": "progress", "done": 1, "total": 2, "unit": "x"}]
    earlier.write_text("".join(json.dumps(each) + "\n" for each in said[:1]))
    assert list(active.news()) == said[:1]
    with earlier.open("a") as file:
        file.write(json.dumps(said[1]) + "\n")
    assert list(active.news()) == said[1:]
    assert list(active.news()) == []
