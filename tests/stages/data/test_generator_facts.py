"""The tables of facts and the structures on them: clear, one to one, without words that the questions use as joints; every cell is full."""

import random
from fractions import Fraction
from itertools import pairwise

import pytest

from ryot.stages.data.generator.catalog import TEMPLATES
from ryot.stages.data.generator.domains import biology_audit, medicine_audit, psychology_audit
from ryot.stages.data.generator.example import Cell, draw
from ryot.stages.data.generator.facts import biology, history, literature, medicine, philosophy, psychology
from ryot.stages.data.generator.facts.audit import Procedure
from ryot.stages.data.generator.facts.relation import Relation
from ryot.stages.data.generator.facts.riddle import Riddles
from ryot.stages.data.generator.problem import Template

MODULES = (biology, medicine, psychology, philosophy, history, literature)
HUMAN = {"biology", "medicine", "psychology", "philosophy", "history", "literature"}
RELATIONS = [relation for module in MODULES for relation in module.RELATIONS]
RIDDLES = (biology.ANIMALS, medicine.DISEASES, psychology.STUDIES, philosophy.THINKERS, history.RULERS, literature.BOOKS)
PROCEDURES = (*biology_audit.PROCEDURES, *medicine_audit.PROCEDURES, *psychology_audit.PROCEDURES)
OURS = [template for template in TEMPLATES if template.domain in HUMAN]
REASONING = {"deductive", "inductive", "abductive", "analogical", "causal", "probabilistic", "counterfactual", "meta"}


def test_each_domain_reasons_in_all_eight_ways_with_one_template_each() -> None:
    for domain in HUMAN:
        kinds = [template.reasoning for template in OURS if template.domain == domain]
        assert len(kinds) == 8
        assert set(kinds) == REASONING


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.name)
def test_relations_are_one_to_one_and_free_of_joints(relation: Relation) -> None:
    assert len(relation.pairs) >= 5
    assert len(set(relation.pairs.values())) == len(relation.pairs)
    for term in (*relation.pairs, *relation.pairs.values()):
        assert not any(joint in term for joint in (" and ", " as ", " is to ", "; ", ": ", "?"))


def test_no_pair_stands_in_two_relations_of_a_domain() -> None:
    for module in MODULES:
        pairs = [pair for relation in module.RELATIONS for pair in relation.pairs.items()]
        assert len(set(pairs)) == len(pairs)
        assert not set(pairs) & {(second, first) for first, second in pairs}


@pytest.mark.parametrize("table", RIDDLES, ids=lambda table: table.lead)
def test_riddles_have_rows_of_one_width_and_values_of_one_column(table: Riddles) -> None:
    assert {len(row) for row in table.rows.values()} == {3}
    values = [value for column in table.values for value in column]
    assert len(set(values)) == len(values)
    for text in (*table.names, *values):
        assert not any(joint in text for joint in (", ", " or ", "not ", ". ", "?"))


@pytest.mark.parametrize("module", [history, literature])
def test_chains_have_events_of_their_own(module: object) -> None:
    chains = history.CHAINS if module is history else literature.CHAINS
    for title, *events in chains:
        assert len(events) >= 4
        assert len(set(events)) == len(events)
        assert not any(joint in text for text in (title, *events) for joint in (" led to ", ", that to", "; ", ". ", ": ", "?"))
    links = [(title, *pair) for title, *events in chains for pair in pairwise(events)]
    assert len(set(links)) == len(links)


def test_reigns_are_of_some_length() -> None:
    assert all(0 < first < last < 2000 for first, last in history.REIGNS.values())


def test_what_recurs_does_so_within_its_years() -> None:
    assert all((last - first) % step == 0 for _, first, step, last in history.RECURRING)


@pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda procedure: procedure.told)
def test_the_proof_of_a_line_takes_its_right_value_only(procedure: Procedure) -> None:
    """On fresh givens the right values prove themselves; any other value of a line is refused by that line."""
    rng = random.Random(3)
    for _ in range(20):
        given = procedure.draw(rng)
        values: list[Fraction] = []
        for line in procedure.lines:
            values.append(line.right(given, values))
        named = {f"g{k}": f"Fraction({value!r})" for k, value in enumerate(given)} | {f"v{k}": repr(v) for k, v in enumerate(values)}
        for place, line in enumerate(procedure.lines):
            for shift in (0, 1, 3):
                left, right = line.proof.format(x=repr(values[place] + shift), **named).split(" = ")
                assert (_evaluate(left) == _evaluate(right)) == (shift == 0)


def _evaluate(text: str) -> object:
    return eval(text, {"Fraction": Fraction})  # noqa: S307


@pytest.mark.parametrize("template", OURS, ids=lambda template: template.name)
def test_every_cell_makes_fifty_unique_examples_and_more(template: Template) -> None:
    for level in range(4):
        drawn = [draw(9, Cell(template, level), index) for index in range(130)]
        assert all(each.right for each in drawn)
        assert len({each.question for each in drawn if each.document}) >= 60


@pytest.mark.parametrize("template", OURS, ids=lambda template: template.name)
def test_checks_refuse_answers_of_other_questions_and_spoilt_ones(template: Template) -> None:
    rng = random.Random(4)
    for level in range(4):
        problem = template.make(rng, level)
        for wrong in ("", "none", problem.answer + "0", problem.answer[:-1], "x" + problem.answer):
            assert not template.check(problem.question, wrong), (problem.question, wrong)
