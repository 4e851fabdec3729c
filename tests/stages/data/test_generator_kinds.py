"""The kinds of examples: what each promises, held against every cell that can make it."""

from collections import Counter
from fractions import Fraction
from random import Random

import pytest

from ryot.spec.data import WANTED
from ryot.stages.data.generator.catalog import TEMPLATES
from ryot.stages.data.generator.composition import KINDS, Timetable, able
from ryot.stages.data.generator.example import Cell, Drawn, Variant, base, draw
from ryot.stages.data.generator.expression import value_of
from ryot.stages.data.generator.kinds.adversarial import IDLE, SAYS
from ryot.stages.data.generator.kinds.calculation import calculation_of
from ryot.stages.data.generator.kinds.edge import EdgeRandom
from ryot.stages.data.generator.kinds.paraphrased import differs, kept, reworded
from ryot.stages.data.generator.kinds.scaled import told
from ryot.stages.data.generator.problem import DIFFICULTIES, Problem, Template, numbers
from ryot.stages.data.generator.units import cells_of
from ryot.stages.data.records import Document
from ryot.stages.data.stage import GeneratorSource

CELLS = cells_of(GeneratorSource(examples=1))
EACH = 6


def drawn(kind: str, each: int = EACH) -> list[tuple[Cell, Drawn]]:
    return [(cell, draw(7, cell, index, KINDS[kind])) for cell in CELLS if kind in able(cell) for index in range(each)]


def documents(kind: str) -> list[tuple[Cell, Document]]:
    found = [(cell, one.document) for cell, one in drawn(kind) if one.document is not None]
    assert found
    return found


def text(document: Document, key: str) -> str:
    value = document.meta[key]
    assert isinstance(value, str)
    return value


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_of_a_kind_is_wrong(kind: str) -> None:
    assert [one.question for _, one in drawn(kind) if not one.right] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_says_its_kind_in_meta_and_as_its_last_tag(kind: str) -> None:
    for cell, document in documents(kind):
        assert document.meta["kind"] == kind
        assert document.meta["template"] == cell.template.name
        assert f", {DIFFICULTIES[cell.level]}, {kind}]\n---" in document.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_draw_does_not_depend_on_what_was_drawn_before(kind: str) -> None:
    cells = CELLS[:: max(1, len(CELLS) // 40)]
    forward = [draw(3, cell, index, KINDS[kind]) for cell in cells for index in range(2)]
    backward = [draw(3, cell, index, KINDS[kind]) for cell in reversed(cells) for index in (1, 0)]
    assert forward == backward[::-1]


def test_kinds_add_few_characters() -> None:
    """A token is about two characters here: 24 of them are the 12 tokens that kinds may add to a document on average."""
    plain = {cell: draw(7, cell, 0).document for cell in CELLS}
    added = 0.0
    for kind, share in WANTED.model_dump().items():
        more = [len(one.text) - len(before.text) for cell, one in documents(kind) if (before := plain[cell]) is not None]
        added += share * sum(more) / len(more)
    assert added < 24


def test_a_paraphrase_keeps_numbers_names_and_signs() -> None:
    for cell, document in documents("paraphrased"):
        asked, origin = text(document, "question"), text(document, "paraphrased_from")
        assert Counter(numbers(asked)) == Counter(numbers(origin))
        assert kept(asked) == kept(origin)
        assert asked != origin
        assert differs(origin, asked)
        assert cell.template.check(origin, text(document, "answer"))


def test_a_paraphrase_is_of_a_base_example() -> None:
    for cell in (cell for cell in CELLS if "paraphrased" in able(cell)):
        for index in range(3):
            document = draw(7, cell, index, KINDS["paraphrased"]).document
            if document is not None:
                problem = base(7, cell, index).problem
                assert (document.meta["paraphrased_from"], document.meta["answer"]) == (problem.question, problem.answer)


def test_no_rewording_loses_a_number_unseen() -> None:
    """Whatever a rewording does to a question, the guard sees it: equal guards mean equal numbers."""
    rng = Random(5)
    for cell in CELLS:
        question = base(11, cell, 0).problem.question
        for _ in range(4):
            other = reworded(rng, question)
            if kept(other) == kept(question):
                assert Counter(numbers(other)) == Counter(numbers(question))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A cart of 5 kg rolls 3 m.", "A cart of 3 kg rolls 3 m."),
        ("Anna gives Ben 3 pens.", "Anna gives Carl 3 pens."),
        ("Is it not 3?", "Is it 3?"),
        ("Which has more, A or B?", "Which has fewer, A or B?"),
        ("x + 3 = 5", "x - 3 = 5"),
        ("x < 3", "x > 3"),
    ],
)
def test_the_guard_sees_a_changed_meaning(one: str, other: str) -> None:
    assert kept(one) != kept(other)


def test_a_frame_alone_is_no_paraphrase() -> None:
    question = "A cart moves at a steady 6 m/s for 19 s. How far does it go?"
    assert not differs(question, f"Here is a problem: {question}")
    assert differs(question, "Given that a cart travels at a uniform 6 m/s over 19 s, how far does it go?")


def test_a_scaled_example_keeps_something_and_changes_the_answer() -> None:
    for cell, document in documents("scaled"):
        asked, origin = text(document, "question"), text(document, "scaled_from")
        assert asked != origin
        assert told(asked) & told(origin)
        assert not (cell.template.check(origin, text(document, "answer")) and asked == origin)


def test_a_transferred_example_names_a_calculation_that_is_there_twice() -> None:
    templates = {template.name: template for template in TEMPLATES}
    for cell, document in documents("transferred"):
        source, steps = document.meta["transferred_from"], document.meta["steps"]
        assert isinstance(source, dict)
        assert isinstance(steps, list)
        assert source["domain"] != cell.template.domain
        name, line = steps[0].removeprefix(f"as in {source['domain']} (").split("): ")
        partner = templates[name]
        assert (partner.domain, partner.reasoning) == (source["domain"], cell.template.reasoning)
        assert value_of(line) in numbers(text(document, "answer"))
        own = calculation_of(_problem(document, steps[1:]))
        theirs = next(
            calculation_of(problem)
            for index in range(100)
            if (problem := base(0, Cell(partner, cell.level), index).problem).question == source["question"]
        )
        assert own is not None
        assert theirs is not None
        assert set(own.likenesses) & set(theirs.likenesses)


def _problem(document: Document, steps: list[str]) -> Problem:
    return Problem(text(document, "question"), tuple(steps), text(document, "answer"), (), text(document, "verification"))


def test_a_distractor_changes_no_answer() -> None:
    suggestions = 0
    for cell, document in documents("adversarial"):
        asked, plain, answer = text(document, "question"), text(document, "without_distractor"), text(document, "answer")
        added = asked.removeprefix(plain).removesuffix(plain).strip()
        assert asked != plain
        assert len(added) < len(asked)
        assert cell.template.check(plain, answer)
        said = [added[len(before) : -1] for before in (form.partition("{}")[0] for form in SAYS) if added.startswith(before)]
        suggestions += bool(said)
        if said:
            assert not cell.template.check(plain, said[0])
        else:
            (number,) = numbers(added)
            assert added in {form.format(number) for form in IDLE}
            assert number not in numbers(plain)
    assert 0 < suggestions < len(documents("adversarial"))


def test_edges_are_the_ends_of_ranges() -> None:
    rng = EdgeRandom("a seed")
    given = Counter(rng.randint(3, 9) for _ in range(40))
    assert given[3] + given[9] > 24
    assert {rng.choice("abcdefgh") for _ in range(20)} & {"a", "h"}
    for _ in range(200):
        assert rng.randint(1, 6) in range(1, 7)  # it always goes on, within the range
    assert len({rng.randint(1, 1000) for _ in range(50)}) > 20  # and at last as any other


def test_edge_samples_are_of_the_outermost() -> None:
    samples = [EdgeRandom(str(seed)).sample(range(10), 3) for seed in range(40)]
    assert all(len(set(sample)) == 3 for sample in samples)
    assert sum(set(sample) <= {0, 1, 8, 9} for sample in samples) > 20


def test_edge_examples_hold_extremes_more_often_than_others() -> None:
    def make(rng: Random, level: int) -> Problem:
        a, b = rng.randint(2, 30), rng.choice(range(40, 90))
        return Problem(f"What are {a} and {b} together?", ("add", "them", "up"), f"The sum is {a + b}", (), f"{a + b} - {a} = {b}")

    cell = Cell(Template("sum", "mathematics", "deductive", make, lambda _question, _answer: True), 0)

    def extremes(kind: str) -> int:
        made = [KINDS[kind].make(1, cell, index) for index in range(60)]
        return sum(bool(set(numbers(one.asked)) & {2, 30, 40, 89}) for one in made if isinstance(one, Variant))

    assert extremes("edge") > 50
    assert extremes("base") < 20


def test_every_cell_can_make_base_examples_and_every_kind_has_cells() -> None:
    assert all("base" in able(cell) for cell in CELLS)
    assert set().union(*map(able, CELLS)) == set(KINDS)


def test_the_timetable_keeps_every_share_within_one() -> None:
    shares = {"base": 0.5, "paraphrased": 0.3, "edge": 0.2}
    every, some = frozenset(shares), frozenset(("base", "edge"))
    timetable = Timetable(shares, [every, some, every, every, some])
    made: Counter[str | None] = Counter()
    for place in range(200):
        made.update(timetable.kind(cell, place) for cell in range(5))
        for kind, share in shares.items():
            assert abs(made[kind] - share * 5 * (place + 1)) <= 1.001


def test_the_timetable_does_not_depend_on_the_order_of_asking() -> None:
    shares, able_to = {"base": 0.6, "edge": 0.4}, [frozenset(("base", "edge"))] * 7
    one, two = Timetable(shares, able_to), Timetable(shares, able_to)
    places = [(cell, place) for cell in range(7) for place in range(30)]
    assert [one.kind(*at) for at in places] == [two.kind(*at) for at in reversed(places)][::-1]


def test_a_cell_that_can_make_nothing_asked_for_is_passed_over() -> None:
    timetable = Timetable({"edge": 1.0}, [frozenset(("base",)), frozenset(("base", "edge"))])
    assert [timetable.kind(0, 0), timetable.kind(1, 0)] == [None, "edge"]


def test_no_cell_falls_into_step_with_a_kind() -> None:
    timetable = Timetable({"base": 0.5, "edge": 0.5}, [frozenset(("base", "edge"))] * 8)
    for cell in range(8):
        edges = sum(timetable.kind(cell, place) == "edge" for place in range(100))
        assert 20 <= edges <= 80


def test_arithmetic_is_read_as_it_is_written() -> None:
    assert value_of("2.5 * 4^2 - 1") == 39
    assert value_of("0.1 + 0.2") == Fraction(3, 10)
    found = calculation_of(Problem("How far?", ("4 * 5 = 20 m", "so 20 + 3 = 23 m"), "23 metres", (), "yes"))
    assert found is not None
    assert (found.shape, found.line) == (("# * #", "# + #"), "20 + 3")
    assert calculation_of(Problem("How far?", ("4 * 5 = 20 m",), "23 metres", (), "yes")) is None


@pytest.mark.parametrize("kind", ["base", "edge"])
def test_no_draw_of_any_cell_crashes_and_none_is_wrong(kind: str) -> None:
    assert all(draw(11, cell, index, KINDS[kind]).right for cell in CELLS for index in range(10))
