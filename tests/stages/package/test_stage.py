"""The node of a package."""

from typing import Any

import pytest
from pydantic import ValidationError

from ryot.plugins import Facts, Spec, SpecError
from ryot.stages.package.stage import Alert, PackageStage

CPU = Facts("cpu:test x2")


def spec(**sections: Any) -> Spec:
    written = {
        "version": 1,
        "name": "small_one",
        "model": {"preset": "ryot-simple"},
        "data": {"sources": [{"generate": {}}]},
        "train": {"steps": 10},
        "export": {},
        "serve": {"replicas": 2},
        "package": {},
    }
    return Spec.model_validate({name: section for name, section in {**written, **sections}.items() if section is not None})


def test_it_ships_what_is_served() -> None:
    assert list(PackageStage().expand(spec(package=None), CPU)) == []
    (node,) = PackageStage().expand(spec(), CPU)
    assert (node.name, node.inputs, node.config.name) == ("package", {"model": "export"}, "small-one")  # type: ignore[attr-defined]
    (node,) = PackageStage().expand(spec(compress={"int8": {}}, serve={"weights": "int8"}), CPU)
    assert node.inputs == {"model": "compress.int8"}
    with pytest.raises(SpecError, match="no section `serve`"):
        list(PackageStage().expand(spec(serve=None), CPU))


def test_the_strictest_latencies_of_the_targets_alarm() -> None:
    targets = [
        "bench.one/latency_p95 < 50ms", "bench.two/latency_p95 <= 40ms", "bench.two/latency_p99 < 100ms", "bench.one/errors == 0",
        {"measure": "bench.one/latency_p50", "at_most": "5ms", "priority": "should"}, "data/examples >= 10",
    ]  # fmt: skip
    (node,) = PackageStage().expand(spec(targets=targets), CPU)
    assert node.config.alerts == (Alert(quantile=0.95, seconds=0.04), Alert(quantile=0.99, seconds=0.1))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "package", [{"name": "Upper"}, {"name": "a b"}, {"registry": "x y"}, {"memory": "2GB"}, {"gateways": 0}, {"name": "x; rm"}]
)
def test_names_that_could_break_a_manifest_are_refused(package: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        spec(package=package)
