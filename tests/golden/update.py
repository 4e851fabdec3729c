"""The golden plans: what every spec in specs/ compiles to, on a pinned device, with each of its profiles.

`python tests/golden/update.py` writes them anew. Read the difference before you commit it: a changed key reruns a node for everyone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ryot.cli.request import local_inputs
from ryot.plan.compile import compile_plan
from ryot.plugins.discover import stages_for
from ryot.plugins.stage import Facts
from ryot.spec.load import load

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DEVICES = {"gpu": "cuda:golden x1"}


def cases() -> list[tuple[Path, str]]:
    """Every spec with `none` and each of its profiles."""
    return [(spec, profile) for spec in sorted((ROOT / "specs").glob("*.yaml")) for profile in ("none", *load(spec).spec.profiles)]


def path_of(spec: Path, profile: str) -> Path:
    """Where a case's golden plan is kept."""
    return HERE / f"{spec.stem}.{profile}.json"


def golden(spec: Path, profile: str) -> dict[str, Any]:
    """The plan of a spec as plain data. Local inputs enter by a digest that is pinned as well."""
    loaded = load(spec, profile=profile)
    device = DEVICES.get(profile, "cpu:golden x2")
    digests = {written: f"digest of {written}" for written, _ in local_inputs(loaded, spec.parent)}
    used = {insert.use: loaded.place("stages", index, "use") for index, insert in enumerate(loaded.spec.stages)}
    stages, _ = stages_for(used, [ROOT / "plugins"])
    facts = Facts(device=device, profile=loaded.profile, digests=digests, paths={written: written for written in digests})
    plan = compile_plan(loaded.spec, stages, facts, loaded.place)
    nodes = [
        {"name": node.name, "stage": node.stage, "key": node.key, "inputs": node.inputs, "payload": node.payload} for node in plan.nodes
    ]
    return {"spec": spec.name, "profile": profile, "device": device, "nodes": nodes}


def texts() -> Iterator[tuple[Path, str]]:
    """Every golden file with the text it should hold."""
    for spec, profile in cases():
        yield path_of(spec, profile), json.dumps(golden(spec, profile), indent=1) + "\n"


if __name__ == "__main__":
    wanted = dict(texts())
    for stale in set(HERE.glob("*.json")) - set(wanted):
        stale.unlink()
    for path, text in wanted.items():
        path.write_text(text)
    print(f"wrote {len(wanted)} golden plans")
