"""The verdicts and the failed nodes as JUnit XML, so that a CI server shows them. Red there is what the exit code counts.

A node that failed is an error; FAIL is a failure, ERROR and INCONCLUSIVE are errors; a should-target or a waived one that does not
PASS is skipped, with its reason.
"""

from xml.etree import ElementTree

from ryot.check.verdict import Verdict
from ryot.report.plain import plain
from ryot.report.summary import Summary
from ryot.report.wording import found, status_of


def to_junit(summary: Summary) -> str:
    """An XML document with one test suite, one case for each node that failed and one for each target."""
    outcomes = [*("error" for _ in summary.failed), *(_outcome(verdict) for verdict in summary.verdicts)]
    suite = ElementTree.Element(
        "testsuite",
        name=plain(summary.heading.spec),
        tests=str(len(outcomes)),
        failures=str(outcomes.count("failure")),
        errors=str(outcomes.count("error")),
        skipped=str(outcomes.count("skipped")),
    )
    for node in summary.failed:
        case = ElementTree.SubElement(suite, "testcase", classname=plain(node.name), name=plain(f"{node.name} is finished"))
        ElementTree.SubElement(case, "error", message=plain(f"NODE FAILED: {node.why}"), type="NODE FAILED")
    for verdict in summary.verdicts:
        outcome = _outcome(verdict)
        case = ElementTree.SubElement(suite, "testcase", classname=plain(verdict.measure.split("/")[0]), name=plain(verdict.target))
        told = f"{status_of(verdict)} ({verdict.priority}): {found(verdict)}, n={verdict.n}: {verdict.reason}"
        if outcome:
            ElementTree.SubElement(case, outcome, message=plain(told), type=verdict.status)
        else:
            ElementTree.SubElement(case, "system-out").text = plain(told)
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _outcome(verdict: Verdict) -> str:
    if verdict.status == "PASS":
        return ""
    if not verdict.counts:
        return "skipped"
    return "failure" if verdict.status == "FAIL" else "error"
