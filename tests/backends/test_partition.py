"""What sinfo and squeue say, as nodes that are large enough or not."""

from __future__ import annotations

import pytest

from ryot.backends.partition import Shape, about, chosen, lacking, megabytes, nodes_of, seconds_of

CLUSTER = (
    "gpu*|g1|mixed|64|515000|gpu:h100:8(S:0-1)|40/24/0/64|2-00:00:00|1:00:00",
    "gpu*|g2|down*|64|515000|gpu:h100:8(S:0-1)|0/0/64/64|2-00:00:00|1:00:00",
    "gpu*|g3|idle~|32|257000|gpu:a100:2,gpu:l4:1,shard:16|0/32/0/32|2-00:00:00|1:00:00",
    "long|c1|drained$|128|1031000|(null)|0/0/128/128|infinite|n/a",
)


def test_partition_is_told_in_words() -> None:
    nodes = chosen(nodes_of(CLUSTER), None)
    assert list(about(nodes, ["gpu|RUNNING", "gpu,long|PENDING", "gpu|PENDING", "long|RUNNING"])) == [
        ("partition", "gpu (the default), 3 nodes: 1 mixed, 1 down, 1 idle; jobs take 2-00:00:00 at most"),
        ("nodes", "2 with 64 CPUs, 503 GiB, 8 GPUs; 1 with 32 CPUs, 251 GiB, 3 GPUs"),
        ("CPUs", "160: 40 allocated, 56 idle, 64 of nodes that take no jobs"),
        ("jobs", "1 running, 2 pending"),
    ]
    assert [node.name for node in nodes if node.up] == ["g1", "g3"]


def test_partitions_are_those_that_are_named() -> None:
    nodes = nodes_of(CLUSTER)
    assert [node.name for node in chosen(nodes, "long,other")] == ["c1"]
    assert chosen(nodes, "nowhere") == []
    assert ("partition", "long, 1 node: 1 drained; jobs have no time limit") in about(chosen(nodes, "long"), [])


@pytest.mark.parametrize(("asked", "lacks"), [
    (Shape(64, 515000, 8), None), (Shape(32, 0, 2), None), (Shape(129), "cpus"), (Shape(1, 0, 9), "gpus"), (Shape(1, 2000000), "memory"),
    (Shape(128, 0, 1), "all"),
])  # fmt: skip
def test_what_no_node_has_is_named(asked: Shape, lacks: str | None) -> None:
    assert lacking(nodes_of(CLUSTER), asked) == lacks


@pytest.mark.parametrize(("written", "seconds"), [
    ("90", 5400), ("90:30", 5430), ("8:00:00", 28800), ("2-12", 216000), ("2-12:30", 217800), ("1-00:00:01", 86401), ("infinite", None),
    ("n/a", None), ("", None), ("1-", None),
])  # fmt: skip
def test_time_limits_are_read_as_slurm_does(written: str, seconds: int | None) -> None:
    assert seconds_of(written) == seconds


def test_memory_is_rounded_up_to_megabytes() -> None:
    assert [megabytes(written) for written in ("2", "2M", "3G", "1T", "1K", "1025K", None)] == [2, 2, 3072, 1 << 20, 1, 2, 0]


def test_lines_that_are_not_sinfos_are_refused() -> None:
    with pytest.raises(ValueError, match="unpack"):
        nodes_of(["gpu|g1"])
