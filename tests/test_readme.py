"""What the README and the headers of specs tell a reader to write or to type is right."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from ryot.cli.main import run
from tests.stages.filter.conftest import PROSE

ROOT = Path(__file__).parents[1]


def blocks(heading: str) -> list[str]:
    """The YAML examples under a heading of the README."""
    part = (ROOT / "README.md").read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```yaml\n(.*?)```", part, re.DOTALL)


def test_the_data_example_leaves_something_of_every_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The hub is a folder here; the last filter of all must let a generated document through as well as prose."""
    (example,) = blocks("The data")
    for name, word in (("texts", "river"), ("hub", "canal")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jsonl").write_text(json.dumps({"text": PROSE.replace("river", word)}) + "\n")
    local = example.replace("hub: owner/name, revision: 3f1c...", "path: hub")
    assert local != example
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"version: 1\nname: x\nmodel: {{preset: ryot-tiny}}\ntrain: {{batch_size: 2, steps: 1}}\n{local}")
    assert run(["data", "preview", str(spec), "--json", "--documents", "30"]) == 0, capsys.readouterr().err
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    left = {document["steps"][0]["remark"] for document in found if document["steps"][-1]["verdict"] not in ("dropped", "broken")}
    assert any("generate" in remark for remark in left)


def test_the_command_in_the_header_of_curate_can_be_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text(PROSE)
    (tmp_path / "eval.jsonl").write_text(json.dumps({"text": PROSE}))
    lines = (ROOT / "specs" / "curate.yaml").read_text(encoding="utf-8").splitlines()
    typed = [shlex.split(line.removeprefix("#")) for line in lines if line.startswith("#   ryot apply")]
    assert typed
    for _, _, spec, *more in typed:
        assert run(["validate", str(ROOT / spec), *(word.replace("/PATH", str(tmp_path)) for word in more)]) == 0
        said = capsys.readouterr()
        assert "is sound" in said.out, said.err


def test_the_load_example_is_sound_and_its_measures_are_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks("The load")
    spec = tmp_path / "spec.yaml"
    rest = "model: {preset: ryot-tiny}\ndata: {sources: [{generate: {}}]}\ntrain: {steps: 1}\nexport: {}\nserve: {}\n"
    targets = [
        f"bench.open/{name}"
        for name in ("ttft_p50 < 1s", "tpot_p95 < 1s", "itl_p99 < 1s", "goodput > 1 requests/s", "slo_attainment > 90%")
    ]
    spec.write_text(f"version: 1\nname: x\n{rest}{example}targets: {json.dumps(targets)}\n")
    assert run(["validate", str(spec)]) == 0, capsys.readouterr().err
