"""Psychology: schedules and laws found in observations, causes of rewards and reaction times."""

from fractions import Fraction
from random import Random

from ryot.stages.data.generator.domains import psychology_threshold
from ryot.stages.data.generator.facts.psychology import RELATIONS, STUDIES
from ryot.stages.data.generator.facts.relation import check_related, relate
from ryot.stages.data.generator.facts.riddle import check_explained, explain
from ryot.stages.data.generator.problem import Problem, Template, numbers, numeric, quantity

_MS, _REWARDS = "{} ms", "{} rewards"


def learned(rng: Random, level: int) -> Problem:
    """A fixed ratio (Ferster and Skinner 1957); scanning of memory (Sternberg 1966); choice (Hick 1952); forgetting and relearning."""
    return (_ratio, _scan, _hick, _errors)[level](rng)


def _ratio(rng: Random) -> Problem:
    ratio, first = rng.randint(3, 40), rng.randint(1, 4)
    seen = [ratio * (first + k) for k in range(3)]
    ahead = rng.randint(1, 3)
    value = ratio * (first + 2 + ahead)
    which = ("next", "second next", "third next")[ahead - 1]
    question = f"A rat is fed after presses {seen[0]}, {seen[1]} and {seen[2]}. After which press does the {which} food come?"
    steps = (
        f"{seen[1]} - {seen[0]} = {seen[2]} - {seen[1]} = {ratio}",
        f"rule: fixed ratio {ratio}",
        f"{seen[2]} + {ahead} * {ratio} = {value}",
    )
    mistakes = (value + 1, seen[2] * 2, value + ratio, value - ratio)
    return numeric(question, steps, value, "press {}", mistakes, f"{value} / {ratio} = {value // ratio}, a whole number")


def _scan(rng: Random) -> Problem:
    base, each, start = 10 * rng.randint(30, 55), rng.choice((30, 35, 38, 40, 42, 45)), rng.randint(1, 3)
    sizes = (start, start + 1, start + 3)
    seen = [base + each * size for size in sizes]
    asked = sizes[2] + rng.randint(1, 4)
    value = base + each * asked
    told = ", ".join(f"{time} with {size}" for time, size in zip(seen, sizes, strict=True))
    question = f"Scanning memory takes, in ms, {told} items. How long with {asked} items?"
    steps = (
        f"{seen[1]} - {seen[0]} = {each} an item",
        f"two more: {2 * each}",
        f"{seen[2]} + {asked - sizes[2]} * {each} = {value}",
    )
    mistakes = (seen[2] + each * asked, value + each, each * asked, Fraction(seen[2] * asked, sizes[2]))
    return numeric(question, steps, value, _MS, mistakes, f"({value} - {seen[0]}) / {asked - start} = {each}")


def _hick(rng: Random) -> Problem:
    base, each, ahead = 10 * rng.randint(15, 30), 10 * rng.randint(8, 22), rng.randint(1, 2)
    seen = [base + each * bits for bits in (1, 2, 3)]
    asked, value = 2 ** (3 + ahead), base + each * (3 + ahead)
    question = f"Choosing among 2, 4 and 8 lights takes {seen[0]}, {seen[1]} and {seen[2]} ms. How long among {asked}?"
    steps = (
        f"each doubling adds {each} ms",
        f"8 to {asked}: {ahead} doubling{'s' * (ahead > 1)}",
        f"{seen[2]} + {ahead} * {each} = {value}",
    )
    mistakes = (seen[2] * asked // 8, seen[2] + each * (asked - 8) // 2, value + each, value - each)
    return numeric(question, steps, value, _MS, mistakes, f"{value} - {2 + ahead} * {each} = {seen[0]}")


def _errors(rng: Random) -> Problem:
    last, ahead = rng.randint(1, 12), rng.randint(1, 3)
    floor = rng.randint(1, 20)
    seen = [floor + last * 2 ** (ahead + 2 - k) for k in range(3)]
    value = floor + last
    told = f"Daily errors: {seen[0]}, {seen[1]}, {seen[2]}; each fall is half the one before."
    question = f"{told} How many {ahead + 2} days after the first?"
    drops = [last * 2 ** (ahead - 1 - k) for k in range(ahead)]
    steps = (
        f"falls: {seen[0] - seen[1]}, {seen[1] - seen[2]}",
        f"next falls: {', '.join(map(str, drops))}",
        f"{seen[2]} - {sum(drops)} = {value}",
    )
    mistakes = (seen[2] - ahead * (seen[1] - seen[2]), Fraction(seen[2], 2**ahead), seen[2] - drops[0], value + 1, value - 1)
    return numeric(
        question, steps, value, "{} errors", mistakes, f"{value} + {sum(drops)} = {seen[2]}, and {drops[0]} * 2 = {seen[1] - seen[2]}"
    )


def check_learned(question: str, answer: str) -> bool:
    """The value, taken back along the rule, meets the first observation."""
    given = numbers(question)
    if "rat" in question:
        value = quantity(answer, "press {}")
        steps = 2 + ("next", "second next", "third next").index(question.rpartition(" the ")[2].removesuffix(" food come?")) + 1
        return value is not None and (value - given[0]) == steps * (given[1] - given[0])
    if "Scanning" in question:
        value = quantity(answer, _MS)
        return value is not None and value - given[0] == (given[2] - given[0]) * (given[6] - given[1])
    if "lights" in question:
        value, each = quantity(answer, _MS), given[4] - given[3]
        lights = given[6]
        while value is not None and lights > 2:
            value, lights = value - each, lights / 2
        return value == given[3]
    value, fall = quantity(answer, "{} errors"), given[1] - given[2]
    for _ in range(int(given[3]) - 2):
        fall = fall / 2
        value = None if value is None else value + fall
    return value == given[2]


def effect(rng: Random, level: int) -> Problem:
    """Rewards on a fixed ratio; a ratio changed; a longer list to scan; two causes at once, which add up (Sternberg 1969)."""
    each, size, more, base = rng.choice((30, 35, 38, 40, 45, 50)), rng.randint(1, 5), rng.randint(2, 7), 10 * rng.randint(35, 70)
    if level < 2:
        return _rewards(rng, level)
    told = f"Each item to scan costs {each} ms. With {size} it takes {base + each * size} ms."
    added = each * more
    if level == 2:
        value = base + each * (size + more)
        question = f"{told.replace('. With', '; with').replace('it takes', 'a test takes')} How long does it take with {size + more}?"
        steps: tuple[str, ...] = (
            f"{size + more} - {size} = {more} items more",
            f"{more} * {each} = {added} ms",
            f"{base + each * size} + {added} = {value}",
        )
        mistakes: tuple[Fraction | int, ...] = (base + each * size + each * (size + more), value + each, base + added)
        return numeric(question, steps, value, _MS, mistakes, f"{value} - {added} = {base + each * size}")
    blur = rng.choice((40, 50, 60, 70, 80, 90, 100, 120))
    value = base + each * (size + more) + blur
    question = f"{told} A blurred probe adds {blur} ms. How long with {size + more} and a blurred probe?"
    steps = (
        f"{more} more: {more} * {each} = {added}",
        f"blur: {blur}, apart from it",
        f"{base + each * size} + {added} + {blur} = {value}",
    )
    mistakes = (value - blur, value + blur * more, base + each * size + blur)
    return numeric(question, steps, value, _MS, mistakes, f"{value} - {blur} - {added} = {base + each * size}")


def _rewards(rng: Random, level: int) -> Problem:
    ratio, rewards = rng.randint(2, 15), rng.randint(4, 40)
    presses = ratio * rewards
    if level == 0:
        question = f"Food comes after every {ratio} presses. A rat presses {presses} times. How many rewards does it cause?"
        steps: tuple[str, ...] = ("each full ratio causes one", f"{presses} / {ratio}", f"= {rewards}")
        return numeric(question, steps, rewards, _REWARDS, (presses - ratio, presses, rewards + ratio), f"{rewards} * {ratio} = {presses}")
    factor = rng.choice((2, 3, 4, 5))
    rewards *= factor
    presses *= factor
    lost = rewards - rewards // factor
    question = f"A rat presses {presses} times at a ratio of {ratio}. By how much do rewards fall at a ratio of {ratio * factor}?"
    steps = (
        f"before: {presses} / {ratio} = {rewards}",
        f"after: {presses} / {ratio * factor} = {rewards // factor}",
        f"{rewards} - {rewards // factor} = {lost}",
    )
    mistakes = (rewards // factor, rewards, Fraction(presses, ratio * (factor - 1)))
    return numeric(question, steps, lost, "{} fewer", mistakes, f"({rewards} - {lost}) * {ratio * factor} = {presses}")


def check_effect(question: str, answer: str) -> bool:
    """The effect taken away leads back to the time or the presses there were."""
    given = numbers(question)
    if "How many rewards" in question:
        rewards = quantity(answer, _REWARDS)
        return rewards is not None and rewards * given[0] == given[1]
    if "fall" in question:
        fewer, (presses, before, after) = quantity(answer, "{} fewer"), given
        return fewer is not None and (presses / before - fewer) * after == presses
    time, (each, size, taken, *rest) = quantity(answer, _MS), given
    blur = rest[0] if "blur" in question else 0
    return time is not None and time - blur - taken == each * (rest[-1] - size)


TEMPLATES = (
    Template("learned", "psychology", "inductive", learned, check_learned),
    Template("studies", "psychology", "abductive", explain(STUDIES), check_explained(STUDIES)),
    Template("minds", "psychology", "analogical", relate(RELATIONS), check_related(RELATIONS)),
    Template("rewards", "psychology", "causal", effect, check_effect),
    *psychology_threshold.TEMPLATES,
)
