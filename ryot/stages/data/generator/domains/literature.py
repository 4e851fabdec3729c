"""Literature: years between first editions whose imprints are named below; metre, checked by counting every syllable."""

from random import Random

from ryot.stages.data.generator.domains import literature_reasoning
from ryot.stages.data.generator.domains.timeline import Fact, check_moved, moved
from ryot.stages.data.generator.facts.chain import check_traced, trace
from ryot.stages.data.generator.facts.dated import audit_dates, check_dates
from ryot.stages.data.generator.facts.literature import BOOKS, CHAINS, RELATIONS
from ryot.stages.data.generator.facts.relation import check_related, relate
from ryot.stages.data.generator.facts.riddle import check_explained, explain
from ryot.stages.data.generator.problem import Problem, Template, numbers, numeric, quantity

_IMPRINT = "year on the title page of the first edition"
WORKS = tuple(
    Fact(title, year, f"{_IMPRINT}: {imprint}")
    for title, year, imprint in (
        ("Don Quixote", 1605, "Madrid, Juan de la Cuesta"),
        ("Robinson Crusoe", 1719, "London, W. Taylor"),
        ("Gulliver's Travels", 1726, "London, Benj. Motte"),
        ("Candide", 1759, "Geneva, Cramer"),
        ("Pride and Prejudice", 1813, "London, T. Egerton"),
        ("Frankenstein", 1818, "London, Lackington"),
        ("Jane Eyre", 1847, "London, Smith, Elder"),
        ("Wuthering Heights", 1847, "London, T. C. Newby"),
        ("Moby-Dick", 1851, "New York, Harper"),
        ("Walden", 1854, "Boston, Ticknor and Fields"),
        ("Leaves of Grass", 1855, "Brooklyn, the author"),
        ("Madame Bovary", 1857, "Paris, Michel Levy"),
        ("A Tale of Two Cities", 1859, "London, Chapman and Hall"),
        ("Les Miserables", 1862, "Brussels, Lacroix"),
        ("The Moonstone", 1868, "London, Tinsley"),
        ("Treasure Island", 1883, "London, Cassell"),
        ("The Time Machine", 1895, "London, Heinemann"),
        ("Dracula", 1897, "London, Constable"),
        ("Ulysses", 1922, "Paris, Shakespeare and Company"),
        ("The Great Gatsby", 1925, "New York, Scribner"),
        ("The Hobbit", 1937, "London, Allen and Unwin"),
        ("Animal Farm", 1945, "London, Secker and Warburg"),
        ("The Old Man and the Sea", 1952, "New York, Scribner"),
        ("Things Fall Apart", 1958, "London, Heinemann"),
    )
)
FEET = {"iambic": 2, "trochaic": 2, "anapestic": 3, "dactylic": 3}
METRES = {"dimeter": 2, "trimeter": 3, "tetrameter": 4, "pentameter": 5, "hexameter": 6}
_SYLLABLES, _LINES, _MORE = "{} syllables", "{} lines", "{} syllables more"


def metre(rng: Random, level: int) -> Problem:
    """Syllables of a stanza; with some lines cut short; two metres in turn; the same lines in another metre."""
    foot, name = rng.choice(tuple(FEET)), rng.choice(tuple(METRES))
    lines = rng.randint(3, 60)
    if level == 0:
        return _full(lines, foot, name)
    if level == 1:
        return _cut(lines, rng.randint(1, lines - 1), foot, name)
    other = rng.choice([another for another in METRES if another != name])
    return _in_turn(lines, foot, name, other) if level == 2 else _other(lines, foot, name, other)


def _full(lines: int, foot: str, name: str) -> Problem:
    size, feet, line = FEET[foot], METRES[name], FEET[foot] * METRES[name]
    question = f"How many syllables have {lines} full lines of {foot} {name}?"
    steps = (_line(foot, name), f"{lines} * {line}", f"= {lines * line}")
    mistakes = (lines * feet, lines * (line + 1), lines * size)
    return numeric(question, steps, lines * line, _SYLLABLES, mistakes, f"{lines * line} / {line} = {lines} lines")


def _cut(lines: int, cut: int, foot: str, name: str) -> Problem:
    line = FEET[foot] * METRES[name]
    total = lines * line - cut
    question = f"Of {lines} lines of {foot} {name}, {cut} lack their last syllable. How many syllables are there?"
    steps = (_line(foot, name), f"full: {lines} * {line} = {lines * line}", f"less {cut}: {total}")
    mistakes = (lines * line, (lines - cut) * line, total + 2 * cut)
    return numeric(question, steps, total, _SYLLABLES, mistakes, f"({total} + {cut}) / {line} = {lines}")


def _in_turn(pairs: int, foot: str, name: str, other: str) -> Problem:
    line, second = FEET[foot] * METRES[name], FEET[foot] * METRES[other]
    pair = line + second
    total = pairs * pair
    question = f"A poem of {total} syllables has lines of {foot} {name} and {foot} {other} in turn. How many lines?"
    steps = (
        _line(foot, name),
        f"{other}: {second} syllables",
        f"{total} / ({line} + {second}) = {pairs} pairs",
        f"2 * {pairs} = {2 * pairs}",
    )
    return numeric(question, steps, 2 * pairs, _LINES, (pairs, total // line, 2 * pairs + 2), f"{pairs} * {pair} = {total}")


def _other(lines: int, foot: str, name: str, other: str) -> Problem:
    size = FEET[foot]
    short, long = sorted((name, other), key=METRES.__getitem__)
    low, high = METRES[short], METRES[long]
    more = lines * size * (high - low)
    question = f"Were a poem of {lines} full lines in {foot} {long} instead of {foot} {short}, how many syllables more would it have?"
    steps = (f"a foot has {size} syllables", f"{long} has {high} feet, {short} {low}", f"{lines} * {size} * {high - low} = {more}")
    mistakes = (lines * (high - low), lines * size * high, lines * size * low)
    return numeric(question, steps, more, _MORE, mistakes, f"{lines * size * low} + {more} = {lines * size * high}")


def _line(foot: str, name: str) -> str:
    return f"a line: {METRES[name]} feet of {FEET[foot]} = {FEET[foot] * METRES[name]} syllables"


def check_metre(question: str, answer: str) -> bool:
    """Poems written out foot by foot, and their syllables counted."""
    words = question.replace(",", "").replace("?", "").split()
    pattern = {"iambic": "xX", "trochaic": "Xx", "anapestic": "xxX", "dactylic": "Xxx"}
    foot = next(pattern[word] for word in words if word in pattern)
    named = [foot * METRES[word] for word in words if word in METRES]
    given = [int(number) for number in numbers(question)]
    if "in turn" in question:
        lines = quantity(answer, _LINES)
        if lines is None or lines % 2 or lines < 0:
            return False
        return len("".join(named[place % 2] for place in range(int(lines)))) == given[0]
    if "Were" in question:
        return quantity(answer, _MORE) == len(named[0] * given[0]) - len(named[1] * given[0])
    poem = named * given[0]
    short = given[1] if "lack" in question else 0
    poem = [line[:-1] for line in poem[:short]] + poem[short:]
    return quantity(answer, _SYLLABLES) == len("".join(poem))


TEMPLATES = (
    Template("metre", "literature", "deductive", metre, check_metre),
    Template("books", "literature", "abductive", explain(BOOKS), check_explained(BOOKS)),
    Template("letters", "literature", "analogical", relate(RELATIONS), check_related(RELATIONS)),
    Template("plot", "literature", "causal", trace(CHAINS), check_traced(CHAINS)),
    Template("editions", "literature", "counterfactual", moved(WORKS), check_moved),
    Template("imprints", "literature", "meta", audit_dates(WORKS), check_dates(WORKS)),
    *literature_reasoning.TEMPLATES,
)
