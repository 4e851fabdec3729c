"""The page: complete in itself, well-formed, hostile text harmless."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from ryot.report.html import to_html
from ryot.report.summary import Heading, Left, NodeRow, Summary, summarise

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Tags as a tree walk: what is open, every attribute, and the text that a reader sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)


@pytest.fixture(scope="module")
def html(summary: Summary) -> str:
    return to_html(summary)


def drawings(html: str) -> Iterator[ElementTree.Element]:
    return (ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL))  # noqa: S314


def test_every_tag_is_closed(html: str) -> None:
    assert Page(html).open == []


def test_nothing_is_fetched_from_elsewhere(html: str) -> None:
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.tags}
    assert not [attrs for _, attrs in page.tags if {"src", "href", "xlink:href", "srcset", "onload", "onclick"} & attrs.keys()]
    assert "url(" not in html
    assert "@import" not in html


def test_hostile_text_is_shown_and_not_obeyed(html: str) -> None:
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "\x1b" not in html
    assert "bench.x/y &lt; &lt;b&gt;1&lt;/b&gt;" in html


def test_text_from_everywhere_is_escaped() -> None:
    evil = '"><script>alert(1)</script>\x1b[2J{{ 7 * 7 }}'
    node = NodeRow(evil, evil, evil, 1.0, evil, evil)
    comparison = {evil: evil, "baseline": {evil: evil}, "optimized": {evil: evil}}
    losses = {evil: (2.0, 1.0), f"{evil}2": (2.0, 1.5)}
    html = to_html(summarise(Heading(*[evil] * 6), (node,), (), {}, left=Left(comparison, histories=losses)))
    assert "<script" not in html
    assert "49" not in html.split("</style>")[1]
    assert "\x1b" not in html
    assert Page(html).open == []


def test_every_verdict_is_told_in_words_and_signs(html: str, summary: Summary) -> None:
    text = " ".join(Page(html).text)
    for verdict in summary.verdicts:
        assert verdict.target in text
        assert verdict.reason in text
    for told in ("✓ PASS", "✗ FAIL (waived)", "? INCONCLUSIVE", "! ERROR", "✗ REFUTED"):
        assert told in text


def test_drawings_are_well_formed_and_stay_within_their_box(html: str) -> None:
    found = list(drawings(html))
    assert len(found) >= 3 + 2 + 9  # latencies, training, intervals
    for svg in found:
        assert svg.get("aria-label")
        _, _, width, height = map(float, svg.get("viewBox", "").split())
        points = [point.split(",") for line in svg.iter("polyline") for point in line.get("points", "").split()]
        assert all(0 <= float(x) <= width and 0 <= float(y) <= height for x, y in points)
        for bar in svg.iter("rect"):
            x, y, wide, high = (float(bar.get(name, "nan")) for name in ("x", "y", "width", "height"))
            assert 0 <= x <= x + wide <= width + 0.2
            assert 0 <= y <= y + high <= height + 0.2


def test_the_page_is_the_same_every_time(summary: Summary, html: str) -> None:
    assert to_html(summary) == html


def test_a_run_without_anything_still_makes_a_page() -> None:
    html = to_html(summarise(Heading("empty"), (), (), {}))
    assert "No targets: nothing was judged" in html
    assert "<svg" not in html
