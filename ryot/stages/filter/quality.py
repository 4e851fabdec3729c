"""`filter.quality`: the rules of Gopher, then those of C4 on what they leave."""

from collections.abc import Mapping, Sequence

from ryot.stages.filter import c4, gopher
from ryot.stages.filter.settings import Quality
from ryot.stages.filter.verdict import Dropped, Judge, Verdict
from ryot.stages.filter.words import blank_parted


def judge(settings: Quality) -> Judge:
    """The filter of these settings."""
    rules = {name: rule for name, rule in gopher.RULES.items() if name not in settings.without}
    lines = frozenset((*c4.LINE_RULES, *c4.TEXT_RULES)) - frozenset(settings.without)

    def judged(texts: Sequence[str]) -> list[Verdict]:
        failed = _failed(texts, {name: rule for name, rule in rules.items() if name not in gopher.COSTLY})
        passed = [number for number in range(len(texts)) if number not in failed]
        costly = {name: rule for name, rule in rules.items() if name in gopher.COSTLY}
        failed |= {passed[place]: why for place, why in _failed([texts[number] for number in passed], costly).items()}
        return [failed.get(number) or (c4.cleaned(text, lines) if lines else text) for number, text in enumerate(texts)]

    return judged


def _failed(texts: Sequence[str], rules: Mapping[str, gopher.Rule]) -> dict[int, Dropped]:
    """The first rule that each text fails."""
    failed: dict[int, Dropped] = {}
    if texts and rules:
        words = blank_parted(texts)
        for name, rule in rules.items():
            for number, why in rule(words).items():
                failed.setdefault(number, Dropped(name, why))
    return failed
