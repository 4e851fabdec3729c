"""The plugin's own test: the stage is run on real folders, the way the engine would run it."""

import json
from pathlib import Path

import pytest
from ryot_dedup import PERMUTATIONS, Dedup, DedupConfig, bands

from ryot.plugins.testing import StageResult, run_stage

LONG = " ".join(f"word{number}" for number in range(200))
OTHER = " ".join(f"thing{number}" for number in range(200))


def run(folder: Path, texts: list[str], **settings: float) -> tuple[StageResult, list[str]]:
    documents = folder / "documents"
    documents.mkdir()
    rows = [{"id": str(number), "meta": {}, "text": text} for number, text in enumerate(texts)]
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    (documents / "train.jsonl").write_text("".join(lines), encoding="utf-8")
    (documents / "heldout.jsonl").write_text(lines[0] * 2, encoding="utf-8")
    (documents / "documents.json").write_text("{}", encoding="utf-8")
    result = run_stage(Dedup(), DedupConfig(**settings), folder / "dedup", inputs={"documents": documents})
    return result, [json.loads(line)["text"] for line in (result.out / "train.jsonl").read_text(encoding="utf-8").split("\n")[:-1]]


def test_near_duplicates_are_dropped_and_the_first_is_kept(tmp_path: Path) -> None:
    result, kept = run(tmp_path, [LONG, OTHER, LONG + " end", OTHER.replace("thing7 ", "thing_ ")])
    assert kept == [LONG, OTHER]
    assert result.value("removed") == 2
    assert result.value("kept") == 2


def test_different_documents_stay(tmp_path: Path) -> None:
    texts = [LONG, OTHER, "short", "a line\u2028separator and a return\r\n stay in their document"]
    result, kept = run(tmp_path, texts)
    assert kept == texts
    assert result.value("removed") == 0


def test_held_out_documents_pass_through_unchanged(tmp_path: Path) -> None:
    result, _ = run(tmp_path, [LONG, LONG])
    for name in ("heldout.jsonl", "documents.json"):
        assert (result.out / name).read_bytes() == (tmp_path / "documents" / name).read_bytes()


def test_threshold_decides(tmp_path: Path) -> None:
    half = " ".join(LONG.split()[:100] + OTHER.split()[:100])
    (tmp_path / "low").mkdir()
    (tmp_path / "high").mkdir()
    assert run(tmp_path / "low", [LONG, half], threshold=0.2)[1] == [LONG]
    assert run(tmp_path / "high", [LONG, half], threshold=0.8)[1] == [LONG, half]


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.8, 0.95, 1.0])
def test_bands_divide_the_permutations_and_miss_few_pairs(threshold: float) -> None:
    found = bands(threshold)
    assert PERMUTATIONS % found == 0
    assert found == PERMUTATIONS or 1 - (1 - threshold ** (PERMUTATIONS // found)) ** found >= 0.99
