"""Facts of psychology. Source: the studies' original reports, by author and year, and the APA Dictionary of Psychology."""

from ryot.stages.data.generator.facts.relation import Relation
from ryot.stages.data.generator.facts.riddle import riddles

_FIELDS = {
    "m": "memory", "l": "learning", "s": "society", "p": "perception", "b": "attachment", "t": "thinking",
}  # fmt: skip
_SUBJECTS = {"a": "adults", "c": "children", "n": "animals"}
# Author (year of the report): field, subjects; before or after 1950 follows from the year.
_STUDIES = (
    ("Ebbinghaus", 1885, "m a"), ("Bartlett", 1932, "m a"), ("Sperling", 1960, "m a"), ("Loftus", 1974, "m a"),
    ("Sternberg", 1966, "m a"), ("Pavlov", 1927, "l n"), ("Thorndike", 1898, "l n"), ("Skinner", 1938, "l n"), ("Tolman", 1948, "l n"),
    ("Watson", 1920, "l c"), ("Bandura", 1961, "l c"), ("Seligman", 1967, "l n"), ("Garcia", 1966, "l n"), ("Köhler", 1917, "t n"),
    ("Wason", 1966, "t a"), ("Piaget", 1941, "t c"),
    ("Milgram", 1963, "s a"), ("Asch", 1951, "s a"), ("Festinger", 1959, "s a"), ("Zimbardo", 1971, "s a"), ("Sherif", 1954, "s c"),
    ("Stroop", 1935, "p a"),
    ("Fantz", 1961, "p c"), ("Gibson", 1960, "p c"), ("Hubel", 1959, "p n"), ("Lorenz", 1935, "b n"),
    ("Harlow", 1958, "b n"),
    ("Ainsworth", 1970, "b c"),
)  # fmt: skip
STUDIES = riddles(
    "A study:",
    {
        name: (_FIELDS[field], _SUBJECTS[subject], f"{'before' if year < 1950 else 'after'} 1950")
        for name, year, (field, subject) in ((n, y, row.split()) for n, y, row in _STUDIES)
    },
)

_FEARS = {
    "agoraphobia": "open places", "claustrophobia": "closed rooms", "acrophobia": "heights", "arachnophobia": "spiders",
    "hydrophobia": "water",
    "ophidiophobia": "snakes", "xenophobia": "strangers", "nyctophobia": "darkness", "cynophobia": "dogs", "zoophobia": "animals",
    "astraphobia": "thunder",
}  # fmt: skip
_KNOWN = {
    "Pavlov": "salivating dogs", "Skinner": "the lever box", "Harlow": "cloth mothers", "Bandura": "the Bobo doll",
    "Milgram": "the shock machine",
    "Asch": "judging lines", "Zimbardo": "the mock prison", "Köhler": "apes stacking boxes", "Thorndike": "the puzzle box",
    "Lorenz": "imprinted geese",
    "Gibson": "the visual cliff", "Ainsworth": "the strange situation", "Stroop": "coloured words", "Tolman": "maps in rats",
    "Ebbinghaus": "nonsense syllables", "Wason": "four cards", "Watson": "Little Albert",
}  # fmt: skip
_LOBES = {
    "occipital lobe": "vision", "hippocampus": "new memories", "amygdala": "fear", "cerebellum": "balance",
    "Broca's area": "forming speech",
    "Wernicke's area": "grasping speech", "motor cortex": "movement", "hypothalamus": "hunger",
}  # fmt: skip
_SCHOOLS = {"Freud": "psychoanalysis", "Titchener": "structuralism", "James": "functionalism", "Rogers": "client-centred therapy",
"Beck": "cognitive therapy",
            "Wolpe": "systematic desensitisation", "Jung": "analytical psychology", "Adler": "individual psychology"}  # fmt: skip
RELATIONS = (
    Relation("phobia and feared thing", _FEARS),
    Relation("author and study", _KNOWN),
    Relation("brain part and task", _LOBES),
    Relation("founder and approach", _SCHOOLS),
)
