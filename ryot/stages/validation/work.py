"""The `validation` stage, heavy half: one check after the other, and `deployment_validation_report.json`."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from ryot.plugins import NodeError, StageContext, digest_path
from ryot.stages.serve.stage import ServeConfig
from ryot.stages.train.documents import Documents
from ryot.stages.validation import deployment, inference, infrastructure, readiness, server
from ryot.stages.validation.checklist import CHECKLIST, Finding, counts, document
from ryot.stages.validation.reference import Reference
from ryot.stages.validation.site import LONGEST_PROMPT, Site, build
from ryot.stages.validation.stage import CONTINUED, ValidationConfig

REPORT = "deployment_validation_report.json"
Found = Iterator[tuple[str, Finding]]


def run(config: ValidationConfig, context: StageContext) -> None:
    """Go through the list. A check that cannot be carried out has failed; the stage fails only where there is no server."""
    endpoint = context.services["serve"]
    chosen = endpoint.info.get("settings")  # `autotune` may have changed what the spec says
    serve = ServeConfig.model_validate(config.serve.model_dump() | (chosen if isinstance(chosen, dict) else {}))
    config = config.model_copy(update={"serve": serve})
    site = Site(config, context, endpoint, prompts(config, context))
    findings: dict[str, Finding] = {}
    for part in (_alone, _loaded, _on_a_stand):
        for name, finding in part(site):
            findings[name] = finding
            context.say(f"{finding.status.replace('_', ' ')}: {name}{f' ({finding.reason})' if finding.reason else ''}")
            context.report(done=len(findings), total=len(CHECKLIST), unit="items", force=True, **counts(findings))
    for status, count in counts(findings).items():
        context.measure(status, count, of=len(findings))
    context.write(REPORT, json.dumps(document(findings, _about(site)), indent=1) + "\n")


def prompts(config: ValidationConfig, context: StageContext) -> list[list[int]]:
    """Pieces of the held-out documents, all of one length. Raises NodeError where there are too few tokens for two of them."""
    length = min(LONGEST_PROMPT, config.serve.context - CONTINUED - 1)
    documents = Documents(context.inputs["tokens"], "heldout", config.serve.context)
    stream = np.concatenate([documents[index] for index in range(documents.count)])
    if length < 1 or len(stream) <= length:
        raise NodeError(
            f"{len(stream)} held-out tokens and a context of {config.serve.context} are too few for prompts of {length}",
            hint="raise data.held_out, or model.context",
        )
    starts = np.linspace(0, len(stream) - length, config.prompts).astype(int)
    return [stream[start : start + length].tolist() for start in starts]


def _alone(site: Site) -> Found:
    """What the server shows by itself, and the package."""
    yield _found("gpu_detection", infrastructure.gpu_detection, site)
    yield _found("cuda", infrastructure.cuda, site)
    yield _found("memory_preallocation", infrastructure.memory_preallocation, site)
    yield _found("multi_gpu_communication", infrastructure.multi_gpu_communication, site)
    for name, check in (
        ("endpoints", server.endpoints),
        ("health", server.health),
        ("metrics", server.counted),
        ("cache", server.cache),
        ("invalid_input", inference.invalid_input),
        ("single_request", inference.single_request),
        ("batches_1_to_32", inference.batches),
        ("batch_size_tuning", infrastructure.batch_size_tuning),
        ("concurrent_requests", deployment.concurrent_requests),
        ("monitoring_and_alerts", readiness.monitoring_and_alerts),
        ("deployment_document", readiness.deployment_document),
        ("rollback_document", readiness.rollback_document),
        ("service_levels", readiness.service_levels),
    ):
        yield _found(name, check, site)
    reference = Reference(site.context.inputs["reference"], site.context.cpus)
    name, right = _found("output_correct", inference.output_correct, site, reference)
    yield name, right
    yield "single_gpu", deployment.single_gpu(site, right)


def _loaded(site: Site) -> Found:
    """What one load on the server shows."""
    loaded = inference.under_load(site)
    yield _found("memory_stable", inference.memory_stable, site, loaded)
    yield _found("concurrency", inference.concurrency, site, loaded)


def _on_a_stand(site: Site) -> Found:
    """What would harm the server that others use: shown on a gateway and an engine of this stage's own. The gateway's end is the last."""
    stand = build(site)
    yield _found("multi_gpu", deployment.multi_gpu, site, stand)
    yield _found("error_logs", server.error_logs, site, stand)
    answers, shares = deployment.on_all(site, stand)
    yield "load_balancing", deployment.as_specified(site, deployment.load_balancing(site, stand, answers, shares))
    failover, later = deployment.failover(site, stand)
    yield "failover", deployment.as_specified(site, failover)
    name, scales = _found("scaling", deployment.scaling, site, stand, answers, later)
    yield name, deployment.as_specified(site, scales)
    yield _found("queue", server.queue, site, stand)
    yield _found("graceful_shutdown", server.graceful_shutdown, site, stand)


def _found(name: str, check: Callable[..., Finding], *given: Any) -> tuple[str, Finding]:
    """A check's finding; one that could not be carried out has failed."""
    try:
        return name, check(*given)
    except NodeError as error:
        return name, Finding("failed", "the check could not be carried out", reason=error.message[:500])


def _about(site: Site) -> dict[str, Any]:
    """What was looked at, when, and where."""
    info = site.endpoint.info
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "ryot": version("ryot"),
        "device": site.context.device,
        "cpus": site.context.cpus,
        "python": platform.python_version(),
        "engine": {name: info.get(name) for name in ("engine", "version", "dtype", "threads", "context")} | {"replicas": len(site.engines)},
        "model": {"digest": digest_path(site.context.inputs["model"]), "compressed": site.config.compressed},
    }
