"""What the plan sees of `bench`."""

import pytest

from ryot.plugins import Facts, Spec, SpecError
from ryot.stages.bench.stage import BenchStage

FACTS = Facts(device="cpu:test x2")


def spec(**scenarios):
    fields = {"version": 1, "name": "small", "model": {"preset": "ryot-tiny"}, "train": {"epochs": 1}, "export": {}, "serve": {}}
    data = {"sources": [{"generate": {"examples": 100}}]}
    return Spec.model_validate(fields | {"data": data, "bench": {"scenarios": scenarios}})


def test_each_scenario_is_a_node_that_has_the_machine_to_itself():
    nodes = list(BenchStage().expand(spec(single={}, many={"users": 10, "batch": 4}), FACTS))
    assert [node.name for node in nodes] == ["bench.single", "bench.many"]
    assert all(node.resources.measures_speed and node.services == {"serve": "serve"} for node in nodes)
    assert (nodes[1].config.users, nodes[1].config.batch) == (10, 4)


def test_prompt_and_answer_have_to_fit_the_context():
    with pytest.raises(SpecError, match="do not fit"):
        list(BenchStage().expand(spec(long={"prompt_tokens": 200, "output_tokens": 57}), FACTS))
