"""The hybrid, and stretched positions, from first weights to vLLM for real: trained, exported, served, and the log-probabilities those of
transformers. The reserve of keys, values and states is what vLLM itself reports at its start."""

import json
import re
import urllib.request

import pytest

from ryot.estimate.serving_memory import max_concurrency
from ryot.plugins.testing import run_service, run_stage
from ryot.spec.model import Model
from ryot.stages.export.stage import ExportConfig, ExportStage
from ryot.stages.serve.stage import ServeConfig, ServeService
from ryot.stages.train.stage import KernelChoice, ModelShape, Recipe, TrainConfig, TrainStage

pytestmark = pytest.mark.e2e
PROMPTS = ([5, 9, 12, 7, 30, 44, 8], [100, 5, 9], list(range(3, 203)))
"""Long ones made vLLM keep states for a prefix that comes again, which on a CPU ended it."""

RESERVE = 64 << 20
REPORT = re.compile(r"KV cache size: ([\d,]+) tokens, Maximum concurrency for ([\d,]+) tokens per request: ([\d.]+)x")

YARN = {"type": "yarn", "factor": 4, "original_context": 64}
LLAMA3 = {"type": "llama3", "factor": 8, "original_context": 32}
MODELS = [({"preset": "hybrid-tiny", "rope_scaling": LLAMA3}, 193_304), ({"preset": "llama-tiny", "rope_scaling": YARN}, 119_104)]


def export(fields, tmp_path, make_tokens):
    """A model after ten updates."""
    tokens = make_tokens(train=40, context=96, vocab=512)
    spec = Model.model_validate({**fields, "context": 256})
    shape = ModelShape.model_validate(spec.shape())
    recipe = Recipe(batch_size=8, epochs=2, lr=3e-3, warmup_steps=2)
    config = TrainConfig(model=shape, recipe=recipe, kernel=KernelChoice(level=1))
    trained = run_stage(TrainStage(), config, tmp_path / "train", inputs={"tokens": tokens})
    return run_stage(ExportStage(), ExportConfig(), tmp_path / "export", inputs={"weights": trained.out, "tokens": tokens})


def scored(endpoint, prompt):
    """The tokens of a prompt and of six more, greedily chosen, and each one's log-probability."""
    body = {"model": "model", "prompt": prompt, "max_tokens": 6, "temperature": 0, "logprobs": 1, "echo": True}
    request = urllib.request.Request(endpoint.url + "/v1/completions", json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        found = json.load(answer)["choices"][0]["logprobs"]
    return [_id(token) for token in found["tokens"]], found["token_logprobs"]


def holds_what_was_computed(fields, log):
    """In tokens and in sequences of the whole context, by the engine's own words."""
    tokens, context, concurrency = (float(found.replace(",", "")) for found in REPORT.search(log.read_text(errors="replace")).groups())
    computed = max_concurrency(Model.model_validate({**fields, "context": 256}), RESERVE, "fp32", "cpu")
    assert context == 256
    assert computed.sequences == pytest.approx(concurrency, abs=0.005)
    assert int(computed.sequences * 256) == tokens


def _id(token):
    return {"<unk>": 0, "<eos>": 1, "<pad>": 2}.get(token.strip()) or int(token.strip().removeprefix("w"))


@pytest.mark.parametrize(("fields", "parameters"), MODELS, ids=["hybrid-llama3", "llama-yarn"])
def test_the_served_model_is_the_trained_one(tmp_path, make_tokens, fields, parameters):
    import torch  # noqa: PLC0415 - only the tests marked e2e may load it
    from transformers import AutoModelForCausalLM  # noqa: PLC0415

    exported = export(fields, tmp_path, make_tokens)
    assert exported.value("logit_difference") == 0
    assert exported.value("parameters") == parameters
    network = AutoModelForCausalLM.from_pretrained(exported.out).eval()
    config = ServeConfig(context=256, kv_cache=RESERVE)
    with run_service(ServeService(), config, tmp_path / "serve", inputs={"model": exported.out}) as endpoint:
        for prompt in (*PROMPTS, PROMPTS[-1]):
            ids, served = scored(endpoint, prompt)
            with torch.no_grad():
                logits_LV = network(torch.tensor([ids])).logits[0].log_softmax(-1)
            ours = [logits_LV[place - 1, token].item() for place, token in enumerate(ids)][1:]
            assert ids[: len(prompt)] == prompt
            assert served[1:] == pytest.approx(ours, abs=1e-4)
    holds_what_was_computed(fields, tmp_path / "serve" / "scratch" / "engine-0.log")
