"""How apply and check end: the verdicts on the terminal, and the reports in the run's folder."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from ryot.files import write_durable
from ryot.report.as_json import to_json
from ryot.report.console import print_summary
from ryot.report.html import to_html
from ryot.report.junit import to_junit
from ryot.report.markdown import to_markdown
from ryot.report.summary import Summary
from ryot.store.journal import Run

FORMATS = {
    "html": ("report.html", to_html),
    "markdown": ("report.md", to_markdown),
    "json": ("report.json", to_json),
    "junit": ("report.xml", to_junit),
}


def write_reports(summary: Summary, run: Run) -> Path:
    """Write every kind of report into the run's folder; returns the page to open."""
    for name, render in FORMATS.values():
        write_durable(run.folder / name, render(summary))
    return run.folder / FORMATS["html"][0]


def show_outcome(summary: Summary, console: Console) -> None:
    """Nodes, claims, verdicts and the outcome."""
    console.print()
    print_summary(summary, console)
