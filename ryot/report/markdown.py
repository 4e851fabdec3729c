"""The report as Markdown: `production_benchmark_report.md`. Tables that read well unrendered, too."""

import re
from collections.abc import Iterable, Sequence

from ryot.report.claims_view import shown, word_of
from ryot.report.comparison import rows_of
from ryot.report.datasheet import reasons
from ryot.report.plain import plain
from ryot.report.scores import rows_of_scores
from ryot.report.summary import MeasureRow, Summary
from ryot.report.sweep import rows_of_sweep
from ryot.report.tuning import rows_of_tuning
from ryot.report.validation import rows_of_validation, tally
from ryot.report.wording import found, outcome, status_of, together
from ryot.units import show, show_seconds

_METHOD = """\
- A target PASSes when the bound that is against it meets it, FAILs when even the bound in its favour misses it; between the two
  the evidence is INCONCLUSIVE, and without data the verdict is ERROR, never PASS.
- Bounds are one-sided, at 95 % in the table of measures: percentiles by order statistics, rates by Clopper and Pearson, means and
  speed ratios by the wider of a studentised bootstrap and Student's t. Speed is measured in blocks run alternately.
- Where several looks at a growing sample were promised, each is judged on the samples of all rounds, at its equal share of the error.
- Counts are compared directly; the bound of the rate behind them stands beside."""


def to_markdown(summary: Summary) -> str:
    """The whole report."""
    return "\n\n".join(part for part in (_head(summary), *_sections(summary)) if part) + "\n"


def _sections(summary: Summary) -> Iterable[str]:
    yield _section("Targets", _verdicts(summary))
    yield _section("Serving: latency and throughput", _measures([row for row in summary.measures if row.measure.startswith("bench")]))
    yield _section("Serving: failed requests", _errors(summary))
    yield _section("Baseline against optimized", _comparison(summary))
    yield _section("Sweep", _sweep(summary))
    yield _section("Tuning", _tuning(summary))
    yield _section("Evaluation", _scores(summary))
    yield _section("Data", _data(summary))
    yield _section("Deployment checklist", _validation(summary))
    yield _section("Other measures", _measures([row for row in summary.measures if not row.measure.startswith("bench")]))
    yield _section("Audited claims", _claims(summary))
    yield _section("Reckoned and measured", _predictions(summary))
    yield _section("Nodes", _nodes(summary))
    yield _section("How to read this", _METHOD)


def _head(summary: Summary) -> str:
    heading = summary.heading
    facts = [
        ("run", heading.run),
        ("profile", heading.profile or "none"),
        ("device", heading.device),
        ("date", heading.date),
        ("ryot", heading.version),
    ]
    listed = "\n".join(f"- {name}: {_cell(value)}" for name, value in facts if value)
    title = "Benchmark report" if any(row.measure.startswith("bench") for row in summary.measures) else "Report"
    return f"# {title}: {_cell(heading.spec)}\n\n**{outcome(summary)}** (exit code {summary.exit_code})\n\n{listed}"


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _verdicts(summary: Summary) -> str:
    rows = [(status_of(v), v.priority, f"`{_code(v.target)}`", found(v), f"{v.n:,}", v.reason) for v in summary.verdicts]
    table = _table(("verdict", "priority", "target", "measured", "n", "reason"), rows)
    return "\n\n".join(filter(None, (table, together(summary.verdicts))))


def _measures(rows: Sequence[MeasureRow]) -> str:
    return _table(
        ("measure", "value", "at least", "at most", "n", "what it is"),
        [(f"`{_code(row.measure)}`", show(row.value, row.unit), *_bounds(row), f"{row.n:,}", row.about) for row in rows],
    )


def _bounds(row: MeasureRow) -> tuple[str, str]:
    return ("", "") if row.kind in ("count", "exact") else (show(row.low, row.unit), show(row.high, row.unit))


def _errors(summary: Summary) -> str:
    rows = [(row.load, row.cause, f"{row.count:,}", "" if row.of is None else f"{row.of:,}", row.seen) for row in summary.errors]
    return _table(("load", "cause", "requests", "of", "seen as"), rows) if rows else ""


def _comparison(summary: Summary) -> str:
    if summary.comparison is None:
        return ""
    rows = rows_of(summary.comparison)
    return "\n\n".join(filter(None, (_table(("", "baseline", "optimized"), rows.sides), _table(("finding", ""), rows.findings))))


def _sweep(summary: Summary) -> str:
    if summary.sweep is None:
        return ""
    found = rows_of_sweep(summary.sweep)
    return "\n\n".join((_table(("trial", "state", *found.fields, "loss, choosing half", "loss, other half"), found.rows), found.note))


def _scores(summary: Summary) -> str:
    rows = [] if summary.scores is None else rows_of_scores(summary.scores)
    cells = [(row.task, row.score, row.error, row.chance, row.shots, row.items) for row in rows]
    return _table(("task", "score", "standard error", "chance", "examples shown", "items"), cells) if cells else ""


def _tuning(summary: Summary) -> str:
    if summary.tuning is None:
        return ""
    found = rows_of_tuning(summary.tuning)
    table = _table(("setting", "saves at least", "at most", "outcome"), found.rows)
    return "\n\n".join(part for part in (table, found.note) if part)


def _validation(summary: Summary) -> str:
    if summary.validation is None:
        return ""
    rows = [
        (row.status, row.area, row.asks, "; ".join(part for part in (row.told, row.numbers) if part))
        for row in rows_of_validation(summary.validation)
    ]
    table = _table(("status", "area", "what has to be so", "how it was shown, or why not"), rows)
    return f"{table}\n\n{tally(summary.validation)}. What is not shown is not passed."


def _data(summary: Summary) -> str:
    sheet = summary.datasheet
    if sheet is None:
        return ""
    sources = [
        (
            row.name,
            row.licence,
            *(f"{n:,}" for n in (row.read, row.broken, row.copies, row.kept)),
            show(row.size, "bytes"),
            f"{row.left:,}",
            show(row.left_size, "bytes"),
            row.digest[:12],
        )
        for row in sheet.sources
    ]
    steps = [
        (step.name, *(f"{n:,}" for n in (step.read, step.read - step.kept, step.changed, step.kept)), reasons(step)) for step in sheet.steps
    ]
    dropped = [(step.name, example.reason, example.text) for step in sheet.steps for example in step.examples]
    left = ", ".join(f"{count:,} {split}" for split, count in sheet.splits.items())
    return "\n\n".join(
        filter(
            None,
            (
                _table(("source", "licence", "read", "broken", "copies", "kept", "text", "left", "text left", "digest"), sources),
                _table(("step", "read", "dropped", "changed", "left", "why, most frequent first"), steps),
                _table(("dropped by", "why", "how it begins"), dropped),
                "\n".join(["Records that could not be read, the first:", "", *(f"- {_cell(broken)}" for broken in sheet.broken)])
                if sheet.broken
                else "",
                f"Left: {left} documents, of {_cell(sheet.node)} {sheet.key[:12]}, SHA-256 of the list of shards {sheet.digest[:12]}.",
            ),
        )
    )


def _claims(summary: Summary) -> str:
    rows = [(c.claim, *shown(c), word_of(c), c.formula) for c in summary.claims]
    return _table(("claim", "claimed", "computed", "audit", "how"), rows)


def _predictions(summary: Summary) -> str:
    rows = [
        (
            f"`{_code(row.node)}`",
            row.measure,
            show(row.predicted, row.unit),
            show(row.measured, row.unit),
            "" if row.error is None else f"{100 * row.error:+.0f} %",
        )
        for row in summary.predictions
    ]
    return _table(("node", "measure", "reckoned", "measured", "error"), rows)


def _nodes(summary: Summary) -> str:
    rows = [
        (
            f"`{_code(node.name)}`",
            node.stage,
            node.state,
            "" if node.seconds is None else show_seconds(node.seconds),
            node.key[:12],
            node.why,
        )
        for node in summary.nodes
    ]
    return _table(("node", "stage", "state", "time", "key", "why"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with padded columns; nothing where there are no rows."""
    if not rows:
        return ""
    cells = [[cell if cell.startswith("`") else _cell(cell) for cell in row] for row in (head, *rows)]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def _cell(text: str) -> str:
    """Text that can neither leave its cell nor become markup."""
    return re.sub(r"[\\|`*\[\]]|<(?=[A-Za-z/!?])", r"\\\g<0>", " ".join(plain(text).split()))


def _code(text: str) -> str:
    """Text for a code span in a cell."""
    return " ".join(plain(text).split()).replace("`", "'").replace("|", "\\|")
