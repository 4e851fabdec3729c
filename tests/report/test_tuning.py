"""What was tuned, in words."""

from ryot.report.html import to_html
from ryot.report.markdown import to_markdown
from ryot.report.summary import Heading, Summary
from ryot.report.tuning import rows_of_tuning

TRIED = [
    {"change": {"threads": 2}, "outcome": "taken", "time_reduction": [0.1, 0.2]},
    {"change": {"eager": False}, "outcome": "no time was left"},
]


def test_a_choice_is_told_with_what_it_was_seen_to_save_again():
    found = rows_of_tuning({"settings": {"threads": 2}, "time_reduction": [0.08, 0.19], "tried": TRIED})
    assert found.rows == (("threads 2", "10.0%", "20.0%", "taken"), ("eager False", "", "", "no time was left"))
    assert found.note == "Chosen: threads 2; measured again with new requests it saves 8.0% to 19.0%."


def test_a_choice_that_was_dropped_is_told():
    assert (
        "was not seen again" in rows_of_tuning({"settings": {}, "dropped": {"threads": 2}, "time_reduction": [-1, 0], "tried": TRIED}).note
    )


def test_it_stands_in_both_reports():
    summary = Summary(Heading("x"), tuning={"settings": {}, "time_reduction": None, "tried": TRIED})
    for text in (to_html(summary), to_markdown(summary)):
        assert "Tuning" in text
        assert "no time was left" in text
