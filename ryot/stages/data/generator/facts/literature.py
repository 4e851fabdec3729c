"""Facts of literature. Source: Encyclopaedia Britannica and the Oxford Companion to English Literature, by work and author."""

from ryot.stages.data.generator.facts.chain import Chain
from ryot.stages.data.generator.facts.relation import Relation
from ryot.stages.data.generator.facts.riddle import riddles

_FORMS = {"n": "novel", "p": "play", "e": "epic"}
_TONGUES = {
    "en": "English", "fr": "French", "de": "German", "ru": "Russian", "it": "Italian", "gr": "Greek", "la": "Latin", "es": "Spanish",
}  # fmt: skip
_TIMES = {"bc": "antique", "13": "1300s", "15": "1500s", "16": "1600s", "17": "1700s", "18": "1800s", "19": "1900s"}
_BOOKS = (
    ("Iliad", "e gr bc"), ("Odyssey", "e gr bc"), ("Aeneid", "e la bc"), ("Oedipus Rex", "p gr bc"), ("Lysistrata", "p gr bc"),
    ("The Frogs",
    "p gr bc"),
    ("Divine Comedy", "e it 13"), ("Faerie Queene", "e en 15"),
    ("Doctor Faustus", "p en 15"), ("Othello", "p en 16"), ("Macbeth", "p en 16"), ("Paradise Lost", "e en 16"), ("Don Quixote", "n es 16"),
    ("Tartuffe", "p fr 16"), ("Le Cid", "p fr 16"), ("Princess of Cleves",
    "n fr 16"),
    ("Robinson Crusoe", "n en 17"), ("Tom Jones", "n en 17"), ("Candide", "n fr 17"), ("Werther",
    "n de 17"),
    ("The Robbers", "p de 17"), ("Faust", "p de 18"), ("William Tell", "p de 18"), ("Emma", "n en 18"),
    ("Jane Eyre", "n en 18"), ("Madame Bovary", "n fr 18"),
    ("Dead Souls", "n ru 18"), ("Anna Karenina", "n ru 18"), ("The Seagull",
    "p ru 18"), ("The Betrothed",
    "n it 18"),
    ("Ulysses", "n en 19"), ("The Trial", "n de 19"), ("The Plague", "n fr 19"),
    ("The Cherry Orchard", "p ru 19"), ("Doctor Zhivago", "n ru 19"),
)  # fmt: skip
BOOKS = riddles(
    "A work:",
    {name: (_FORMS[form], _TONGUES[tongue], _TIMES[time]) for name, (form, tongue, time) in ((n, row.split()) for n, row in _BOOKS)},
)

_AUTHORS = {
    "Homer": "Iliad", "Virgil": "Aeneid", "Dante": "Divine Comedy", "Chaucer": "Canterbury Tales", "Cervantes": "Don Quixote",
    "Milton": "Paradise Lost",
    "Defoe": "Robinson Crusoe", "Swift": "Gulliver's Travels", "Voltaire": "Candide", "Goethe": "Faust", "Austen": "Emma",
    "Hugo": "Les Miserables",
    "Flaubert": "Madame Bovary", "Tolstoy": "Anna Karenina", "Gogol": "Dead Souls", "Melville": "Moby-Dick", "Stoker": "Dracula",
    "Joyce": "Ulysses",
    "Kafka": "The Trial", "Achebe": "Things Fall Apart",
}  # fmt: skip
_HEROES = {
    "Odyssey": "Odysseus", "War and Peace": "Pierre", "Les Miserables": "Valjean", "Oliver Twist": "Oliver",
    "Treasure Island": "Jim Hawkins",
    "Moby-Dick": "Ahab", "Great Expectations": "Pip", "Crime & Punishment": "Raskolnikov", "The Trial": "Josef K", "Ulysses": "Bloom",
    "The Tempest": "Prospero", "Scarlet Letter": "Hester", "Waverley": "Waverley", "The Hobbit": "Bilbo",
}  # fmt: skip
_HEROES = {work: hero for work, hero in _HEROES.items() if work not in ("War and Peace", "Waverley")}
_PEN_NAMES = {
    "George Eliot": "Mary Ann Evans", "Mark Twain": "Samuel Clemens", "George Orwell": "Eric Blair", "Lewis Carroll": "Charles Dodgson",
    "Voltaire": "Arouet", "Moliere": "Poquelin", "George Sand": "Aurore Dupin", "Stendhal": "Beyle", "Novalis": "Hardenberg",
    "O. Henry": "Porter",
    "Currer Bell": "Charlotte Bronte", "Ellis Bell": "Emily Bronte", "Boz": "Charles Dickens", "Saki": "Munro",
}  # fmt: skip
_SHAPES = {
    "sonnet": "14 lines", "haiku": "17 syllables", "limerick": "5 lines", "villanelle": "19 lines", "sestina": "39 lines",
    "couplet": "2 lines",
    "quatrain": "4 lines", "tanka": "31 syllables", "octave": "8 lines", "sestet": "6 lines", "tercet": "3 lines",
    "Onegin chapter verse": "iambic tetrameter",
}  # fmt: skip
_SHAPES = {form: shape for form, shape in _SHAPES.items() if "Onegin" not in form}
RELATIONS = (
    Relation("author and work", _AUTHORS),
    Relation("work and hero", _HEROES),
    Relation("pen name and bearer", _PEN_NAMES),
    Relation("form and length", _SHAPES),
)

_PLOTS = """Romeo>friend's death>Tybalt's death>exile>sleeping draught>suicide
Hamlet>ghost's tale>play at court>king's alarm>voyage to England
Hamlet>father's death>Ophelia's madness>Ophelia's death>fight at the grave
Macbeth>prophecy>king's murder>sons' flight>invasion>Macbeth's fall
Othello>lost cloth>false proof>jealousy>wife's death>Othello's suicide
King Lear>love test>good daughter's exile>bad daughters' rule>night on the heath
Iliad>Achilles' anger>Trojan attack>friend's sally>friend's death>Hector's death
Odyssey>giant's blinding>sea god's anger>wandering>suitors' feast
Oedipus>plague>inquiry>shepherd's confession>blinding
Antigone>ban on burial>secret burial>Antigone's death>lover's death>mother's death
Les Miserables>theft of bread>prison>yellow passport>inn's refusal
Moby-Dick>loss of a leg>hatred>hunt for the whale>ship's sinking
Frankenstein>experiment>creature's life>rejection>murder>trial
Jane Eyre>objection>broken wedding>flight>rescue
Great Expectations>help to a convict>gratitude>secret fortune>move to London
Don Quixote>reading of romances>madness>knight's journey>fight with windmills
Raskolnikov>theory>murder>guilt>confession>exile
Anna Karenina>affair>broken marriage>exclusion>despair>suicide
Pride and Prejudice>first proposal>refusal>Darcy's letter>change of mind
Dracula>move to England>bites>Lucy's death>hunt for Dracula
Gatsby>reckless driving>woman's death>husband's revenge>Gatsby's death
Faust>despair>pact>love of Gretchen>Gretchen's ruin
Treasure Island>captain's death>finding of the map>voyage>mutiny
Madame Bovary>reading of novels>boredom>affairs>debts>suicide"""
CHAINS: tuple[Chain, ...] = tuple(tuple(line.split(">")) for line in _PLOTS.split("\n"))
"""The work, then its plot, each event the cause of the next."""

# Work, its unit, and how many of it stand in each of its parts.
PARTED: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("Divine Comedy", "canto", (34, 33, 33)), ("First Folio", "play", (14, 10, 12)), ("Book of Songs", "song", (160, 105, 40)),
    ("Essays of Montaigne", "essay", (57, 37, 13)), ("Gulliver", "chapter", (8, 8, 11, 12)), ("Emma", "chapter", (18, 18, 19)),
    ("Great Expectations", "chapter", (19, 20, 20)), ("Tale of Two Cities", "chapter", (6, 24, 15)), ("Hard Times", "chapter", (16, 12, 9)),
    ("War of the Worlds", "chapter", (17, 10)), ("Don Quixote", "chapter", (52, 74)), ("Pride and Prejudice", "chapter", (23, 19, 19)),
)  # fmt: skip
