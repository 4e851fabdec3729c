"""What else a setting may be."""

import pytest

from ryot.stages.autotune.candidates import Room, alternatives
from ryot.stages.serve.stage import ServeConfig

CPU = Room(cpus=4, cuda=False, free=4 << 30, types=("bf16",))
CUDA = Room(cpus=16, cuda=True, free=100 << 30, types=("bf16", "fp16"))


def values(setting, room=CPU, **fields):
    return [change[setting] for change in alternatives(setting, ServeConfig(context=64, **fields), room)]


@pytest.mark.parametrize(
    ("setting", "fields", "expected"),
    [
        ("threads", {"threads": 3}, [4, 2]),
        ("eager", {}, [False]),
        ("in_process", {}, [False]),
        ("dtype", {}, ["bf16"]),
        ("dtype", {"dtype": "bf16"}, ["fp32"]),
        ("max_concurrency", {"max_concurrency": 1}, [2]),
        ("max_concurrency", {"max_concurrency": 8}, [4, 16]),
        ("kv_cache", {"kv_cache": 1 << 30}, [1 << 29, 2 << 30]),
        ("kv_cache", {"kv_cache": 2 << 30}, [1 << 30]),
        ("kv_cache", {"kv_cache": 16 << 20}, [32 << 20]),
        ("speculative", {}, [4]),
        ("speculative", {"speculative": 2}, [0]),
    ],
)
def test_other_values_than_the_present(setting, fields, expected):
    assert values(setting, **fields) == expected


def test_a_gpu_has_no_threads_and_no_scheduler_to_part_from():
    assert values("threads", CUDA) == values("in_process", CUDA) == []
    assert values("dtype", CUDA, dtype="fp32") == ["bf16", "fp16"]
