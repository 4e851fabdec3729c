"""`python -m ryot.stages.lean MODULE ARGUMENT...`: `python -m MODULE`, without what transformers imports and we never use.

transformers imports scikit-learn for one function of assisted generation and SciPy for boxes in pictures, where they are installed, and
with them pandas: a fifth of the start of every rank. Should transformers come to ask otherwise, this does nothing. And Python's
collector of cycles looks seldom (`ryot.stages.collector`), until what is run calls `as_usual` or asks for a full look.
"""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType, TracebackType

from ryot.stages import collector

MODULE = "ryot.stages.lean"
"""The name of this module, to be started by."""
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


def shown(trace: TracebackType | None) -> TracebackType | None:
    """A traceback from the module's own first line on: of a rank the last lines of its log are shown, and these would fill them."""
    while trace and trace.tb_next and trace.tb_frame.f_code.co_filename in (__file__, "<frozen runpy>"):
        trace = trace.tb_next
    return trace


if __name__ == "__main__":
    sys.excepthook = lambda kind, error, trace: traceback.print_exception(kind, error, shown(trace))
    sys.meta_path.insert(0, _Unseen())
    collector.rarely()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
