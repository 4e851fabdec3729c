"""The `package` stage, heavy half: renders the templates, copies model and gateway, counts and digests it all."""

from __future__ import annotations

import json
import platform
import shutil
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ryot.plugins import NodeError, StageContext, serving_engine
from ryot.stages.package import bill
from ryot.stages.package.board import panels
from ryot.stages.package.stage import PackageConfig
from ryot.stages.serve import command, front
from ryot.stages.serve.checkpoint import Checkpoint, read_checkpoint
from ryot.stages.serve.settings import tuned

GATEWAY = ("pydantic", "uvloop", "httptools", "msgspec", "prometheus-client", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")
"""What ryot.gateway imports; ryot itself is copied."""
PROGRAMS = ("gateway", "generator")
PORT, GRACE_S = 8000, 60
DIGESTS = "digests.txt"


def run(config: PackageConfig, context: StageContext) -> None:
    """Write the package. Raises NodeError where no engine is installed whose version it could name."""
    config = config.model_copy(update={"serve": tuned(config.serve, context)})
    model, out = context.inputs["model"], context.out
    shutil.copytree(model, out / "model")
    _copy_programs(out / "ryot")
    engine = serving_engine(config.serve.engine)
    libraries = bill.needed((*GATEWAY, *engine.distributions), bill.installed())
    if not set(engine.distributions) & libraries.keys():
        raise NodeError(
            f"{engine.distributions[0]} is not installed, so its version cannot be told", hint="install the extra `cpu` or `cuda`"
        )
    checkpoint = read_checkpoint(model)
    told = front.settings(config.serve, checkpoint, ())
    digest = str(told["digest"])
    for name, source in render(_values(config, checkpoint, digest)).items():
        context.write(name, source)
    (out / "gateway").mkdir()
    for where, addresses in _addresses(config).items():
        context.write(f"gateway/{where}.json", json.dumps(told | {"replicas": addresses}, indent=1))
    context.write("requirements.txt", bill.requirements(libraries))
    context.write("sbom.cdx.json", json.dumps(bill.bill(config.name, digest[:12], libraries), indent=1))
    listed = bill.digests(out, DIGESTS)
    context.write(DIGESTS, listed)
    context.measure("files", len(listed.splitlines()))
    context.measure("size", sum(path.stat().st_size for path in out.rglob("*") if path.is_file()))
    context.measure("components", len(libraries))
    context.say(f"{config.name}: {len(listed.splitlines())} files; RUNBOOK.md says how to start it")


def render(values: dict[str, Any]) -> dict[str, str]:
    """Every template's text by the name of its file."""
    loader = PackageLoader("ryot.stages.package", "templates")
    environment = Environment(  # noqa: S701 - what is written is YAML, JSON and Markdown, and its values were checked by the spec
        loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return {
        name.removesuffix(".j2"): environment.get_template(name).render(values) for name in loader.list_templates() if name.endswith(".j2")
    }


def _values(config: PackageConfig, checkpoint: Checkpoint, digest: str) -> dict[str, Any]:
    serve = config.serve
    machine = command.Machine("cuda" if config.gpu else "cpu", serve.threads or 2)
    argv = command.arguments(serve, machine, Path("/model"), PORT, recurrent=checkpoint.recurrent, host="0.0.0.0")  # noqa: S104
    image = f"{config.name}:{digest[:12]}"
    return {
        "name": config.name,
        "image": f"{config.registry}/{image}" if config.registry else image,
        "model_digest": digest,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "gpu": config.gpu,
        "gpus": serve.tensor_parallel,
        "engine": serve.engine,
        "environment": command.environment(serve.model_copy(update={"replicas": 1}), machine),
        "engine_command": ["python", *argv],
        "engines": [f"engine-{number}" for number in range(serve.replicas)],
        "replicas": serve.replicas,
        "gateways": config.gateways,
        "cpus": command.threads(serve.model_copy(update={"replicas": 1}), machine),
        "memory_bytes": checkpoint.weight_bytes + serve.kv_cache + _bytes(config.memory),
        "grace": GRACE_S,
        "start": int(serve.start_timeout),
        "sequences": serve.max_concurrency,
        "waiting": serve.gateway.waiting,
        "deadline": serve.gateway.deadline,
        "alerts": config.alerts,
        "panels": panels(config.name),
    }


def _addresses(config: PackageConfig) -> dict[str, list[str]]:
    """Where the gateways find the engines, by what starts them."""
    numbers = range(config.serve.replicas)
    return {
        "compose": [f"http://engine-{number}:{PORT}" for number in numbers],
        "kubernetes": [f"http://{config.name}-engine-{number}.{config.name}-engine:{PORT}" for number in numbers],
    }


def _copy_programs(to: Path) -> None:
    """The gateway's own code, and that of the engine on transformers; neither imports anything else of ryot's."""
    import ryot  # noqa: PLC0415 - to find where it lies

    source = Path(ryot.__path__[0])
    to.mkdir(parents=True)
    (to / "__init__.py").write_text("")
    for program in PROGRAMS:
        (to / program).mkdir()
        for file in sorted((source / program).glob("*.py")):
            shutil.copyfile(file, to / program / file.name)


def _bytes(text: str) -> int:
    return int(text[:-2]) << {"Mi": 20, "Gi": 30}[text[-2:]]
