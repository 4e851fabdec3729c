"""The same spec here, on a SLURM and on a Ray cluster, of two machines each, of which one is taken away in the middle of a training.

    python benchmarks/clusters.py [--spec specs/tiny.yaml] [--set FIELD=VALUE ...] [--on slurm ray] [--folder DIR]

Both clusters are real daemons on this machine (SLURM where it is installed and may be started; Debian's slurm-wlm and munge). A machine is
taken away once the training there has a checkpoint, and none comes in its place. What has to hold: the run finishes, the loss is
told, no node has another key than here, the files of data and weights are the same, byte for byte, and so are all measures that are no
timings, and the verdict on every target that is not about one; of those that are, a difference is shown. Ends with 1 where something does
not hold.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from ryot.store.store import RECORD, Store  # noqa: E402 - run as a script, this file has to say where the project is
from tests.backends.clusters import REAL, ray_machines, real_slurm  # noqa: E402
from tests.e2e import kill  # noqa: E402

LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster: how a spec names it, what has to be in the environment, and how the machine of a training is taken away."""

    backend: str
    environ: dict[str, str]
    take_away: Callable[[], None]


@contextmanager
def slurm(folder: Path) -> Iterator[Cluster]:
    """SLURM of two nodes."""
    folder.mkdir()
    with real_slurm(folder) as queue:
        yield Cluster("{use: slurm, with: {ask_every: 0.5}}", queue.environ, lambda: queue.take_away_what_runs("ryot-train"))


@contextmanager
def ray(folder: Path) -> Iterator[Cluster]:
    """Ray of two machines, and a head that computes nothing; it keeps its files where it always does."""
    del folder
    with ray_machines() as machines:
        yield Cluster(f"{{use: ray, with: {{address: '{machines.address}'}}}}", {}, lambda: machines.take_away_one("/store/train/"))


CLUSTERS = {"slurm": slurm, "ray": ray}


def apply(what: list[str], store: Path, environ: dict[str, str], moment: Callable[[], bool], strike: Callable[[], None]) -> int:
    """One apply; `strike` once, when `moment` has come. Returns its exit code."""
    mark = uuid.uuid4().hex
    run = kill.start(what, store, mark, environ)
    while run.poll() is None and not moment():
        time.sleep(LOOK_S)
    if run.poll() is None:
        strike()
    code = run.wait()
    kill.refuse_survivors(mark, [])
    return code


def trained(store: Path) -> bool:
    """Whether a training that is not at its end has a checkpoint."""
    folders = (store / "store" / "train").glob("*")
    return any(not (folder / RECORD).exists() and any((folder / "scratch").rglob("update-*")) for folder in folders)


def verdicts(store: Path) -> dict[str, str]:
    """What was said of each target, by its words."""
    said = subprocess.run(
        [sys.executable, "-m", "ryot", "report", "--store", str(store), "--format", "json"], capture_output=True, text=True, check=True
    )
    return {verdict["target"]: verdict["status"] for verdict in json.loads(said.stdout)["verdicts"]}


def differences(here: Path, there: Path) -> dict[str, str]:
    """The targets of which other things are said."""
    told, expected = verdicts(there), verdicts(here)
    return {target: f"{target}: {told.get(target)}, here {status}" for target, status in expected.items() if told.get(target) != status}


def timings(store: Store) -> set[str]:
    """The measures that tell of the machine at that moment."""
    measured = ((record, measure) for record in store.records() for measure in record.measures)
    return {f"{record.node}/{measure.name}" for record, measure in measured if kill.is_timing(record.stage, measure)}


def violations(code: int, here: Path, there: Path) -> Iterator[str]:
    """What does not hold of a run on a cluster."""
    log = there.with_suffix(".log").read_text(errors="replace")
    if code not in kill.VERDICT:
        yield f"it ended with {code}: {log[-600:]}"
        return
    if "lost      train" not in log:
        yield "no training was lost"
    if "Traceback" in log:
        yield "a traceback was printed"
    try:
        kill.compare(Store(here), Store(there), {})
    except kill.Violation as violation:
        yield str(violation)
    timed = timings(Store(here))
    yield from (words for target, words in differences(here, there).items() if target.split()[0] not in timed)


def main() -> int:
    """The run here, then each cluster's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", type=Path, default=ROOT / "specs" / "tiny.yaml")
    parser.add_argument("--set", dest="sets", action="append", default=[])
    parser.add_argument("--on", nargs="*", choices=list(CLUSTERS), default=[name for name in CLUSTERS if name != "slurm" or REAL])
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    what = [str(options.spec), *(part for text in options.sets for part in ("--set", text))]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="ryot-clusters-") as name:
        folder = options.folder or Path(name)
        folder.mkdir(exist_ok=True)
        here = folder / "here"
        begun = time.monotonic()
        code = apply(what, here, {}, lambda: False, lambda: None)
        print(f"here: {len(list(Store(here).records()))} nodes in {time.monotonic() - begun:.0f} s, ended with {code}", flush=True)
        for cluster in options.on:
            failed += run(what, folder, cluster)
    return 1 if failed or code not in kill.VERDICT else 0


def run(what: list[str], folder: Path, name: str) -> bool:
    """One cluster. Returns whether something did not hold."""
    there = folder / f"on-{name}"
    with CLUSTERS[name](folder / name) as cluster:
        begun = time.monotonic()
        moved = [*what, "--set", f"backend={cluster.backend}"]
        code = apply(moved, there, cluster.environ, lambda: trained(there), cluster.take_away)
    found = list(violations(code, folder / "here", there))
    lost = [line for line in there.with_suffix(".log").read_text(errors="replace").splitlines() if "lost   " in line]
    print(f"{name}: {len(list(Store(there).records()))} nodes in {time.monotonic() - begun:.0f} s, ended with {code}", flush=True)
    print("".join(f"  {line}\n" for line in lost), end="")
    print("".join(f"  differs    {words}\n" for words in differences(folder / "here", there).values() if words not in found), end="")
    print(
        "".join(f"  VIOLATION  {words}\n" for words in found) or "  same keys, weights, and but for timings measures and verdicts\n",
        end="",
        flush=True,
    )
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
