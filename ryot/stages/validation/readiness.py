"""What the people who run it need: alerts, a board, a run book, and what was promised. Read from the package, where the spec has one."""

from __future__ import annotations

import re

from ryot.plugins import digest_file
from ryot.stages.serve.client import Ask, once
from ryot.stages.validation.checklist import Finding, judged, not_shown
from ryot.stages.validation.site import Site

_NO_PACKAGE = "the spec has no section `package`, which writes it"
_METRIC = re.compile(r"\bryot_[a-z_]+")
_TYPE = re.compile(r"^# TYPE (\w+) ", re.MULTILINE)
_SUFFIX = re.compile(r"_(bucket|count|sum|total)$")
_LINE = re.compile(r"^([0-9a-f]{64}) [ *](.+)$", re.MULTILINE)


def monitoring_and_alerts(site: Site) -> Finding:
    """Every metric that rules and board name, against the live /metrics."""
    package = site.context.inputs.get("package")
    if package is None:
        return not_shown(_NO_PACKAGE)
    rules = "".join(path.read_text() for path in sorted((package / "prometheus").glob("*.yaml")))
    board = "".join(path.read_text() for path in sorted((package / "grafana").glob("*.json")))
    text = once(site.url, Ask("/metrics", method="GET")).body.decode(errors="replace")
    live = {_SUFFIX.sub("", name) for name in _TYPE.findall(text)}
    asked = {_SUFFIX.sub("", name) for name in _METRIC.findall(rules + board)}
    alerts = rules.count("- alert:")
    missing = sorted(asked - live)
    how = "every metric that the alerts and the board ask for is in the live /metrics"
    why = f"not there: {', '.join(missing)}" if missing else f"{alerts} alerts, {len(board)} bytes of board"
    return judged(
        not missing and alerts > 0 and bool(board) and bool(asked), how, why, alerts=alerts, metrics=sorted(asked), missing=missing
    )


def deployment_document(site: Site) -> Finding:
    """The run book's part on starting, and the digests of all files."""
    package = site.context.inputs.get("package")
    if package is None:
        return not_shown(_NO_PACKAGE)
    said = dict(reversed(line) for line in _LINE.findall((package / "digests.txt").read_text()))
    wrong = sorted(name for name, digest in said.items() if not (package / name).is_file() or digest_file(package / name) != digest)
    book = (package / "RUNBOOK.md").read_text()
    starts = bool(re.search(r"^#+ .*\b(start|deploy)", book, re.MULTILINE | re.IGNORECASE))
    how = "RUNBOOK.md has a part on starting; each file has the digest that digests.txt says"
    why = f"other digests: {', '.join(wrong[:3])}" if wrong else "the run book does not say how to start, or no digest is there"
    return judged(starts and bool(said) and not wrong, how, why, files=len(said), wrong=wrong)


def rollback_document(site: Site) -> Finding:
    """The run book's part on going back."""
    package = site.context.inputs.get("package")
    if package is None:
        return not_shown(_NO_PACKAGE)
    found = re.search(r"^#+ .*\b(roll|back).*$", (package / "RUNBOOK.md").read_text(), re.MULTILINE | re.IGNORECASE)
    return judged(found is not None, "RUNBOOK.md has a part on it", "it has none", heading=found[0] if found else "")


def service_levels(site: Site) -> Finding:
    """The spec's must-targets on the server: a latency, and errors."""
    promises = site.config.promises
    latency = [text for text in promises if "latency" in text]
    errors = [text for text in promises if "errors" in text or "success_rate" in text]
    missing = [what for what, found in (("a latency", latency), ("errors", errors)) if not found]
    why = f"no must-target bounds {' nor '.join(missing)} under load; write `bench.NAME/latency_p95 < ...` and `bench.NAME/errors == 0`"
    return judged(not missing, "the spec's must-targets on loads bound a latency, and errors", why, promises=list(promises))
