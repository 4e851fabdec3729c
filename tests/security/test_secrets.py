"""A canary in every place that may hold a secret: it is in nothing that ryot writes, shows, sends on, or starts programs with.

Of a spec that holds one: tests/spec/test_secrets.py. Of an engine that prints its environment: tests/stages/serve/test_work.py.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from ryot.cli.main import run
from tests.gateway.conftest import Server, completion
from tests.security.conftest import apply_odd, ryot
from tests.stages.package.test_work import package

pytestmark = pytest.mark.heavy
CANARY = "s3cret-canary"
SECRETS = {
    **dict.fromkeys(("RYOT_API_KEY", "HF_TOKEN", "WANDB_API_KEY", "VLLM_API_KEY", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD"), CANARY),
    "HTTPS_PROXY": f"http://ana:{CANARY}@127.0.0.1:9",
    "MLFLOW_TRACKING_URI": f"https://ana:{CANARY}@127.0.0.1:9",
}


def command_lines(process: subprocess.Popen[bytes]) -> set[str]:
    """The command line of every process below one, from now until that ends: what `ps` shows to everybody on the machine."""
    seen: set[str] = set()
    head = psutil.Process(process.pid)
    while process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
        with suppress(psutil.Error):
            for child in (head, *head.children(recursive=True)):
                with suppress(psutil.Error):
                    seen.add(" ".join(child.cmdline()))
    return seen


def hits(folder: Path) -> list[str]:
    """The files below a folder, and the members of the bundles among them, that hold the canary in their bytes or name."""
    found = []
    for path in sorted(folder.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as bundle:
                data = b"".join(bundle.read(name) for name in bundle.namelist())
        if CANARY.encode() in data or CANARY in path.name:
            found.append(path.relative_to(folder).as_posix())
    return found


def test_a_secret_of_the_environment_is_in_nothing_that_an_apply_leaves_or_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """vllm PR#52523, sglang#37457, diffusers#6916: keys were in start-up logs, in a file of settings, in what was sent to a tracker."""
    store = tmp_path / "store"
    with (tmp_path / "apply.log").open("wb") as log:
        process = subprocess.Popen(apply_odd("crashes", store), stdout=log, stderr=log, env=os.environ | SECRETS)
    started = command_lines(process)
    assert process.returncode == 4
    assert any("ryot.worker" in line for line in started)
    assert "KeyError" in (tmp_path / "apply.log").read_text()  # it crashed, with a traceback in its log
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    for verb in (["report", "--bundle", str(tmp_path / "evidence.zip")], ["status", "--json"], ["logs", "odd"], ["check", "--json"]):
        run([*verb, "--store", str(store)])
        (tmp_path / f"{verb[0]}.txt").write_text("".join(capsys.readouterr()))
    assert {path.suffix for path in store.glob("runs/*/report.*")} == {".html", ".md", ".json", ".xml"}
    assert len(list(store.rglob("*"))) > 20
    assert hits(tmp_path) == []
    assert [line for line in started if CANARY in line] == []


def test_a_secret_of_a_client_is_in_nothing_that_a_gateway_writes_or_tells(
    engine: Callable[..., Server], gateway: Callable[..., Server], tmp_path: Path
) -> None:
    front = gateway(engine(), key=CANARY)
    carriers = {"authorization": f"Bearer {CANARY}-wrong", "cookie": CANARY, "x-api-key": CANARY, "x-request-id": f"{CANARY} {{}}"}
    carriers |= {"traceparent": CANARY, "user-agent": CANARY, CANARY: "1", "cache-control": CANARY}
    for path in (f"/{CANARY}", f"/v1/models?api_key={CANARY}", f"/v1/completions?key={CANARY}", f"/v1/models/{CANARY}", f"//a:{CANARY}@b/"):
        for method in ("GET", "POST"):
            front.ask(path, completion() | {"user": CANARY} if method == "POST" else None, method, **carriers)
    right = {"authorization": f"Bearer {CANARY}"}
    for body in (completion() | {"prompt": CANARY}, completion() | {"model": CANARY}, completion() | {CANARY: 1}, f'{{"{CANARY}'.encode()):
        front.ask("/v1/completions", body, **right)
    with suppress(OSError, http.client.HTTPException):
        front.ask(f"/{CANARY}", None, CANARY.upper())
    told = [front.ask(path, None, "GET", **right)[1] for path in ("/metrics", "/openapi.json", "/v1/models")]
    told.append(front.ask("/health")[1])
    assert b"ryot_requests_total" in told[0]
    assert CANARY not in str(told)
    assert CANARY not in " ".join(psutil.Process(front.process.pid).cmdline())
    front.process.send_signal(signal.SIGTERM)
    front.process.wait()
    assert '"route"' in (tmp_path / "gateway-0.log").read_text()
    assert hits(tmp_path) == []


def test_a_secret_of_the_environment_is_in_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    built = package(tmp_path).out
    assert (built / "Containerfile").exists()
    assert (built / "sbom.cdx.json").exists()
    assert hits(tmp_path) == []


def test_a_failing_download_does_not_tell_the_password_of_the_proxy(tmp_path: Path) -> None:
    """What a library says of an address that it could not reach is repeated in the error, the log and the report."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "version: 1\nname: canary\nmodel: {preset: ryot-tiny}\ndata: {sources: [{hub: owner/name}]}\n"
        "train: {batch_size: 16, samples: 320, epochs: 1}\n"
    )
    endpoint = {"HF_ENDPOINT": f"https://ana:{CANARY}@127.0.0.1:9", "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "home")}
    done = ryot("apply", str(spec), "--until", "data", store=tmp_path / "store", **SECRETS, **endpoint)
    assert done.returncode == 4
    assert "cannot read owner/name from the hub" in done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert hits(tmp_path) == []
