"""Python's collector of cycles, while a program imports: it looks again and again through all there is, hundreds of thousands of objects
that stay. Without, the imports of a rank take 3.5 s of CPU for 4.2, those of vLLM's server and of its engine 8.3 s for 10.1 each.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any

_IMPORTED = 500_000
"""About as many objects as a rank imports."""
_usual = gc.get_threshold()


def rarely() -> None:
    """Look for cycles seldom from now on, until `as_usual`, or until the program asks for a full look, as vLLM does once it is up."""
    gc.set_threshold(_IMPORTED)
    if _seen not in gc.callbacks:
        gc.callbacks.append(_seen)


def as_usual() -> None:
    """Look as often as Python does, and at nothing of what there is now. Nothing else than that where `rarely` was not called."""
    if _seen in gc.callbacks:
        gc.freeze()
        _put_back()


def _seen(phase: str, info: Mapping[str, Any]) -> None:
    if phase == "stop" and info["generation"] == 2:  # of 0, 1 and 2, which is all
        _put_back()


def _put_back() -> None:
    gc.callbacks.remove(_seen)
    gc.set_threshold(*_usual)
