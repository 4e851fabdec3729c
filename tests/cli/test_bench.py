"""`ryot bench` before anything runs: which scenarios, and which server that is up already."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ryot.cli.capacity import asked
from ryot.cli.fresh import beside, load, server
from ryot.cli.main import run
from ryot.cli.request import Planned, resolve
from ryot.cli.running import SERVING, running
from ryot.engine.jobs import events_file
from ryot.errors import MachineError, SpecError
from ryot.store.journal import begin

TINY = Path(__file__).parent.parent.parent / "specs" / "tiny.yaml"
URL = "http://127.0.0.1:8123"


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    return resolve(TINY, None, (), (), tmp_path)


def served(planned: Planned, **settings: object) -> None:
    """What `ryot serve` leaves in the store of a server that came to listen."""
    own = server(planned.plan, **settings)
    plan = beside(planned.plan, own, [])
    started = begin(planned.store.root / SERVING, plan.name, datetime.now(UTC), "", plan.model_dump_json())
    path = events_file(started, "serve")
    path.parent.mkdir()
    path.write_text(json.dumps({"event": "ready", "url": URL, "model": "model", "info": {"gateway_pid": 7}}) + "\n")


def test_scenario_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", str(TINY), "singel", "--store", str(tmp_path / "store")]) == 2
    assert "did you mean single?" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_loads_are_anew_each_time_and_judged_by_their_own_targets(planned: Planned) -> None:
    node = planned.plan.node("bench.single")
    first, second = server(planned.plan), server(planned.plan)
    plans = [beside(planned.plan, at, [load(node, at)]) for at in (first, second)]
    keys = {key for plan in plans for key in (plan.node("serve").key, plan.node("bench.single").key)}
    assert len(keys) == 4
    assert not keys & {other.key for other in planned.plan.nodes}
    assert {target.node for target in plans[0].targets} == {"bench.single"}
    assert plans[0].names == ("export", "serve", "bench.single")


def test_server_that_is_up_is_found_by_where_it_listens(planned: Planned) -> None:
    served(planned)
    assert running(planned.plan, planned.store, "http://localhost:8123/").info == {"gateway_pid": 7}
    with pytest.raises(MachineError, match="started no server"):
        running(planned.plan, planned.store, "http://127.0.0.1:8124")


def test_an_address_with_a_password_is_refused_and_the_password_not_shown(planned: Planned) -> None:
    served(planned)
    with pytest.raises(SpecError, match="a user or a password") as caught:
        running(planned.plan, planned.store, "http://ana:s3cret-canary@127.0.0.1:8123")
    assert "s3cret-canary" not in str(caught.value)


def test_server_of_another_model_or_with_a_key_is_refused(planned: Planned, tmp_path: Path) -> None:
    served(planned)
    other = resolve(TINY, None, ("serve.max_concurrency=3",), (), tmp_path)
    with pytest.raises(SpecError, match="max_concurrency 8 -> 3"):
        running(other.plan, other.store, URL)
    served(planned, keyed=True)
    with pytest.raises(SpecError, match="asks for a key"):
        running(planned.plan, planned.store, URL)


@pytest.mark.parametrize(("options", "said"), [
    (["--find-max"], "name one of single, batch8"),
    (["--ui"], "name one of single, batch8"),
    (["batch8", "--find-max"], "there is no target on bench.batch8"),
    (["single", "--find-max", "--within", "10"], "--within 10 is no time"),
    (["single", "--ui", "--json"], "measures nothing"),
    (["single", "--find-max", "--set", "targets.0=bench.single/success_rate >= 100%"], "no load can be shown to meet"),
])  # fmt: skip
def test_what_cannot_be_asked_is_said_before_anything_runs(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", str(TINY), *options, "--store", str(tmp_path / "store")]) == 2
    assert said in capsys.readouterr().err


def test_tries_of_a_search_share_the_error_and_have_the_samples_for_it(planned: Planned) -> None:
    found = asked(planned, planned.plan.node("bench.single"), 60.0)
    assert [target["confidence"] for target in found["targets"]] == pytest.approx([0.995] * 2)
    assert found["least_requests"] == 104  # a p95 at 99.5 %: ln 0.005 / ln 0.95
