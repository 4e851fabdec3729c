"""`filter.quality`: the rules of Gopher, then those of C4 on what they leave."""

from collections.abc import Sequence

from ryot.stages.filter import c4, gopher
from ryot.stages.filter.settings import Quality
from ryot.stages.filter.verdict import Dropped, Judge, Verdict
from ryot.stages.filter.words import blank_parted


def judge(settings: Quality) -> Judge:
    """The filter of these settings."""
    rules = {name: rule for name, rule in gopher.RULES.items() if name not in settings.without}
    lines = frozenset((*c4.LINE_RULES, *c4.TEXT_RULES)) - frozenset(settings.without)

    def judged(texts: Sequence[str]) -> list[Verdict]:
        words = blank_parted(texts)
        failed: dict[int, Dropped] = {}
        for name, rule in rules.items():
            for number, why in rule(words).items():
                failed.setdefault(number, Dropped(name, why))
        return [failed.get(number) or (c4.cleaned(text, lines) if lines else text) for number, text in enumerate(texts)]

    return judged
