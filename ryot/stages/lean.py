"""`python -m ryot.stages.lean MODULE ARGUMENT...`: `python -m MODULE`, without what transformers imports and we never use.

transformers imports scikit-learn for one function of assisted generation and SciPy for boxes in pictures, where they are installed, and
with them pandas: a fifth of the start of every rank. Should transformers come to ask otherwise, this does nothing.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

_ASKS = {
    "transformers.generation.candidate_generator": "is_sklearn_available",
    "transformers.loss.loss_for_object_detection": "is_scipy_available",
}
"""By which function of transformers.utils a module learns, while it is imported, what there is."""


class _Unseen(MetaPathFinder):
    """Finds nothing itself: when a module that asks is about to be imported, it is told that there is nothing."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname in _ASKS:
            setattr(sys.modules["transformers.utils"], _ASKS[fullname], lambda: False)


if __name__ == "__main__":
    sys.meta_path.insert(0, _Unseen())
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
