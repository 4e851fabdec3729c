"""Facts of medicine: infections and typed relations. Source: WHO fact sheets and Britannica's entries on each name."""

from ryot.stages.data.generator.facts.relation import Relation
from ryot.stages.data.generator.facts.riddle import riddles

_AGENTS = {"v": "viral", "b": "bacterial", "p": "parasitic", "f": "fungal"}
_WAYS = {
    "bite": "by bite",
    "air": "by air",
    "food": "by food",
    "touch": "by touch",
    "blood": "by blood",
}
_SEATS = {"n": "nerves", "l": "liver", "a": "airways", "g": "gut", "s": "skin"}
# Agent, usual way of spread, main seat.
_DISEASES = (
    ("yellow fever", "v bite l"), ("rabies", "v bite n"), ("sleeping sickness", "p bite n"),
    ("polio", "v food n"), ("botulism", "b food n"), ("meningitis C", "b air n"), ("tuberculosis", "b air a"), ("whooping cough",
    "b air a"),
    ("influenza", "v air a"), ("COVID-19", "v air a"), ("common cold", "v air a"),
    ("cholera", "b food g"), ("typhoid", "b food g"),
    ("giardiasis",
    "p food g"),
    ("amoebiasis", "p food g"), ("norovirus", "v food g"), ("rotavirus", "v food g"), ("hepatitis A", "v food l"), ("hepatitis E",
    "v food l"),
    ("hepatitis B", "v blood l"), ("hepatitis C", "v blood l"), ("liver fluke", "p food l"), ("tapeworm", "p food g"), ("ringworm",
    "f touch s"),
    ("scabies", "p touch s"), ("impetigo", "b touch s"), ("warts", "v touch s"),
)  # fmt: skip
DISEASES = riddles(
    "A disease:",
    {name: (_AGENTS[agent], _WAYS[way], _SEATS[seat]) for name, (agent, way, seat) in ((n, row.split()) for n, row in _DISEASES)},
)

_LACKS = {
    "vitamin C": "scurvy", "vitamin D": "rickets", "thiamine": "beriberi", "niacin": "pellagra", "iodine": "goitre", "iron": "anaemia",
    "vitamin A": "night blindness", "insulin": "diabetes", "factor VIII": "haemophilia A", "dopamine": "parkinsonism",
    "cortisol": "Addison's disease",
}  # fmt: skip
_INFLAMED = {
    "hepatitis": "liver", "nephritis": "kidney", "gastritis": "stomach", "arthritis": "joint", "dermatitis": "skin",
    "encephalitis": "brain",
    "cystitis": "bladder", "carditis": "heart", "rhinitis": "nose", "colitis": "colon", "conjunctivitis": "conjunctiva", "otitis": "ear",
    "phlebitis": "vein", "osteitis": "bone", "neuritis": "nerve",
}  # fmt: skip
_MADE = {
    "pancreas": "insulin", "thyroid": "thyroxine", "testis": "testosterone", "pineal gland": "melatonin", "stomach lining": "gastrin",
    "adrenal medulla": "adrenaline", "parathyroid": "parathormone", "kidney": "renin", "heart atria": "ANP",
}  # fmt: skip
_FOUND = {
    "Jenner": "cowpox vaccine", "Fleming": "penicillin", "Harvey": "blood circulation", "Laennec": "stethoscope", "Röntgen": "X-rays",
    "Lister": "antiseptic surgery", "Landsteiner": "blood groups", "Semmelweis": "hand washing", "Salk": "polio vaccine",
    "Eijkman": "beriberi's cause",
    "Barnard": "heart transplant", "Einthoven": "ECG recording",
}  # fmt: skip
RELATIONS = (
    Relation("substance and result of its lack", _LACKS),
    Relation("inflammation and organ", _INFLAMED),
    Relation("gland and hormone", _MADE),
    Relation("doctor and advance", _FOUND),
)
