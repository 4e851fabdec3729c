"""Facts of biology: animals, relations, the genetic code. Source: Campbell and Reece, Biology; Britannica's entries on each name."""

from ryot.stages.data.generator.facts.relation import Relation
from ryot.stages.data.generator.facts.riddle import riddles

_CLASSES = {"m": "mammal", "b": "bird", "r": "reptile", "a": "amphibian"}
_FOODS = {"p": "plant eater", "m": "meat eater", "i": "insect eater"}
_LANDS = {"Af": "African", "As": "Asian", "Au": "Australian", "Am": "American"}
# Animals wild in one of the four only, with their main food.
_ANIMALS = (
    ("koala", "m p Au"), ("wombat", "m p Au"), ("kangaroo", "m p Au"), ("dingo", "m m Au"),
    ("zebra", "m p Af"), ("giraffe", "m p Af"), ("gorilla", "m p Af"), ("meerkat", "m i Af"),
    ("spotted hyena", "m m Af"), ("panda", "m p As"), ("yak", "m p As"), ("tiger", "m m As"),
    ("snow leopard", "m m As"),
    ("jaguar", "m m Am"), ("puma", "m m Am"), ("sloth", "m p Am"), ("vicuna", "m p Am"), ("anteater", "m i Am"), ("condor", "b m Am"),
    ("bald eagle", "b m Am"),
    ("lyrebird", "b i Au"), ("king cobra", "r m As"), ("anaconda", "r m Am"), ("rattlesnake", "r m Am"),
    ("black mamba", "r m Af"), ("green iguana", "r p Am"),
    ("poison dart frog", "a i Am"),
)  # fmt: skip
ANIMALS = riddles(
    "An animal:",
    {name: (_CLASSES[kind], _FOODS[food], _LANDS[land]) for name, (kind, food, land) in ((n, row.split()) for n, row in _ANIMALS)},
    "It is the {}",
)

_YOUNG = "cow calf, horse foal, sheep lamb, goat kid, pig piglet, dog puppy, cat kitten, bear cub, deer fawn, swan cygnet, goose gosling, hare leveret, eagle eaglet, frog tadpole, duck duckling, kangaroo joey, hen chick, owl owlet"  # noqa: E501
_TASKS = {
    "heart": "pumping blood", "lung": "gas exchange", "kidney": "filtering blood", "stomach": "digesting protein",
    "retina": "sensing light",
    "cochlea": "sensing sound", "skin": "keeping germs out", "root": "taking up water", "petal": "luring insects",
    "stamen": "making pollen", "xylem": "carrying water", "phloem": "carrying sugar", "gill": "taking up oxygen from water",
    "liver": "making bile",
}  # fmt: skip
_PARTS = {
    "mitochondrion": "respiration", "chloroplast": "photosynthesis", "ribosome": "protein synthesis", "nucleus": "storing DNA",
    "lysosome": "breaking down waste", "Golgi body": "packing proteins", "flagellum": "swimming", "cell wall": "stiffness",
    "centrosome": "arranging the spindle",
}  # fmt: skip
_BUILT = {"protein": "amino acid", "DNA": "nucleotide", "starch": "glucose", "tissue": "cell", "population": "organism", "forest": "tree"}
RELATIONS = (
    Relation("adult and young", dict(pair.split() for pair in _YOUNG.split(", "))),
    Relation("organ and task", _TASKS),
    Relation("cell part and task", _PARTS),
    Relation("whole and unit", _BUILT),
)

_BASES = "UCAG"
_AMINO = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODE = {a + b + c: _AMINO[16 * i + 4 * j + k] for i, a in enumerate(_BASES) for j, b in enumerate(_BASES) for k, c in enumerate(_BASES)}
"""The standard genetic code (NCBI translation table 1), codon of mRNA to the letter of its amino acid; * ends the chain."""
AMINO_ACIDS = {
    "F": "Phe", "L": "Leu", "S": "Ser", "Y": "Tyr", "C": "Cys", "W": "Trp", "P": "Pro", "H": "His", "Q": "Gln", "R": "Arg", "I": "Ile",
    "M": "Met",
    "T": "Thr", "N": "Asn", "K": "Lys", "V": "Val", "A": "Ala", "D": "Asp", "E": "Glu", "G": "Gly", "*": "stop",
}  # fmt: skip
