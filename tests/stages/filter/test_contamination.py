"""Contamination: what is evaluated on is found in training documents, and nothing else is dropped."""

import gzip
import json
import random
import unicodedata
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from ryot.plugins import Facts, NodeError, digest_path
from ryot.plugins.stage import identity
from ryot.stages.filter.evaluation import evaluation_texts
from ryot.stages.filter.settings import EvaluationFile, Settings
from ryot.stages.filter.stage import Config, FilterStage
from ryot.stages.forms import form_of
from tests.stages.filter.conftest import PROSE, Filter, settings_of, spec_of, write_documents

WORDS = PROSE.replace(".", "").replace(",", "").split()


def against(*paths: Path, **settings: object) -> Settings:
    return settings_of("contamination", {str(path): digest_path(path) for path in paths}, against=[str(path) for path in paths], **settings)


def local(path: Path) -> EvaluationFile:
    return EvaluationFile(digest=digest_path(path), form=form_of(path.name), written=path.name, path=str(path))


def text(draw: random.Random, count: int) -> str:
    return " ".join(f"{draw.choice(WORDS)}{draw.randrange(300)}" for _ in range(count))


def test_every_planted_run_is_found_and_no_other_text_goes(tmp_path: Path, filtered: Filter) -> None:
    draw = random.Random(1)
    questions = [text(draw, 30) for _ in range(200)]
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps({"question": question, "choices": ["a", {"b": "c"}], "n": 5}) + "\n" for question in questions))
    clean = [text(draw, 50) for _ in range(200)]
    runs = [question.split()[place : place + 13] for question in questions for place in [draw.randrange(18)]]
    planted = [f"{text(draw, 40)} {' '.join(run).upper().replace(' ', ', ')}! {text(draw, 40)}" for run in runs]
    found = filtered(write_documents(tmp_path / "in", train=[clean[:100], planted, clean[100:]]), "contamination", against(path))
    assert found.texts() == clean
    assert found.funnel["reasons"] == {"contamination": 200}
    assert found.funnel["found"] == {"against": [str(path)], "runs": 200 * 18, "too_short": 400}


def test_twelve_words_in_common_are_none(tmp_path: Path, filtered: Filter) -> None:
    path = tmp_path / "eval.txt"
    path.write_text(" ".join(WORDS[:30]))
    twelve, thirteen = (f"x {' '.join(WORDS[3 : 3 + count])} y" for count in (12, 13))
    found = filtered(write_documents(tmp_path / "in", train=[[twelve, thirteen]]), "contamination", against(path))
    assert found.texts() == [twelve]


def test_held_out_and_test_splits_are_looked_for_and_stay(tmp_path: Path, filtered: Filter) -> None:
    draw = random.Random(2)
    held, test, other = (text(draw, 40) for _ in range(3))
    source = write_documents(tmp_path / "in", train=[[f"a {held} b", f"c {test} d", other]], heldout=[[held]], test=[[test, other[:50]]])
    found = filtered(source, "contamination")
    assert (found.texts(), found.texts("heldout"), found.texts("test")) == ([other], [held], [test, other[:50]])
    assert len(filtered(source, "contamination", held_out=False).texts()) == 3


def test_coverage_asks_for_a_share_of_the_runs(tmp_path: Path, filtered: Filter) -> None:
    draw = random.Random(3)
    held = text(draw, 22)  # ten runs
    little, much, none = f"{held} {text(draw, 170)}", f"{held} {text(draw, 60)}", text(draw, 60)
    source = write_documents(tmp_path / "in", train=[[little, much, none]], heldout=[[held]])
    assert filtered(source, "contamination", coverage=0.1).texts() == [little, none]
    assert filtered(source, "contamination", coverage=0.05).texts() == [none]


def test_a_folder_gives_its_files_and_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "more" / "b.jsonl").write_text('{"x": ["second"]}\n\n')
    (tmp_path / "more" / "c.csv").write_text("not read")
    assert list(evaluation_texts(local(tmp_path))) == ["first", "second"]
    with pytest.raises(NodeError, match="is not, and does not hold"):
        list(evaluation_texts(local(tmp_path / "more" / "c.csv")))


def test_broken_json_and_a_changed_file_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"x": "y"}\n{"x": \n')
    file = local(path)
    with pytest.raises(NodeError, match=r"a\.jsonl:2: bad JSON"):
        list(evaluation_texts(file))
    path.write_text("{}")
    with pytest.raises(NodeError, match="changed after the plan was made"):
        list(evaluation_texts(file))


def test_a_folder_gives_packed_files_and_parquet_and_no_folder_is_taken_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "dir.txt").mkdir()
    (tmp_path / "a.TXT").write_text("first")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"x": {"y": ["second", "third"]}}\n'))
    parquet.write_table(pa.table({"question": ["fourth"], "choices": [["fifth", "sixth"]], "n": [1]}), tmp_path / "c.parquet")
    assert list(evaluation_texts(local(tmp_path))) == ["first", "second", "third", "fourth", "fifth", "sixth"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b"[" * 100_000, r"a\.jsonl:1: bad JSON: nested too deeply"),
        ("a.jsonl.gz", gzip.compress(b'{"x": "y"}\n' * 1000, mtime=0)[:-9], r"a\.jsonl\.gz:\d+: the archive is truncated or damaged"),
        ("a.parquet", b"no parquet", r"a\.parquet cannot be read"),
        ("a.txt", b"caf\xe9", r"a\.txt:1: not UTF-8"),
    ],
    ids=["nested", "truncated", "no parquet", "Latin-1"],
)
def test_what_cannot_be_read_of_an_evaluation_file_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NodeError, match=said):
        list(evaluation_texts(local(tmp_path / name)))


def test_the_name_of_an_evaluation_file_is_part_of_what_is_read() -> None:
    one, other = (settings_of("contamination", {path: "d"}, against=[path]) for path in ("a.txt", "a.jsonl"))
    assert identity(one) != identity(other)
    assert identity(one) == identity(settings_of("contamination", {"b.TXT": "d"}, against=["b.TXT"]))


SENTENCE = "El niño pequeño comió la piñata después de la función así que la mamá llamó al médico más cercano de allí"
SPELT = {
    "in capitals": SENTENCE.upper(),
    "decomposed": unicodedata.normalize("NFD", SENTENCE),
    "with soft hyphens": SENTENCE.replace("función", "fun\u00adción").replace("médico", "mé\u00addico"),
    "with joiners that are not seen": SENTENCE.replace("pequeño", "peq\u200bueño").replace("médico", "méd\u2060ico"),
    "wide": "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in SENTENCE),
    "with ligatures": SENTENCE.replace("fu", "\ufb01u").replace("\ufb01u", "fu").replace("piñata", "piñata"),
    "emoji behind words": " ".join(word + "🙂" * (place % 6 == 0) for place, word in enumerate(SENTENCE.split())),
    "emoji between words": " ".join(word + " 👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿" * (place % 6 == 0) for place, word in enumerate(SENTENCE.split())),
    "parted at line ends": SENTENCE.replace("función", "fun-\nción").replace("médico", "mé-\n  dico"),
}


@pytest.mark.parametrize("spelt", SPELT.values(), ids=SPELT.keys())
def test_the_same_words_are_found_however_they_are_spelt(tmp_path: Path, filtered: Filter, spelt: str) -> None:
    (tmp_path / "eval.txt").write_text(SENTENCE)
    (tmp_path / "spelt.txt").write_text(spelt)
    source = write_documents(tmp_path / "in", train=[[f"x {spelt} y", SENTENCE, PROSE]])
    for name in ("eval.txt", "spelt.txt"):
        assert filtered(source, "contamination", against(tmp_path / name)).texts() == [PROSE]


def test_what_earlier_filters_changed_is_found(tmp_path: Path, filtered: Filter) -> None:
    asked = "Please write to the help desk at jane.doe@example.com or call\x00 the number shown\x07here today"
    (tmp_path / "eval.txt").write_text(asked)
    path = str(tmp_path / "eval.txt")
    facts = Facts("cpu", digests={path: digest_path(tmp_path / "eval.txt")}, paths={path: path})
    spec = spec_of(normalise={}, personal={}, contamination={"against": [path]})
    configs = {node.name: node.config for node in FilterStage().expand(spec, facts)}
    left = write_documents(tmp_path / "in", train=[[asked, PROSE]])
    for name in ("normalise", "personal", "contamination"):
        config = configs[f"filter.{name}"]
        assert isinstance(config, Config)
        found = filtered(left, name, config.settings)
        left = found.documents.folder
    assert found.texts() == [PROSE]
