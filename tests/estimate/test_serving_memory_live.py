"""The reserve of keys, values and states against what vLLM itself reports at its start."""

import re

import pytest

from ryot.estimate.serving_memory import max_concurrency
from ryot.plugins.testing import run_service
from ryot.spec.model import Model
from ryot.stages.serve.stage import ServeConfig, ServeService
from tests.stages.conftest import write_tokenizer

pytestmark = pytest.mark.e2e
RESERVE = 64 << 20
REPORT = re.compile(r"KV cache size: ([\d,]+) tokens, Maximum concurrency for ([\d,]+) tokens per request: ([\d.]+)x")


def checkpoint(model, folder):
    """A random checkpoint of that shape with a tokenizer of words."""
    import torch  # noqa: PLC0415 - only the tests marked e2e may load it

    from ryot.stages.train.model import Specials, network  # noqa: PLC0415
    from ryot.stages.train.stage import ModelShape  # noqa: PLC0415

    torch.manual_seed(0)
    shape = ModelShape.model_validate(model.shape())
    network(shape, Specials(bos=None, eos=1, pad=2)).save_pretrained(folder)
    write_tokenizer(folder / "tokenizer", model.vocab_size)
    for file in (folder / "tokenizer").iterdir():
        file.rename(folder / file.name)
    return folder


@pytest.mark.parametrize("preset", ["llama-tiny", "hybrid-tiny"])
def test_the_reserve_holds_as_many_tokens_as_vllm_reports(preset, tmp_path):
    model = Model.model_validate({"preset": preset, "context": 300, "heads": 2, "kv_heads": 1})  # vLLM on CPUs: heads of 32 and wider
    config = ServeConfig(context=300, kv_cache=RESERVE, dtype="fp32")
    folder = checkpoint(model, tmp_path / "model")
    with run_service(ServeService(), config, tmp_path / "serve", inputs={"model": folder}):
        log = (tmp_path / "serve" / "scratch" / "engine-0.log").read_text(errors="replace")
    tokens, context, concurrency = (float(found.replace(",", "")) for found in REPORT.search(log).groups())
    computed = max_concurrency(model, RESERVE, "fp32", "cpu")
    assert context == 300
    assert computed.sequences == pytest.approx(concurrency, abs=0.005)
    assert int(computed.sequences * 300) == tokens
