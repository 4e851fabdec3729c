"""Facts of philosophy. Source: the Stanford Encyclopedia of Philosophy and Britannica, entries on the persons and terms named."""

from ryot.stages.data.generator.facts.relation import Relation
from ryot.stages.data.generator.facts.riddle import riddles

_LANDS = {"gr": "Greek", "ro": "Roman", "fr": "French", "de": "German", "uk": "British", "us": "American", "it": "Italian"}
_ERAS = {"a": "ancient", "m": "medieval", "17": "1600s", "18": "1700s", "19": "1800s", "20": "1900s"}
# Land, era of the main work, school.
_THINKERS = (
    ("Epicurus", "gr a Epicurean"), ("Seneca", "ro a Stoic"), ("Aurelius", "ro a Stoic"),
    ("Pyrrho", "gr a sceptic"),
    ("Diogenes", "gr a Cynic"), ("Plato", "gr a Platonist"),
    ("Anselm", "it m scholastic"),
    ("Aquinas", "it m scholastic"), ("Ockham", "uk m scholastic"), ("Scotus", "uk m scholastic"),
    ("Abelard", "fr m scholastic"), ("Descartes", "fr 17 rationalist"), ("Malebranche",
    "fr 17 rationalist"),
    ("Wolff", "de 18 rationalist"), ("Bacon", "uk 17 empiricist"), ("Locke", "uk 17 empiricist"),
    ("Hume", "uk 18 empiricist"), ("Kant", "de 18 idealist"), ("Hegel", "de 19 idealist"),
    ("Bradley", "uk 19 idealist"), ("Bentham", "uk 18 utilitarian"),
    ("Mill", "uk 19 utilitarian"), ("Comte", "fr 19 positivist"), ("Carnap", "de 20 positivist"),
    ("Ayer", "uk 20 positivist"), ("Sartre", "fr 20 existentialist"),
    ("Peirce", "us 19 pragmatist"),
    ("Dewey", "us 20 pragmatist"),
)  # fmt: skip
THINKERS = riddles(
    "A thinker by main work:",
    {name: (_LANDS[land], _ERAS[era], school) for name, (land, era, school) in ((n, row.split()) for n, row in _THINKERS)},
)

_WORKS = {
    "Plato": "Republic", "Aristotle": "Organon", "Augustine": "City of God", "Anselm": "Proslogion", "Descartes": "Meditations",
    "Spinoza": "Ethics", "Leibniz": "Monadology", "Hobbes": "Leviathan", "Hume": "Treatise", "Rousseau": "Social Contract",
    "Mill": "On Liberty", "Nietzsche": "Zarathustra", "Kierkegaard": "Either/Or", "Wittgenstein": "Tractatus",
    "Heidegger": "Being and Time", "Sartre": "Being and Nothingness", "Ryle": "Concept of Mind", "Rawls": "Theory of Justice",
    "Boethius": "Consolation",
}  # fmt: skip
_WORKS = {name: work.replace(" and ", " & ") for name, work in _WORKS.items()}
_FOUNDED = {
    "Zeno": "Stoicism", "Comte": "positivism", "Peirce": "pragmatism", "Bentham": "utilitarianism", "Husserl": "phenomenology",
    "Pyrrho": "scepticism", "Confucius": "Confucianism", "Plotinus": "Neoplatonism", "Epicurus": "Epicureanism",
}  # fmt: skip
_PUZZLES = {
    "Searle": "Chinese room", "Rawls": "veil of ignorance", "Foot": "trolley case", "Putnam": "twin earth", "Nozick": "experience machine",
    "Descartes": "evil demon", "Plato": "cave of shadows", "Thomson": "ill violinist", "Goodman": "grue emeralds", "Jackson": "Mary's room",
    "Block": "China brain", "Nagel": "bat's mind", "Davidson": "swampman", "Gettier": "ten coins", "Parfit": "teletransporter",
}  # fmt: skip
_FIELDS = {
    "ethics": "right action", "logic": "valid inference", "aesthetics": "beauty", "epistemology": "knowledge", "ontology": "being",
    "theology": "the divine", "semantics": "meaning",
}  # fmt: skip
RELATIONS = (
    Relation("author and work", _WORKS),
    Relation("founder and school", _FOUNDED),
    Relation("author and thought experiment", _PUZZLES),
    Relation("field and subject", _FIELDS),
)
