"""Other words for the same: phrases, and forms of questions, as patterns with what may stand in their place.

A phrase must mean the same in any sentence that it may stand in. Numbers, names, signs, negations and comparisons are kept
by the guard in `paraphrased`, whatever stands here.
"""

import re

_UNIT = r"(second|minute|hour|day|week|month|year|side|round|unit|person|visitor|student|box|row|step|trial|line)"
_TIME = r"(s|hours|years|days|minutes|seconds|weeks|months)"

_NO_NOUN = (
    r"to |been |just |not |no |[a-z]+ed |(?:sold|made|had|run|won|lost|grown|risen|fallen|taken|given|paid|spent|found|left|kept|bought) "
)

_PHRASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (rf"\beach {_UNIT}\b", (r"every \1",)),
    (rf"\bevery {_UNIT}\b", (r"each \1",)),
    (rf"\bafter (\d[\d.]*) {_TIME}\b", (r"once \1 \2 have passed", r"when \1 \2 are over")),
    (rf"\bfor (\d[\d.]*) {_TIME}\b(?! old)", (r"over \1 \2", r"during \1 \2")),
    (r"\bHow often is (\w+) called\b", (r"How many times is \1 called", r"How many calls of \1 are made")),
    (r"\b(H|h)ow likely\b", (r"\1ow probable",)),
    (r"\b(W|w)hat is the (?:chance|probability) that\b", (r"\1ith what probability is it true that",)),
    (r"\bthe chance\b", ("the probability",)),
    (r"\bthe probability\b", ("the chance",)),
    (r"\bWhat percent of\b", ("Which percentage of", "What share, in percent, of")),
    (r"\bIs (.+) true or false\?", (r"Decide whether \1 is true or false.", r"Say whether \1 is true or false.")),
    (r"\bWhich came first\?", ("Which is the earliest?", "Name the earliest.")),
    (r"\bWhat follows\?", ("Which conclusion holds?", "What can be concluded?", "Draw the conclusion.")),
    (r"\b(H|h)ow many years lie between them\?", (r"\1ow many years are they apart?", r"\1ow many years separate the two?")),
    (r"\bSolve for x: (.+)\.$", (r"For which x is \1?", r"Find the x with \1.", r"Which value of x gives \1?")),
    (r"\bin (decimal|binary)\?", (r"as a \1 number?", r"written as a \1?")),
    (r"\bmoves at a steady\b", ("goes at a constant", "travels at a uniform")),
    (r"\bspeeds up by (\d[\d.]* m/s)", (r"accelerates by \1", r"gains \1")),
    (r"\bare mixed\b", ("are poured together",)),
    (r"\bfixed number\b", ("constant number", "certain number")),
    (r"\bfixed costs\b", ("standing costs",)),
    (r"\bdrug is given at\b", ("drug is prescribed at",)),
    (r"\bA patient weighs (\d[\d.]*) kg and\b", (r"A patient of \1 kg",)),
    (r"\bappeared in (\d{4})\b", (r"came out in \1", r"was published in \1")),
    (r"\bdates from (\d{4})\b", (r"is dated to \1", r"belongs to the year \1")),
    (r"\bas many of each\b", ("the same number of each",)),
    (r"\bmeanwhile\?", ("in that time?", "during this?")),
    (r"\bis left(?= after| of| over| when|[?.,])", ("remains",)),
    (r"\bare left(?= after| of| over| when|[?.,])", ("remain",)),
    (r"\b(load of \d[\d.]* N) stands\b", (r"\1 is put",)),
    (r"\bbeam rests on\b", ("beam is carried by", "beam lies on")),
    (r"\bat its ends\b", ("at either end",)),
    (r"\bA shop sells\b", ("A store sells",)),
    (r"\bcost (\d[\d.]*) each\b", (r"cost \1 apiece",)),
    (r"\bis needed to\b", ("is required to",)),
    (r"\bhave to\b", ("must",)),
    (r"\b(?:chosen|picked) at random\b", ("drawn at random", "taken at random")),
    (r"\bdrawn at random\b", ("picked at random", "taken at random")),
    (r"\bbegins\b", ("starts",)),
    (r"\bstarts\b", ("begins",)),
    (r"\bbegan\b", ("started",)),
    (r"\bbuys\b", ("purchases",)),
    (r"\b(?:in total|altogether)(?=[?.,])", ("in all", "overall")),
    (r"\bin all(?=[?.,])", ("in total", "altogether")),
    (r"\b(H|h)ow many times\b", (r"\1ow often",)),
    (r"\bexactly\b", ("precisely",)),
    (r"\b(M|m)ost likely\b", (r"\1ost probably",)),
    (r"\bbest explains\b", ("explains best",)),
    (r"\binstead of\b", ("rather than",)),
    (r"\brather than\b", ("instead of",)),
    (r"\btherefore\b", ("hence",)),
    (r"^What is to (.+?) as (.+?) is to (.+?)\?$", (r"Just as \2 is to \3, what is to \1?",)),
    (rf"\bA(n?) ([a-z -]+?) has (?!{_NO_NOUN})((?:[a-z-]+ ){{1,3}}\d.*?)\. (?=[A-Z])", (r"Take a\1 \2 with \3. ",)),
    (r"\bis multiplied by (\d[\d.]*)", (r"rises by a factor of \1", r"grows \1-fold")),
    (r"\bis divided by (\d[\d.]*)", (r"falls by a factor of \1", r"is cut by a factor of \1")),
    (r"\bIf (its [^?.]+), what is (its [a-z -]+)\?", (r"What is \2 if \1?", r"When \1, what is \2?")),
    (r"\bWhat comes next\?", ("What is the next value?", "Which value follows?", "Name the value after these.")),
    (r"\bHad (.+?) been ([^,?.]+), ", (r"If \1 had been \2, ", r"Suppose \1 had been \2: ")),
    (r"\bIf (.+?) were ([^,?.]+), ", (r"Were \1 \2, ", r"Suppose \1 were \2: ")),
)
PHRASES = tuple((re.compile(pattern), others) for pattern, others in _PHRASES)
"""Each applied at most once to a question."""

FIND = ("Find", "Work out", "Determine")
"""Ways to ask that are no question."""
_OPENERS = (
    "a an the of in at to one two three each every all both if for after when while from on during some no how what which who "
    "whose where why is are was were do does did find work determine give suppose given let say decide name draw solve use just "
    "take we with there it its this that these those he she they by under over between among about most many half once had than "
    "since because as and or but"
)
_NOT_TELLING = "take we with there of for if suppose given is are was were do does did find use solve by how what which who whose where why"
OPENERS = frozenset(_OPENERS.split())
"""Words that begin a sentence in capitals without being names."""
TELLING = OPENERS - frozenset(_NOT_TELLING.split())
"""Those which may stand after `Suppose` and `Given that`."""

_VERBS = (
    r"(?:be|have|need|take|get|give|cost|earn|reach|pay|weigh|last|fall|rise|lie|go|cover|hold|make|produce|contain|change|expect|see|find"
    r"|show|lose|gain|remain|stand|become|grow|bear|deliver|exceed|travel|run|use|yield|sell|buy|save|spend|differ|start|end|begin|require)"
)
_WHO = (
    rf"(?P<who>(?:it|they|he|she|that|this|there|these|[A-Z])(?= [a-z])|(?:the|an?|each|one|its) (?:[\w-]+ ){{0,3}}?[\w-]+(?= {_VERBS}\b))"
)
_AUXILIARY = r"is|are|was|were|do|does|did|will|would|can|could|must|should|has|have|had"
_HOW = rf"(?P<asked>(?:what|which|how)(?: (?!(?:{_AUXILIARY})\b)[\w-]+){{1,3}})"
_REST = r"(?P<rest>(?: [^?]*)?)\?"
_START = r"(?:^|(?<=[.;:,!?] ))"
WHAT_IS = re.compile(rf"{_START}what (?:is|are|was|were) (?P<thing>(?:the|its|their|his|her) [^?]+)\?", re.IGNORECASE)
"""`What is the mean score?`: Find the mean score."""
WHAT_DOES = re.compile(rf"{_START}{_HOW} (?P<aux>does|do) {_WHO} (?P<verb>[a-z]+){_REST}", re.IGNORECASE)
"""`How far does it go?`: Find how far it goes."""
WHAT_WOULD = re.compile(rf"{_START}(?:{_HOW}|(?P<what>what|how)) (?P<aux>will|would|can|could|must|should) {_WHO}{_REST}", re.IGNORECASE)
"""`What would the price be?`: Find what the price would be."""
HOW_IS = re.compile(
    rf"{_START}{_HOW} (?P<aux>is|are|was|were) (?P<who>(?:it|they|that|this|there|these)|(?:the|one|each) [\w-]+(?: [\w-]+)?(?=\?)){_REST}",
    re.IGNORECASE,
)
"""`How many cells are there then?`: Find how many cells there are then."""
_COUNTED = r"(?:two|three|four|five|six|more|days|weeks|years|steps|after|in|on|at|with)"
_BARE = r"(?P<rest>(?:(?!\b(?:do|does|did|will|would|can|could|must|should|there)\b)[^?])+)"
WHAT_SUBJECT = re.compile(rf"{_START}(?P<asked>how (?:many|much) (?!{_COUNTED}\b)[a-z-]+) (?!(?:{_AUXILIARY})\b){_BARE}\?", re.IGNORECASE)
"""`How many years lie between them?`: Find how many years lie between them."""
_NOUN = r"(?P<noun>[\w-]+(?: [\w-]+){0,3}?)"
_FINITE = r"(?!(?:is|was|has|does|this|its)\b)(?P<verb>[a-z]+[a-rt-z]s)(?<!us)(?<!is)"
WHICH = re.compile(rf"{_START}which {_NOUN} {_FINITE}(?P<rest>(?: [^?:]+)?)\?", re.IGNORECASE)
"""`Which line errs first?`: Find the line that errs first."""
