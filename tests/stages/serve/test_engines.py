"""Engines by name: what each is started with, and what it refuses while planning."""

import json

import pytest

from ryot.plugins import Facts, Launch, NodeError, Spec, SpecError, serving_engine
from ryot.plugins.stage import identity
from ryot.stages.serve.leash import LOOKS
from ryot.stages.serve.stage import ServeService, serve_config

FIELDS = {
    "version": 1,
    "name": "small",
    "model": {"preset": "ryot-tiny"},
    "data": {"sources": [{"generate": {"examples": 100}}]},
    "train": {"epochs": 1},
    "export": {},
    "compress": {"int8": {}, "int4": {}},
}


def planned(**serve):
    return list(ServeService().expand(Spec.model_validate(FIELDS | {"serve": serve}), Facts(device="cpu:test x2")))


def test_an_engine_nobody_offers_is_refused_with_those_there_are():
    with pytest.raises(SpecError, match="no engine 'tgi'") as caught:
        planned(engine="tgi")
    assert "transformers, vllm" in caught.value.hint


@pytest.mark.parametrize(
    ("serve", "words"),
    [
        ({"engine": "transformers", "eager": False}, "does not compile"),
        ({"engine": "transformers", "speculative": 4}, "guesses no tokens"),
        ({"engine": "transformers", "weights": "int8"}, "the export only"),
        ({"engine": "vllm", "tensor_parallel": 2}, "no GPU to spread"),
        ({"engine": "transformers", "tensor_parallel": 2}, "on one GPU"),
        ({"engine": "vllm", "weights": "int4"}, "no kernel"),
    ],
)
def test_what_an_engine_cannot_do_is_refused_before_anything_runs(serve, words):
    with pytest.raises(SpecError, match=words):
        planned(**serve)


def test_guessing_ahead_is_vllms_own():
    argv = serving_engine("vllm").argv(_launch(speculative=4))
    guess = json.loads(argv[argv.index("--speculative-config") + 1])
    assert guess == {"method": "ngram", "num_speculative_tokens": 4, "prompt_lookup_max": 4}
    assert "--speculative-config" not in serving_engine("vllm").argv(_launch())


def test_only_the_engine_on_transformers_does_without_a_cache():
    assert "--no-cache" in serving_engine("transformers").argv(_launch(cached=False))
    assert "--no-cache" not in serving_engine("transformers").argv(_launch())
    assert serving_engine("transformers").refusal(_launch(cached=False)) is None
    assert serving_engine("vllm").refusal(_launch(cached=False)) == (
        "vLLM has no way to serve without a KV cache; engine: transformers has"
    )
    assert "cached" not in identity(serve_config(Spec.model_validate(FIELDS | {"serve": {}})))


@pytest.mark.parametrize("device", ["cpu:any", "cuda:NVIDIA H200 x1"])
def test_only_vllm_is_known_to_look_for_cycles_once_it_is_up(device):
    assert [LOOKS in serving_engine(name).env(_launch(device=device)) for name in ("vllm", "transformers")] == [True, False]


def test_engines_on_gpus_have_one_each():
    for name in ("vllm", "transformers"):
        launch = _launch(device="cuda:NVIDIA H200 x2", number=1, replicas=2)
        assert serving_engine(name).env(launch)["CUDA_VISIBLE_DEVICES"] == "1"


def test_an_engine_that_is_spread_has_the_next_gpus_of_the_users():
    launch = _launch(device="cuda:NVIDIA H200 x8", number=1, replicas=2, tensor_parallel=2, gpus=("4", "5", "6", "7"))
    assert serving_engine("vllm").env(launch)["CUDA_VISIBLE_DEVICES"] == "6,7"
    argv = serving_engine("vllm").argv(launch)
    assert (argv[argv.index("--tensor-parallel-size") + 1], argv[argv.index("--distributed-executor-backend") + 1]) == ("2", "mp")
    with pytest.raises(NodeError, match="CUDA_VISIBLE_DEVICES names 4"):
        serving_engine("vllm").env(
            _launch(device="cuda:NVIDIA H200 x8", number=2, replicas=3, tensor_parallel=2, gpus=("4", "5", "6", "7"))
        )


@pytest.mark.parametrize(("many", "even"), [(1, True), (2, True), (3, False), (4, False)])
def test_heads_are_shared_out_evenly_or_not_at_all(many, even):
    spec = Spec.model_validate(FIELDS | {"serve": {"tensor_parallel": many}})  # two heads
    on_gpus = Facts(device="cuda:NVIDIA H200 x8")
    if even:
        assert list(ServeService().expand(spec, on_gpus))
    else:
        with pytest.raises(SpecError, match="cannot share 2 heads"):
            list(ServeService().expand(spec, on_gpus))


def _launch(**fields):
    given = {
        "model": "model",
        "device": "cpu:x x2",
        "dtype": "auto",
        "context": 64,
        "max_concurrency": 4,
        "kv_cache": 1 << 20,
        "threads": 1,
    }
    return Launch(**(given | fields))


def test_which_cluster_the_engines_run_on_is_no_part_of_the_servers_identity_but_that_they_do_is():
    configs = [
        serve_config(Spec.model_validate(FIELDS | {"serve": {"threads": 1} | more})) for more in ({}, {"ray": "a:1"}, {"ray": "b:2"})
    ]
    here, one, other = (identity(config) for config in configs)
    assert one == other != here


@pytest.mark.parametrize(("more", "why"), [
    ({"ray": "auto"}, "how many cores of a machine an engine takes is not said"),
    ({"ray": "auto", "threads": 1, "autotune": {}}, "serve.autotune tries settings on this machine"),
])  # fmt: skip
def test_engines_elsewhere_are_not_guessed_at(more, why):
    spec = Spec.model_validate(FIELDS | {"serve": more})
    with pytest.raises(SpecError, match=why):
        list(ServeService().expand(spec, Facts(device="cpu:x x2")))
