"""Lies told to the raw samples that a load keeps: a file that is cut short or damaged reads as nothing, never as other samples."""

from __future__ import annotations

from pathlib import Path

import pytest

from ryot.plugins import NodeError

pytest.importorskip("pyarrow")
from ryot.stages.bench import columns
from tests.stages.bench.test_columns import drawn, file


def test_samples_that_were_cut_short(tmp_path: Path) -> None:
    path = file(tmp_path, drawn(60))
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(NodeError, match="cannot be read"):
            columns.read(path)
    path.write_bytes(whole[:-1])
    with pytest.raises(NodeError, match="cannot be read"):
        columns.read(path)


def test_samples_in_which_a_byte_is_another(tmp_path: Path) -> None:
    """Pages have checksums. A byte that says nothing of a sample, as of who wrote the file, may be any."""
    samples = drawn(60)
    path = file(tmp_path, samples)
    whole, refused = path.read_bytes(), 0
    for place in range(0, len(whole), 41):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            assert columns.read(path) == samples
        except NodeError:
            refused += 1
    assert refused > len(whole) / 41 / 2
