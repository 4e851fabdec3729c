"""Which share an apply or a plan deals with: the one of the command line, else the spec's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ryot.engine.sharing import Sharer, Sharing
from ryot.errors import SpecError
from ryot.plan.plan import Plan
from ryot.spec.load import Loaded
from ryot.spec.secrets import refuse_secrets
from ryot.spec.store import share_url
from ryot.store.share import Share
from ryot.store.store import Store

F = TypeVar("F", bound=Callable[..., Any])
NONE = "none"


def share_option(function: F) -> F:
    """--share."""
    text = "Look for finished nodes here and put them here, as s3://bucket/prefix; `none`: not even where the spec says."
    return click.option("--share", "url", metavar="URL", help=text)(function)


def sharer_of(loaded: Loaded, url: str | None) -> Sharer | None:
    """The share, if one is named. Raises SpecError for an address that is none or has a password in it, which it does not show, and
    MachineError where what reads such addresses is not installed."""
    settings = loaded.spec.store
    if url == NONE or (url is None and settings.share is None):
        return None
    if url is not None:
        refuse_secrets(url, "--share")
        try:
            url = share_url(url)
        except ValueError as error:
            raise SpecError(f"--share: {error}") from None
    return Sharer(Share(url or str(settings.share)), settings.pool)


def sharing_of(sharer: Sharer | None, plan: Plan, store: Store) -> Sharing:
    """The dealings of a plan that is only looked at."""
    sharing = Sharing(sharer, store)
    sharing.plan(plan)
    return sharing
