"""Local files in the hub's stead."""

import json

import pytest

from ryot.plugins import NodeError, digest_file
from ryot.stages.data.stage import FileSource
from ryot.stages.evaluate.stand_ins import articles, stand_in
from ryot.stages.forms import form_of

WIKITEXT = " \n = One = \n \n First . \n \n = = Part = = \n \n More . \n \n = Two <unk> = \n \n Second = 2 . \n \n"


def file(path, text):
    path.write_text(text)
    return FileSource(digest=digest_file(path), form=form_of(path.name), written=path.name, path=str(path))


def test_items_have_the_hubs_columns_and_no_others(tmp_path):
    rows = [{"question": f"q{n}", "answer": f"#### {n}", "more": 1} for n in range(3)]
    found = stand_in("gsm8k", file(tmp_path / "g.jsonl", "".join(json.dumps(row) + "\n" for row in rows)), 2)
    assert found == [{"question": "q0", "answer": "#### 0"}, {"question": "q1", "answer": "#### 1"}]


def test_examples_are_not_limited(tmp_path):
    rows = '{"question": "q", "answer": "a"}\n' * 9
    assert len(stand_in("gsm8k_examples", file(tmp_path / "g.jsonl", rows), 2)) == 9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"question": "q"}\n', "line 1 has no answer"),
        ('{"question": "q", "answer": "a"}\n[1]\n', "line 2 has no question, answer"),
        ('{"question": "q", "answer"\n', "line 1 is no JSON"),
        ("\n", "holds no item"),
    ],
)
def test_what_is_no_item_is_named(tmp_path, text, said):
    with pytest.raises(NodeError, match=said):
        stand_in("gsm8k", file(tmp_path / "g.jsonl", text), None)


def test_a_file_that_changed_after_the_plan_is_refused(tmp_path):
    source = file(tmp_path / "g.jsonl", '{"question": "q", "answer": "a"}\n')
    (tmp_path / "g.jsonl").write_text("other")
    with pytest.raises(NodeError, match="changed after the plan"):
        stand_in("gsm8k", source, None)


def test_wikitext_is_taken_article_by_article(tmp_path):
    found = [item["page"] for item in stand_in("wikitext", file(tmp_path / "w.txt", WIKITEXT), None)]
    assert [page.strip().splitlines()[0] for page in found] == ["= One = ", "= Two <unk> = "]
    assert "= = Part = =" in found[0]


def test_no_letter_of_wikitext_is_lost():
    text = "Before . \n" + WIKITEXT
    assert "".join(articles(text)) == text
