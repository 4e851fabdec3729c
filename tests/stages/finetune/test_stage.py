"""What the plan has of `finetune` and `align`: their places in the chain, their identity, what is refused."""

import subprocess
import sys
from typing import Any

import pytest

from ryot.plugins import Facts, Node, Spec, SpecError
from ryot.plugins.stage import identity
from ryot.stages.align.stage import AlignStage
from ryot.stages.export.stage import ExportStage
from ryot.stages.finetune.stage import FinetuneConfig, FinetuneStage

BASE: dict[str, Any] = {
    "version": 1,
    "name": "t",
    "model": {"preset": "ryot-tiny"},
    "data": {"sources": [{"generate": {"examples": 100}}]},
    "train": {"steps": 10},
    "export": {},
}
PAIRS = {"generate": {"examples": 100}}
FACTS = Facts(device="cpu:test x2", digests={"pairs.jsonl": "d1"}, paths={"pairs.jsonl": "/there/pairs.jsonl"})


def nodes(facts: Facts = FACTS, **sections: Any) -> dict[str, Node]:
    spec = Spec.model_validate({**BASE, **sections})
    return {node.name: node for stage in (FinetuneStage(), AlignStage(), ExportStage()) for node in stage.expand(spec, facts)}


def tuning(**fields: Any) -> FinetuneConfig:
    config = nodes(finetune={**PAIRS, **fields})["finetune"].config
    assert isinstance(config, FinetuneConfig)
    return config


def test_a_spec_without_the_sections_has_no_such_nodes() -> None:
    assert list(nodes()) == ["export"]


@pytest.mark.parametrize(("sections", "chain"), [
    ({"finetune": PAIRS}, {"finetune": "train", "export": "finetune"}),
    ({"align": PAIRS}, {"align": "train", "export": "align"}),
    ({"finetune": PAIRS, "align": PAIRS}, {"finetune": "train", "align": "finetune", "export": "align"}),
    ({"finetune": PAIRS, "optimize": {"stack": []}}, {"finetune": "train.optimized", "export": "finetune"}),
])  # fmt: skip
def test_each_reads_the_weights_of_the_one_before(sections: dict[str, Any], chain: dict[str, str]) -> None:
    assert {name: node.inputs["weights"] for name, node in nodes(**sections).items()} == chain


def test_a_gate_that_stops_is_ahead_of_the_first_that_reads_trained_weights() -> None:
    found = nodes(finetune=PAIRS, align=PAIRS, optimize={"stack": [], "gate": "stop"})
    assert {name: "comparison" in node.inputs for name, node in found.items()} == {"finetune": True, "align": False, "export": False}
    assert nodes(align=PAIRS, optimize={"stack": [], "gate": "stop"})["align"].inputs["comparison"] == "compare"


def test_generated_pairs_leave_out_the_questions_of_the_documents_which_a_file_s_need_not() -> None:
    assert nodes(finetune=PAIRS)["finetune"].inputs["documents"] == "data"
    filtered = nodes(finetune=PAIRS, data={**BASE["data"], "filters": {"length": {}}})
    assert filtered["finetune"].inputs["documents"] == "filter.length"
    assert "documents" not in nodes(finetune={"path": "pairs.jsonl"})["finetune"].inputs


def test_a_file_is_known_by_its_digest_and_not_by_its_place() -> None:
    moved = Facts(device="cpu:test x2", digests={"pairs.jsonl": "d1"}, paths={"pairs.jsonl": "/elsewhere/pairs.jsonl"})
    changed = Facts(device="cpu:test x2", digests={"pairs.jsonl": "d2"}, paths=FACTS.paths)
    keys = [identity(nodes(facts, finetune={"path": "pairs.jsonl"})["finetune"].config) for facts in (FACTS, moved, changed)]
    assert keys[0] == keys[1] != keys[2]
    with pytest.raises(SpecError, match="which is not there"):
        nodes(Facts(device="cpu:test x2"), align={"path": "pairs.jsonl"})


def test_the_cadence_of_checkpoints_is_no_part_of_the_identity() -> None:
    assert identity(tuning(checkpoint_every=1)) == identity(tuning(checkpoint_every=9))
    assert identity(tuning(lr="1e-3")) != identity(tuning())


def test_defaults_are_rank_64_alpha_128_dropout_5_percent_on_attention() -> None:
    lora = tuning().lora
    assert lora is not None
    assert (lora.rank, lora.alpha, lora.dropout, lora.modules) == (64, 128, 0.05, ("attn.c_attn", "attn.c_proj"))


def test_full_has_no_adapters() -> None:
    assert tuning(method="full").lora is None


def test_samples_are_what_is_held_out_and_updates() -> None:
    node = nodes(finetune={**PAIRS, "held_out": "25%", "batch_size": 4, "epochs": 2})["finetune"]
    assert (node.samples["loss_drop"], node.samples["tokens_per_s"]) == (25, 17)  # windows of time
    assert "loss_drop" not in nodes(finetune={"path": "pairs.jsonl"})["finetune"].samples


@pytest.mark.parametrize("pairs", [10, 11, 25, 1000])
def test_the_spec_and_the_run_hold_out_as_many(pairs: int) -> None:
    spec = Spec.model_validate({**BASE, "finetune": {"generate": {"examples": pairs}, "held_out": "4%"}})
    config = nodes(finetune={"generate": {"examples": pairs}, "held_out": "4%"})["finetune"].config
    assert isinstance(config, FinetuneConfig)
    assert spec.finetune is not None
    assert config.heldout(pairs) == spec.finetune.heldout
    assert config.recipe.updates(pairs - config.heldout(pairs)) == spec.finetune.updates


@pytest.mark.parametrize("section", ["finetune", "align"])
def test_a_rank_above_the_width_is_refused(section: str) -> None:
    with pytest.raises(SpecError, match=f"{section}.lora.rank is 65, and the model is only 64 wide"):
        nodes(**{section: {**PAIRS, "lora": {"rank": 65}}})


def test_planning_loads_no_torch() -> None:
    code = (
        "import sys, ryot.stages.finetune.stage, ryot.stages.align.stage; sys.exit('torch' in sys.modules or 'tokenizers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
