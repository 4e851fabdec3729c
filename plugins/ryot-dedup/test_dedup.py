"""The plugin's own test: the stage is run on real folders, the way the engine would run it."""

from pathlib import Path

import pytest
from ryot_dedup import PERMUTATIONS, Dedup, DedupConfig, bands

from ryot.plugins import Documents
from ryot.plugins.testing import StageResult, run_stage, write_documents

LONG = " ".join(f"word{number}" for number in range(200))
OTHER = " ".join(f"thing{number}" for number in range(200))


def run(folder: Path, texts: list[str], **settings: float) -> tuple[StageResult, list[str]]:
    documents = write_documents(folder / "documents", train=texts, heldout=texts[:1] * 2)
    result = run_stage(Dedup(), DedupConfig(**settings), folder / "dedup", inputs={"documents": documents})
    return result, [document.text for document in Documents(result.out).split("train")]


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
    assert list(Documents(result.out).split("heldout")) == list(Documents(tmp_path / "documents").split("heldout"))
    assert Documents(result.out).count("heldout") == 2


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
