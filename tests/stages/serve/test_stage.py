"""What the plan sees of `serve`."""

from ryot.plugins import Facts, Spec
from ryot.stages.serve.stage import ServeService

FACTS = Facts(device="cpu:test x2")
FIELDS = {
    "version": 1,
    "name": "small",
    "model": {"preset": "ryot-tiny"},
    "data": {"sources": [{"generate": {"examples": 100}}]},
    "train": {"epochs": 1},
    "export": {},
}


def test_there_is_one_node_that_reads_the_exported_model():
    (node,) = ServeService().expand(Spec.model_validate(FIELDS | {"serve": {"kv_cache": "64MiB"}}), FACTS)
    assert (node.name, node.inputs) == ("serve", {"model": "export"})
    assert node.config.kv_cache == 64 << 20
    assert node.config.context == 256


def test_a_spec_without_the_section_has_no_server():
    assert list(ServeService().expand(Spec.model_validate(FIELDS), FACTS)) == []
