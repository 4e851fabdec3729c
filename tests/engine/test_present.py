"""Which processes are ryot's, by their command lines and marks, and what belongs to what."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ryot.engine.present import Seen, pieces

JOB = "/data/.ryot/runs/20260101-000000-toy-abcd/jobs/train.json"
KEEPER = ("python", "-P", "-m", "ryot.keeper", JOB, "python", "m1.t1")


def process(pid: int, *argv: str, parent: int = 1, mark: str = "", began: float = 0) -> Seen:
    return Seen(pid, parent, argv, mark, began, 1000)


@pytest.mark.parametrize(("argv", "verb"), [
    (("/usr/bin/python3", "/opt/bin/ryot", "apply", "spec.yaml"), "apply"),
    (("python", "-m", "ryot", "serve", "spec.yaml"), "serve"),
    (("python", "-m", "ryot.cli.main", "bench", "spec.yaml"), "bench"),
    (("ryot", "apply"), "apply"),
    (("ryot", "ps"), None),
    (("vi", "ryot", "notes"), None),
    (("grep", "-r", "apply"), None),
    ((), None),
])  # fmt: skip
def test_driver_is_known_by_its_verb(argv: tuple[str, ...], verb: str | None) -> None:
    assert process(1, *argv).verb == verb


@pytest.mark.parametrize(
    "argv", [("python", "-m", "ryot.keeper"), ("vi", "ryot.keeper", "a", "b", "c"), ("ryot.keeper", "a", "b", "c"), ()]
)
def test_what_only_names_a_keeper_is_none(argv: tuple[str, ...]) -> None:
    assert process(1, *argv).job is None


def test_agent_on_a_further_machine_keeps_what_has_its_mark() -> None:
    agent, rank = process(21, "python", "-P", "-m", "ryot.agent", JOB, "m1~.t1"), process(22, "python", mark="m1~.t1")
    reach = process(20, "srun", "--nodelist=n2", *agent.argv, mark="m1.t1")
    node = next(piece for piece in pieces([agent, rank, reach]) if piece.mark == "m1~.t1")
    assert (node.node, node.processes, node.left_over) == ("train", (22, 21), False)


def test_node_has_its_keepers_and_all_marked_processes() -> None:
    keeper, worker, child = (
        process(11, *KEEPER, parent=10),
        process(12, "python", mark="m1.t1", began=1),
        process(13, mark="m1.t1", began=2),
    )
    driver, other = process(10, "ryot", "apply", "spec.yaml"), process(99, "top")
    shown, node = pieces([child, worker, other, keeper, driver])
    assert (shown.verb, shown.pid, shown.run, shown.root) == ("apply", 10, "20260101-000000-toy-abcd", Path("/data/.ryot"))
    assert (node.node, node.pid, node.processes, node.memory, node.left_over) == ("train", 12, (12, 13, 11), 3000, False)


def test_process_of_another_try_of_a_node_is_left_over() -> None:
    found = pieces([process(11, *KEEPER), process(12, mark="m1.t1"), process(13, mark="m1.t0")])
    assert [(piece.pid, piece.left_over) for piece in found] == [(12, False), (13, True)]


def test_driver_that_runs_no_node_tells_its_store() -> None:
    shown = Seen(os.getpid(), 1, ("ryot", "apply", "spec.yaml", "--store", "there"), "", 0, 1000, "elsewhere")
    assert [piece.root for piece in pieces([shown])] == [Path("there").resolve()]
