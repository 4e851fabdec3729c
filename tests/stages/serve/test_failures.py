"""Why a server ended, in words."""

import pytest

from ryot.stages.serve.failures import cause_of, last_lines


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("OSError: [Errno 98] Address already in use", "port was taken"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "GPU ran out of memory"),
        ("ValueError: Available memory on node 0 (1.0/8.0 GiB) on kv cache allocation is less than requested", "serve.kv_cache"),
        ("RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory", "machine ran out of memory"),
        ("ValueError: torch.float16 dtype is not supported on this device", "cannot compute in this type"),
        ("User-specified max_model_len (4096) is greater than the derived max_model_len", "context is shorter"),
        ("Model architectures ['Foo'] are not supported for now", "does not know this architecture"),
        ("RuntimeError: Unsupported CPU attention configuration: head_dim=8 isa=1", "no kernel for this head size"),
        ("No module named 'vllm'", "not installed"),
        ("safetensors_rust.SafetensorError: Error while deserializing header", "weights are damaged"),
    ],
)
def test_known_signatures_are_named(log, words):
    assert words in cause_of(f"INFO start\n{log}\nINFO end", 1).words


def test_a_kill_by_the_kernel_is_taken_for_want_of_memory():
    assert "memory" in cause_of("nothing", -9).words
    assert "memory" in cause_of("nothing", 137).words  # of an engine on another machine


def test_an_unknown_end_says_its_exit_code():
    assert cause_of("nothing", 7).words == "it ended with exit code 7"


def test_an_unknown_end_says_the_last_error_in_the_log():
    assert "saying: no luck" in cause_of("Traceback:\nKeyError: 'x'\nmy.CustomError: no luck\nbye", 1).words


def test_the_noise_at_exit_is_left_out_of_the_last_lines():
    assert last_lines("a\n\nRuntimeError: b\nnanobind: leaked 4 instances!\n - leaked type x\n") == "a\nRuntimeError: b"
