"""What a rank does not import, though it is installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize("module", ["ryot.stages.train.rank", "ryot.generator.main"])
def test_rank_starts_without_what_it_never_uses(module: str) -> None:
    said = f"import {module}, sys; print(sorted({{name.partition('.')[0] for name in sys.modules}} & {{'sklearn', 'scipy', 'pandas'}}))"
    lean = "import sys; from ryot.stages.lean import _Unseen; sys.meta_path.insert(0, _Unseen()); "
    done = subprocess.run([sys.executable, "-c", lean + said], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"  # DeepSpeed says something first


def test_module_is_run_as_ever() -> None:
    done = subprocess.run([sys.executable, "-m", "ryot.stages.lean", "calendar", "2026", "11"], capture_output=True, text=True, check=True)
    assert "November 2026" in done.stdout
