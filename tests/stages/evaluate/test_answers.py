"""What was answered outlives a crash."""

import json

from ryot.stages.evaluate.answers import Answers

GREEDY = {"until": ["\n"], "do_sample": False, "temperature": 0.0}


def test_answers_are_there_again(tmp_path):
    answers = Answers(tmp_path / "a.jsonl")
    answers.add("loglikelihood", ("a", " b"), (-1.2345678901234567, True))
    answers.add("loglikelihood_rolling", ("a",), -3.25)
    answers.add("generate_until", ("a", GREEDY), "né\n")
    again = Answers(tmp_path / "a.jsonl")
    assert again.of("loglikelihood", ("a", " b")) == (-1.2345678901234567, True)
    assert again.of("loglikelihood_rolling", ("a",)) == -3.25
    assert again.of("generate_until", ("a", GREEDY)) == "né\n"


def test_another_request_has_no_answer(tmp_path):
    answers = Answers(tmp_path / "a.jsonl")
    answers.add("generate_until", ("a", GREEDY), "x")
    assert answers.of("generate_until", ("a", GREEDY | {"until": ["Q"]})) is None
    assert answers.of("generate_until", ("b", GREEDY)) is None
    assert answers.of("loglikelihood", ("a", GREEDY)) is None


def test_what_is_sampled_is_asked_each_time(tmp_path):
    answers = Answers(tmp_path / "a.jsonl")
    for options in ({"do_sample": True}, {"temperature": 0.8}):
        answers.add("generate_until", ("a", options), "x")
        assert answers.of("generate_until", ("a", options)) is None


def test_every_cut_leaves_the_whole_lines(tmp_path):
    path = tmp_path / "a.jsonl"
    answers = Answers(path)
    for number in range(3):
        answers.add("loglikelihood_rolling", (str(number),), -float(number))
    data = path.read_bytes()
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        again = Answers(path)
        assert [again.of("loglikelihood_rolling", (str(number),)) is not None for number in range(3)].count(True) == data[:cut].count(b"\n")
        again.add("loglikelihood_rolling", ("new",), -9.0)
        assert Answers(path).of("loglikelihood_rolling", ("new",)) == -9.0


def test_what_is_no_answer_ends_the_file(tmp_path):
    path = tmp_path / "a.jsonl"
    Answers(path).add("loglikelihood_rolling", ("a",), -1.0)
    for torn in (b"\0" * 40 + b"\n", b"7\n", json.dumps({"a": 1}).encode() + b"\n"):
        path.write_bytes(path.read_bytes() + torn)
        assert Answers(path).of("loglikelihood_rolling", ("a",)) == -1.0
        assert path.read_bytes().count(b"\n") == 1
