"""The eight sources of the usual mixture as presets, and the gate: what was withdrawn or is gated, and what stands in for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Gate:
    """Why a data set of the hub cannot simply be read, and what to write instead."""

    state: Literal["withdrawn", "gated"]
    why: str
    substitute: str


# Books3: its page says "defunct and no longer accessible due to reported copyright infringement" (huggingface.co/datasets/the_pile_books3).
_BOOKS3 = Gate(
    "withdrawn",
    "Books3 was withdrawn over copyright",
    "`hub: common-pile/project_gutenberg`, books in the public domain",
)
# The Pile: "no longer hosted or distributed", says its host's readme (github.com/EleutherAI/the-pile/issues/53). The copy without the
# parts under copyright is what others went to (github.com/deepspeedai/Megatron-DeepSpeed/issues/233).
_PILE = Gate(
    "withdrawn",
    "the original Pile was withdrawn: it holds Books3",
    "`hub: monology/pile-uncopyrighted`, the Pile without the parts under copyright, or the openly licensed `hub: common-pile/...`",
)
# StarCoder data is a part of The Stack, which is handed out to those who accept its terms; the Common Pile's code is openly licensed
# and not gated (huggingface.co/common-pile).
_STARCODER = Gate(
    "gated",
    "StarCoder's data are gated: accept their terms on their page on the hub, set HF_TOKEN, and write `accept_terms: true`",
    "`hub: common-pile/stackv2_edu_filtered`, openly licensed code",
)
GATES: dict[str, Gate] = {
    "the_pile_books3": _BOOKS3,
    "defunct-datasets/the_pile_books3": _BOOKS3,
    "the_pile": _PILE,
    "eleutherai/pile": _PILE,
    "eleutherai/the_pile": _PILE,
    "bigcode/starcoderdata": _STARCODER,
}
"""By the name on the hub, in small letters."""

SOURCES: dict[str, dict[str, object]] = {
    "c4": {"hub": "allenai/c4:en", "tokens": "156B", "licence": "ODC-BY"},
    "pile": {"hub": "EleutherAI/pile", "tokens": "300B", "licence": "withdrawn"},
    "starcoder": {"hub": "bigcode/starcoderdata", "tokens": "250B", "licence": "gated: its terms on the hub", "text_field": "content"},
    "books3": {"hub": "the_pile_books3", "tokens": "26B", "licence": "withdrawn"},
    "wikipedia": {"hub": "wikimedia/wikipedia:20231101.en", "tokens": "3.5B", "licence": "CC-BY-SA-3.0"},
    "arxiv": {"hub": "common-pile/arxiv_papers", "tokens": "15B", "licence": "open licences"},
    "openwebtext": {"hub": "Skylion007/openwebtext", "tokens": "8B", "licence": "CC0"},
    "stackexchange": {"hub": "common-pile/stackexchange", "tokens": "5B", "licence": "CC-BY-SA-4.0"},
}
"""Token counts are those of the mixture's description; what the hub holds today may differ."""


def from_preset(fields: dict[str, object]) -> dict[str, object]:
    """The fields of a source with those of its preset filled in. Raises ValueError for a preset that is not known or named twice."""
    name = fields["preset"]
    preset = SOURCES.get(name) if isinstance(name, str) else None
    if preset is None:
        raise ValueError(f"unknown preset {name!r}; there are {', '.join(SOURCES)}")
    if fields.get("hub") not in (None, preset["hub"]):
        raise ValueError(f"preset {name} is {preset['hub']} on the hub; leave one of preset and hub out")
    return {**preset, **{key: value for key, value in fields.items() if value is not None}}


def refuse_gated(hub: str, accepted: bool) -> None:
    """Raise ValueError, with what to write instead, for a data set that was withdrawn, or whose terms the spec does not accept."""
    gate = GATES.get(hub.partition(":")[0].lower())
    if gate is not None and not (gate.state == "gated" and accepted):
        raise ValueError(f"{gate.why}; or use {gate.substitute}" if gate.state == "gated" else f"{gate.why}; use {gate.substitute}")


def from_address(fields: dict[str, object]) -> dict[str, object]:
    """`hub: hf://datasets/owner/name@revision` as hub and revision. Raises ValueError when the revision is given twice."""
    written = fields.get("hub")
    if not isinstance(written, str):
        return fields
    name, _, revision = written.removeprefix("hf://").removeprefix("datasets/").partition("@")
    if not revision:
        return {**fields, "hub": name}
    if fields.get("revision") not in (None, revision):
        raise ValueError(f"the revision is {revision} in hub and {fields['revision']} in revision; leave one out")
    return {**fields, "hub": name, "revision": revision}
