"""Jobs as processes of this machine are held to what every backend is held to."""

from pathlib import Path

import pytest

from ryot.backends.local import LocalBackend
from ryot.plugins.testing import check_backend


@pytest.mark.heavy
def test_local_is_a_backend(tmp_path: Path) -> None:
    check_backend(LocalBackend, tmp_path / "jobs")
