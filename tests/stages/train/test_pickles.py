"""A checkpoint with a pickle in it that would make a file: the file is never there. Of all else: tests/security/test_pickles.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors import SafetensorError

from ryot.plugins import digest_file
from tests.security.test_pickles import archive, marker
from tests.stages.train.test_health import Run

__all__ = ["archive", "marker"]
pytestmark = pytest.mark.heavy


@pytest.mark.parametrize("name", ["rank-0.safetensors", "state.json", "rng.pt", "mp_rank_00_model_states.pt", "optimizer.bin"])
def test_a_checkpoint_with_a_pickle(
    tmp_path: Path, marker: Path, archive: bytes, name: str, make_tokens: Callable[..., Path], world: Any
) -> None:
    """CVE-2026-1839, CVE-2026-31253, DeepSpeed's `weights_only=False`. Its manifest vouches for the pickle, as a thief's would."""
    run = Run(tmp_path / "run", make_tokens(), world)
    whole = run.train(run.trainer())
    newest = max((run.folder / "checkpoints").iterdir())
    assert (newest / "manifest.json").exists()
    (newest / name).write_bytes(archive)
    told = json.loads((newest / "manifest.json").read_text())
    (newest / "manifest.json").write_text(json.dumps(told | {name: digest_file(newest / name)}))
    if name in told:
        with pytest.raises((SafetensorError, UnicodeDecodeError, ValueError)):
            run.train(run.trainer())
    else:
        assert run.train(run.trainer()).updates == whole.updates  # it is not looked at
    assert not marker.exists()
