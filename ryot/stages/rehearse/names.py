"""The nodes of a rehearsal by name. Apart from its stage, which asks the train stage for nodes that come after these."""

from ryot.plugins import Spec

PREFIX = "rehearsal."
TWIN = {"train": "train", "train.optimized": "train", "export": "export", "serve": "serve", "evaluate": "evaluate"}
"""The twin's nodes that are taken, and what they are called after the prefix. The baseline is not: it has less to break."""


def last_checks(spec: Spec) -> tuple[str, ...]:
    """The rehearsal's last nodes, after which training may begin; none where the spec has no rehearsal."""
    if spec.rehearse is None:
        return ()
    end = ["evaluate"] if spec.serve is not None else ["export"] if spec.export is not None else []
    return tuple(PREFIX + name for name in ("save", "resume", *end))
