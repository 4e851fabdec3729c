"""The verdicts for a CI server."""

from xml.etree import ElementTree

from ryot.report.junit import to_junit
from ryot.report.summary import Heading, Summary, summarise


def suite(summary: Summary) -> ElementTree.Element:
    return ElementTree.fromstring(to_junit(summary).encode())  # noqa: S314


def test_red_cases_are_those_the_exit_code_counts(summary: Summary) -> None:
    found = suite(summary)
    assert found.attrib == {"name": "phase3", "tests": "12", "failures": "0", "errors": "4", "skipped": "3"}
    node, *cases = found
    assert (node.get("classname"), node.find("error") is not None) == ("bench.failover", True)
    for case, verdict in zip(cases, summary.verdicts, strict=True):
        red = case.find("failure") is not None or case.find("error") is not None
        assert red == (verdict.counts and verdict.status != "PASS"), verdict.target


def test_a_failed_must_target_is_a_failure(summary: Summary) -> None:
    failing = [v for v in summary.verdicts if v.status == "FAIL" and v.waived]
    unwaived = [type(v)(**{name: getattr(v, name) for name in v.__slots__} | {"waived": None}) for v in failing]
    (case,) = suite(summarise(Heading("x"), (), unwaived, {}))
    failure = case.find("failure")
    assert failure is not None
    assert "40.3 MiB" in failure.get("message", "")


def test_what_xml_cannot_hold_is_left_out() -> None:
    assert suite(summarise(Heading("a\x00b\x1b[31m\ufffe"), (), (), {})).get("name") == "ab"
