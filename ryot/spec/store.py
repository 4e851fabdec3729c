"""`store`: a share beside the local store. Changes no result, and enters no key."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from ryot.spec.section import Section

_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*://")


def share_url(text: str) -> str:
    """The address of a share, as it was written. Raises ValueError, which does not show it, for one that is none or may hold a secret."""
    if not _SCHEME.match(text) or not text.isprintable() or "::" in text:
        raise ValueError("write the address of a share as s3://bucket/prefix or file:///folder")
    if "@" in text:
        raise ValueError("has a user or a password in it; give these in the environment, or in fsspec's configuration")
    parts = urlsplit(text)
    if parts.query or parts.fragment:
        raise ValueError("has a `?` or a `#` in it; give options in the environment, or in fsspec's configuration")
    local = parts.scheme in ("file", "local")
    if ".." in parts.path.split("/") or not (parts.netloc or parts.path.strip("/")) or (local and parts.netloc):
        raise ValueError("names no place of its own; write s3://bucket/prefix or file:///folder")
    return text


class SharedStore(Section):
    """Where finished nodes are put for other machines, and looked for before they are made."""

    share: Annotated[str, AfterValidator(share_url)] | None = None
    """The address of a share that fsspec knows: `s3://bucket/prefix`, `file:///folder`. Credentials come from the environment."""
    pool: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9_\-]{0,63}$")
    """A name for machines that may stand for one another: what measures speed, and what is made of it, is taken from those of the same
    device. By default a machine takes these from itself only."""
