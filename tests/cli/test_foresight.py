"""`ryot plan` and what it foresees: refusals end with 3 and stop an apply, allowed ones do not; presets and specs side by side."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ryot.cli.foresight import foresight_of
from ryot.cli.main import run
from ryot.cli.plan import states_of
from ryot.cli.request import resolve
from ryot.report.plan_view import show_plan
from ryot.store.ledger import Entry, append

ROOT = Path(__file__).parent.parent.parent
TINY = ROOT / "specs" / "tiny.yaml"


def spec(folder: Path, *lines: str) -> str:
    """specs/tiny.yaml with further sections."""
    path = folder / "spec.yaml"
    path.write_text(TINY.read_text() + "\n".join(lines) + "\n")
    return str(path)


DEAR = ("hardware:", "  device: a100-40g", "  price: p4d.24xlarge", "  budget: {monthly: 10usd}")


def test_a_refused_plan_ends_with_3_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", spec(tmp_path, *DEAR), "--store", str(tmp_path)]) == 3
    said = capsys.readouterr().out
    assert "Refused" in said
    assert "budget: monthly costs $23,922; hardware.budget.monthly is $10" in said


def test_a_refused_apply_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "store"
    assert run(["apply", spec(tmp_path, *DEAR), "--store", str(store)]) == 3
    said = capsys.readouterr().err
    assert "refused: budget" in said
    assert "allow: {budget: because ...}" in said
    assert not (store / "runs").exists()


def test_an_allowed_refusal_is_shown_with_its_reason_and_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = spec(tmp_path, *DEAR, "allow: {budget: the finance office agreed}")
    assert run(["plan", text, "--json", "--store", str(tmp_path)]) == 0
    (refusal,) = json.loads(capsys.readouterr().out)["refusals"]
    assert (refusal["name"], refusal["allowed"]) == ("budget", "the finance office agreed")
    assert run(["plan", text, "--store", str(tmp_path)]) == 0
    assert "Allowed by the spec" in capsys.readouterr().out


def test_a_spec_for_other_devices_plans_here_but_does_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = spec(tmp_path, "hardware: {device: h100}")
    assert run(["plan", text, "--store", str(tmp_path)]) == 0
    assert run(["apply", text, "--store", str(tmp_path / "store")]) == 3
    assert "the spec trains on 1 x h100; this machine is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "code", "says"),
    [
        (("hardware: {device: a1000}",), 2, "did you mean"),
        (("hardware: {price: p4d.24xlrge}",), 2, "p4d.24xlarge"),
        (("hardware: {device: a100-40g, price: p4d.24xlarge, purchase: reserved}",), 2, "has no price for purchase: reserved"),
        (("hardware: {device: h100, price: p4d.24xlarge}",), 2, "p4d.24xlarge has a100-40g, not h100"),
        (("hardware: {catalogue: {mine: {source: measured}}, device: mine}",), 2, "lacks memory, bandwidth, peak.fp32"),
    ],
)
def test_an_unknown_device_or_price_is_the_specs_fault_and_has_a_place(
    lines: tuple[str, ...], code: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = spec(tmp_path, *lines)
    for verb in ("plan", "validate"):
        assert run([verb, text, "--store", str(tmp_path)]) == code
        said = capsys.readouterr().err
        assert says in said
        assert "spec.yaml:" in said


def test_two_presets_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "ryot-simple", "--compare", "ryot-scaled", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = {row["figure"]: row for row in found["figures"]}
    assert rows["parameters"] == {
        "figure": "parameters",
        "unit": "",
        "first": 1_611_776,
        "second": 9_526_272,
        "factor": 9_526_272 / 1_611_776,
    }
    assert "training time" not in rows


def test_two_specs_stand_side_by_side_with_time_and_cost(capsys: pytest.CaptureFixture[str]) -> None:
    specs = [str(ROOT / "specs" / f"hybrid-{size}.yaml") for size in ("1.3b", "13b")]
    assert run(["plan", specs[0], "--compare", specs[1]]) == 0
    said = capsys.readouterr().out
    assert "training cost" in said
    assert "same" in said


def test_what_is_no_preset_and_no_file_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "ryot-simpl", "--compare", "ryot-scaled"]) == 2
    assert "did you mean ryot-simple?" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_spec_plans_without_a_refusal_in_100_columns(path: Path, tmp_path: Path) -> None:
    planned = resolve(path, None, (), (), tmp_path)
    foresight, said = foresight_of(planned), StringIO()
    assert foresight.stops == ()
    show_plan(Console(file=said, width=100), planned.plan, states_of(planned), foresight)
    assert "What it takes" in said.getvalue()
    assert max(map(len, said.getvalue().splitlines())) <= 100


def test_a_spec_served_elsewhere_does_not_run_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apply", spec(tmp_path, "hardware: {serve: {device: h100}}"), "--store", str(tmp_path / "store")]) == 3
    assert "the spec serves on 1 x h100; this machine is" in capsys.readouterr().err


def test_a_folder_in_the_place_of_the_ledger_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ledger.jsonl").mkdir()
    assert run(["plan", str(TINY), "--store", str(tmp_path)]) == 3
    assert "ledger.jsonl" in capsys.readouterr().err


def test_what_was_measured_here_says_nothing_of_other_devices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def step(*lines: str) -> float:
        run(["plan", spec(tmp_path, *lines), "--store", str(tmp_path), "--json"])
        found: float = json.loads(capsys.readouterr().out)["estimates"]["training"][0]["step_s"]
        return found

    here, there = step(), step("hardware: {device: h100}")
    planned = resolve(TINY, None, (), (), tmp_path)
    prediction = foresight_of(planned).predictions["train.baseline/step_time"]
    fields = {"at": "2026-11-21", "run": "r", "spec": "s", "node": "n", "stage": "train", "measure": "step_time", "unit": "s"}
    entry = Entry.model_validate(
        {**fields, "device": planned.plan.device, "engine": prediction.engine, "shape": prediction.shape, "key": "k"}
        | {"raw": prediction.raw, "predicted": prediction.raw, "measured": 3 * prediction.raw}
    )
    append(tmp_path, [entry])
    assert step() == pytest.approx(3 * here)
    assert step("hardware: {device: h100}") == there


def test_the_derived_shape_stands_beside_the_wish(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sets = ["--set", "model={family: llama, params: 125M}", "--set", "claims={}"]
    run(["plan", str(TINY), *sets, "--store", str(tmp_path)])
    said = " ".join(capsys.readouterr().out.split())
    assert "124,871,424 parameters" in said
    assert "asked for 125M, -0.10%: 768 wide, 16 layers, 12 heads, 3 kv heads, ffn 2,080, vocabulary 32,000, context 2,048" in said
    run(["plan", str(TINY), *sets, "--store", str(tmp_path), "--json"])
    found = json.loads(capsys.readouterr().out)["estimates"]
    assert (found["model"]["params"], found["model"]["hidden_size"], found["params"]) == (125_000_000, 768, 124_871_424)


def test_plan_tells_the_twin_of_a_rehearsal_and_what_comes_after_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", str(TINY), "--set", "rehearse={}", "--store", str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "rehearsal a twin of 116,224 parameters first, 67,072 of them beside embedding, head and positions" in said
    assert "never ran; waits for tokenizer; comes after rehearsal.save, rehearsal.resume, rehearsal.evaluate" in said
    run(["plan", str(TINY), "--set", "rehearse={}", "--store", str(tmp_path), "--json"])
    found = json.loads(capsys.readouterr().out)
    after = {node["name"]: node["after"] for node in found["nodes"] if node["after"]}
    assert set(after) == {"train.baseline", "train.optimized"}
    assert found["estimates"]["params_twin"] == 116_224


@pytest.mark.parametrize("engine", ["deepspeed", "fsdp"])
def test_ways_that_fit_are_shown_with_the_engines_own_fields(engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["plan", "specs/tiny.yaml", "--fit", "--store", str(tmp_path), "--set", f"train.engine={engine}"]
    assert run(argv) == 0
    shown = capsys.readouterr().out
    assert ("ZeRO" in shown, "sharding" in shown) == (engine == "deepspeed", engine == "fsdp")
    assert run([*argv, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fits"]
