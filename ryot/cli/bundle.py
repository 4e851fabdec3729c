"""What of a run belongs into an evidence bundle."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from ryot.engine.rounds import known
from ryot.plan.plan import Plan
from ryot.report.gather import SHOWN
from ryot.store.bundle import pack
from ryot.store.job import FAILURE
from ryot.store.journal import Run
from ryot.store.looks import file_of
from ryot.store.store import EVIDENCE, RECORD, Store


def write_bundle(run: Run, plan: Plan, store: Store, target: Path) -> int:
    """The spec, the plan and the journal of a run, and of each node its record, its raw samples, how many looks were promised, why it
    failed, and what reports show of it: no weights, no documents, of logs only the last lines of what failed. Returns how many files."""
    found = [path for path in (run.spec, run.plan, run.folder / "journal.jsonl") if path.exists()]
    for node in known(plan, store).nodes:
        folder = store.folder(node.stage, node.key)
        parts = [folder / name for name in (RECORD, EVIDENCE, FAILURE, *(f"out/{name}" for name in SHOWN))]
        found += [path for path in (*parts, file_of(store, node.stage, node.key)) if path.is_file()]
    names = [path.relative_to(store.root).as_posix() for path in found]
    pack(store.root, names, target, {"ryot": version("ryot"), "run": run.id})
    return len(names)
