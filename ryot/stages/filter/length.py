"""`filter.length`: neither too short nor too long."""

from ryot.stages.filter.settings import Length
from ryot.stages.filter.verdict import Dropped, Judge, Verdict, each


def judge(settings: Length) -> Judge:
    """The filter of these settings."""

    def measured(text: str) -> Verdict:
        if len(text) < settings.min:
            return Dropped("too_short", f"{len(text)} characters, fewer than {settings.min}")
        if len(text) > settings.max:
            return Dropped("too_long", f"{len(text)} characters, more than {settings.max}")
        return text

    return each(measured)
