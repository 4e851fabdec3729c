"""vLLM, lm-eval and Locust for real, on a tiny random GPT-2: one server for all three."""

import json
import math
import urllib.request
from operator import attrgetter

import pytest

from ryot.plugins import Document
from ryot.plugins.testing import run_service, run_stage, write_documents
from ryot.stages.bench import audit
from ryot.stages.bench.stage import Arrivals, BenchConfig, BenchStage, Objective, measures_of
from ryot.stages.evaluate.stage import EvaluateConfig, EvaluateStage
from ryot.stages.serve import probe
from ryot.stages.serve.stage import ServeConfig, ServeService
from tests.stages.bench.fakes import requests_of

pytestmark = pytest.mark.e2e
TEXTS = [f"Q: What is {a} plus {a + 2}?\nA: The sum is {2 * a + 2}." for a in range(12)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A random GPT-2 with a byte-level BPE of 512 entries, as `export` leaves one."""
    import torch  # noqa: PLC0415 - only the tests marked e2e may load it
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: PLC0415
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast  # noqa: PLC0415

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=512, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet))
    folder, end = tmp_path_factory.mktemp("model"), "<|endoftext|>"
    PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=end, bos_token=end, pad_token=end).save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"vocab_size": 512, "n_embd": 64, "n_layer": 2, "n_head": 2, "n_inner": 128, "n_positions": 128}
    GPT2LMHeadModel(GPT2Config(**shape, bos_token_id=0, eos_token_id=0, initializer_range=0.2)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def endpoint(model, tmp_path_factory):
    """The served model."""
    config = ServeConfig(context=128, kv_cache=64 << 20)
    with run_service(ServeService(), config, tmp_path_factory.mktemp("serve"), inputs={"model": model}) as served:
        yield served


@pytest.fixture(scope="module")
def asked():
    """Documents with questions in the order in which they are asked, that of their ids; one is longer than the context."""
    found = []
    for number, text in enumerate([*TEXTS, " ".join(TEXTS)]):
        meta = {"question": f"What is {number}?", "choices": [f"it is {number + k}" for k in range(4)], "answer": f"it is {number + 2}"}
        found.append(Document.of(text, meta))
    return sorted(found, key=attrgetter("id"))


@pytest.fixture(scope="module")
def documents(asked, tmp_path_factory):
    """The documents as the held-out split of a folder."""
    return write_documents(tmp_path_factory.mktemp("documents"), heldout=asked)


@pytest.fixture(scope="module")
def evaluated(model, endpoint, documents, tmp_path_factory):
    """What `evaluate` found."""
    config = EvaluateConfig(tasks=("reasoning", "perplexity"), limit=None, context=128)
    inputs = {"documents": documents, "model": model}
    return run_stage(EvaluateStage(), config, tmp_path_factory.mktemp("evaluate"), inputs=inputs, services={"serve": endpoint})


def by_transformers(model, prompt, text):
    """The log-likelihood of `text` after `prompt`, each tokenized alone after the end-of-text token, computed without any server."""
    import torch  # noqa: PLC0415
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    tokenizer, network = AutoTokenizer.from_pretrained(model), AutoModelForCausalLM.from_pretrained(model).eval()
    start = tokenizer(prompt).input_ids or [tokenizer.eos_token_id]
    tokens = tokenizer(prompt + text).input_ids[len(tokenizer(prompt).input_ids) :]
    with torch.no_grad():
        logits_TV = network(torch.tensor([start + tokens])).logits[0].log_softmax(-1)
    return sum(logits_TV[len(start) + i - 1, token].item() for i, token in enumerate(tokens)), len(tokens)


def test_the_endpoint_tells_what_it_reserved(endpoint, model):
    tensors = {"wte": 512 * 64, "wpe": 128 * 64, "blocks": 2 * (4 * 64 * 64 + 4 * 64 + 2 * 64 * 128 + 128 + 64 + 4 * 64), "norm": 2 * 64}
    assert endpoint.info["memory"] == {"weights": 4 * sum(tensors.values()), "kv_cache": 64 << 20}
    assert endpoint.info["version"]


def test_log_likelihoods_equal_those_of_transformers(evaluated, model, asked):
    samples = [json.loads(line) for line in (evaluated.out / "samples-perplexity.jsonl").read_text().splitlines()]
    within = [(sample, document) for sample, document in zip(samples, asked, strict=True) if document.text in TEXTS]
    assert len(within) == len(TEXTS)
    for sample, document in within:
        expected, tokens = by_transformers(model, "", document.text)
        assert sample["tokens"] == tokens
        assert sample["loglikelihood"] == pytest.approx(expected, abs=1e-3)


def test_perplexity_is_that_of_all_tokens(evaluated):
    samples = [json.loads(line) for line in (evaluated.out / "samples-perplexity.jsonl").read_text().splitlines()]
    nats, tokens = -sum(sample["loglikelihood"] for sample in samples), sum(sample["tokens"] for sample in samples)
    assert max(sample["tokens"] for sample in samples) > 128
    assert evaluated.value("perplexity") == pytest.approx(math.exp(nats / tokens))


def test_choices_are_scored_as_transformers_scores_them(evaluated, model, asked):
    samples = [json.loads(line) for line in (evaluated.out / "samples-reasoning.jsonl").read_text().splitlines()]
    for sample, document in list(zip(samples, asked, strict=True))[:3]:
        expected = [by_transformers(model, f"Q: {document.meta['question']}\nA:", f" {choice}")[0] for choice in document.meta["choices"]]
        assert sample["loglikelihoods"] == pytest.approx(expected, abs=1e-3)
    assert evaluated.evidence["reasoning_accuracy"].of == 13


def test_scores_hold_no_path_and_no_time(evaluated, model):
    text = "".join(path.read_text() for path in evaluated.out.iterdir())
    assert str(model.parent) not in text
    assert "tmp" not in text


def test_scores_are_the_same_to_the_last_digit_when_run_again(evaluated, model, endpoint, documents, tmp_path):
    config = EvaluateConfig(tasks=("reasoning", "perplexity"), limit=None, context=128)
    again = run_stage(EvaluateStage(), config, tmp_path, inputs={"documents": documents, "model": model}, services={"serve": endpoint})
    assert again.evidence == evaluated.evidence


def test_a_load_is_answered_and_counted_by_both_sides(endpoint, tmp_path):
    config = BenchConfig(scenario="s", vocab_size=512, requests=40, users=3, batch=4, output_tokens=3, warmup=5)
    found = run_stage(BenchStage(), config, tmp_path, services={"serve": endpoint})
    tried = json.loads((found.out / "generator.json").read_text())["tries"][-1]
    assert tried["sent"] == tried["answered"] == tried["served"] == 180
    assert (found.value("errors"), found.value("success_rate")) == (0, 1)
    assert found.value("memory") == sum(endpoint.info["memory"].values())


def streamed(endpoint):
    """Events of streams that the gateway passed on so far."""
    with urllib.request.urlopen(f"{endpoint.url}/metrics") as answer:
        return probe.samples(answer.read().decode())["ryot_stream_events_total"]


def test_tokens_of_an_open_loop_are_taken_as_they_come(endpoint, tmp_path, monkeypatch):
    """Through the gateway from vLLM. How punctual the generator is on a machine that others use is not looked at here."""
    monkeypatch.setattr(audit, "disturbances", lambda found: [])
    slo = Objective(ttft=10.0, tpot=1.0, latency=30.0)
    config = BenchConfig(
        scenario="s", vocab_size=512, requests=40, output_tokens=6, warmup=0, stream=True, slo=slo, arrivals=Arrivals(rate=8)
    )
    before = streamed(endpoint)
    found = run_stage(BenchStage(), config, tmp_path, services={"serve": endpoint}, measures=measures_of(config))
    assert (found.value("errors"), found.value("slo_attainment")) == (0, 1)
    assert found.value("goodput") == found.value("requests_per_s")
    rows = requests_of(found.out)
    chunks = sorted(len(row["chunks_s"]) for row in rows)
    assert {row["tokens"] for row in rows} == {6}
    # vLLM puts what it made meanwhile into one chunk, the more the quicker it is; every chunk that it sent is there, with its time. Beside
    # them each stream has an event that tells the usage.
    assert streamed(endpoint) - before == sum(chunks) + len(rows)
    assert chunks[20] > 1
    assert chunks[-1] == 6
    for row in rows:
        moments = [row["intended_s"], row["sent_s"], *row["chunks_s"], row["end_s"]]
        assert moments == sorted(moments)
