"""Every template there is, in a fixed order: the table that a new domain file is added to."""

from ryot.stages.data.generator.domains import (
    biology,
    chemistry,
    computing,
    economics,
    engineering,
    history,
    literature,
    mathematics,
    medicine,
    philosophy,
    physics,
    psychology,
)
from ryot.stages.data.generator.problem import Template

TEMPLATES: tuple[Template, ...] = (
    *mathematics.TEMPLATES,
    *physics.TEMPLATES,
    *chemistry.TEMPLATES,
    *biology.TEMPLATES,
    *computing.TEMPLATES,
    *philosophy.TEMPLATES,
    *history.TEMPLATES,
    *literature.TEMPLATES,
    *economics.TEMPLATES,
    *psychology.TEMPLATES,
    *engineering.TEMPLATES,
    *medicine.TEMPLATES,
)
