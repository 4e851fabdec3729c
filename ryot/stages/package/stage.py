"""The `package` stage, light half: what is served, as a folder to ship."""

from __future__ import annotations

from collections.abc import Iterable

from ryot.plugins import Facts, Measure, Node, Resources, Spec, SpecError, Stage, StageConfig
from ryot.stages.serve.stage import ServeConfig, serve_config, served_inputs


class Alert(StageConfig):
    """A latency that the spec's targets allow: so many seconds at a quantile."""

    quantile: float
    seconds: float


class PackageConfig(StageConfig):
    """The name of it all, the server, where the image is pushed to, the gateways in Kubernetes, an engine's memory beside its weights,
    what alarms, and whether the engines compute on GPUs."""

    name: str
    serve: ServeConfig
    registry: str | None = None
    gateways: int = 2
    memory: str = "2Gi"
    alerts: tuple[Alert, ...] = ()
    gpu: bool = False


class PackageStage(Stage):
    """Writes container files, manifests, alerts, a dashboard, a run book, a bill of materials and digests, beside the model."""

    name = "package"
    version = 2
    Config = PackageConfig
    takes = "model"
    gives = "package"
    resources = Resources(cpus=1)
    work = "ryot.stages.package.work:run"
    measures = (
        Measure(name="files", kind="exact", about="files, each with its digest"),
        Measure(name="size", kind="exact", unit="bytes", about="bytes of all of them"),
        Measure(name="components", kind="exact", about="libraries in the bill of materials"),
    )

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """One node, where the spec has `package`. Raises SpecError for a spec that serves nothing."""
        if spec.package is None:
            return []
        if spec.serve is None:
            raise SpecError("package ships what is served, and the spec has no section `serve`", hint="write at least `serve: {}`")
        config = PackageConfig(
            name=spec.package.name or spec.name.replace("_", "-").strip("-"),
            serve=serve_config(spec).model_copy(update={"ray": None, "cluster": False}),  # in the package Kubernetes places them
            registry=spec.package.registry,
            gateways=spec.package.gateways,
            memory=spec.package.memory,
            alerts=tuple(_alerts(spec)),
            gpu=facts.device.startswith("cuda"),
        )
        return [Node("package", self.name, config, served_inputs(spec), {}, self.resources, self.measures)]


def _alerts(spec: Spec) -> Iterable[Alert]:
    """The strictest latency that a must-target on a load scenario allows, by quantile."""
    bounds: dict[float, float] = {}
    for target in spec.targets:
        quantile = {"latency_p50": 0.5, "latency_p95": 0.95, "latency_p99": 0.99}.get(target.name)
        if quantile and target.node.startswith("bench.") and target.comparison in ("<", "<=") and target.priority == "must":
            bounds[quantile] = min(target.bound, bounds.get(quantile, target.bound))
    return [Alert(quantile=quantile, seconds=seconds) for quantile, seconds in sorted(bounds.items())]
