"""The spec as frozen data."""

from ryot.spec.spec import Spec

__all__ = ["Spec"]
