from dataclasses import replace

import pytest

from ryot.estimate.fit import Room, fit, nearest
from ryot.estimate.training_memory import training_memory
from ryot.spec.model import Model
from ryot.spec.train import Train

GB = 1_000_000_000
TRAIN = Train(batch_size=16, accumulation=2, ranks=4, steps=1000, precision="bf16")
ROOM = Room(memory=80 * GB, host_memory=1000 * GB, devices=8)


def model(width: int, layers: int, **other: int) -> Model:
    shape = {"family": "llama", "vocab_size": 32000, "hidden_size": width, "layers": layers, "heads": width // 128, "context": 2048}
    return Model.model_validate(shape | {"ffn_size": 4 * width, "dropout": 0.0} | other)


SMALL, SEVEN = model(1024, 12), model(4096, 26)


def test_every_way_fits_and_leaves_the_update_as_it_is() -> None:
    ways = fit(SEVEN, TRAIN, ROOM)
    assert ways
    for way in ways:
        assert way.needed <= ROOM.memory
        assert way.host <= ROOM.host_memory
        assert way.train.global_batch == TRAIN.global_batch
        assert Train.model_validate(way.train.model_dump()) == way.train
        assert way.train.steps == TRAIN.steps


def test_the_fastest_comes_first() -> None:
    times = [way.slower for way in fit(SEVEN, TRAIN, ROOM)]
    assert times == sorted(times)
    assert times[0] >= 1


def test_what_fits_easily_is_neither_sharded_nor_recomputed_nor_offloaded() -> None:
    best = fit(SMALL, TRAIN, replace(ROOM, devices=1))[0].train
    assert (best.zero_stage, best.offload, best.recompute) == (0, "none", False)


def test_one_device_too_small_for_the_states_offloads_them() -> None:
    ways = fit(SEVEN, TRAIN, replace(ROOM, devices=1))
    assert ways
    assert all(way.train.offload != "none" for way in ways)
    assert all(way.host > 12 * 5 * GB for way in ways)


def test_eight_devices_shard_instead() -> None:
    best = fit(SEVEN, TRAIN, ROOM)[0].train
    assert best.zero_stage in (1, 2, 3)
    assert best.offload == "none"


def test_the_next_larger_micro_batch_would_not_fit() -> None:
    tight = [way for way in fit(SEVEN, TRAIN, ROOM) if way.train.accumulation > 1]
    assert tight
    for way in tight:
        more = {"batch_size": way.train.batch_size * 2, "accumulation": way.train.accumulation // 2}
        assert training_memory(SEVEN, way.train.model_copy(update=more), device="cuda").needed > ROOM.memory


def test_nothing_fits_and_the_nearest_is_the_least_demanding() -> None:
    room = Room(memory=4 * GB, host_memory=16 * GB)
    assert fit(SEVEN, TRAIN, room) == ()
    best = nearest(SEVEN, TRAIN, room)
    assert best.over(room) > 0
    assert best.train.batch_size == 1
    assert best.train.recompute
    assert fit(SEVEN, TRAIN, Room(memory=best.needed, host_memory=best.host))


def test_a_cpu_offloads_nowhere_and_its_ranks_share_its_memory() -> None:
    room = Room(memory=64 * GB, host_memory=0, devices=2, device="cpu", flops=1e11)
    ways = fit(SMALL, TRAIN, room)
    assert {way.train.offload for way in ways} == {"none"}
    assert all(way.needed == 2 * way.memory.needed for way in ways)


def test_compiled_blocks_forbid_zero_3() -> None:
    assert 3 in {way.train.zero_stage for way in fit(SEVEN, TRAIN, ROOM)}
    assert 3 not in {way.train.zero_stage for way in fit(SEVEN, TRAIN, ROOM, kernel_level=2)}


def test_devices_that_do_not_divide_the_batch_are_left_out() -> None:
    assert {way.train.ranks for way in fit(SMALL, TRAIN, replace(ROOM, devices=6))} == {2}


def test_recomputing_costs_a_forward_pass_and_offloading_the_links_time() -> None:
    ways = {(way.train.offload, way.train.recompute): way.slower for way in fit(SMALL, TRAIN, replace(ROOM, devices=1))}
    assert ways["none", False] == pytest.approx(1)
    assert ways["none", True] == pytest.approx(4 / 3, abs=0.1)
    assert 1 < ways["optimizer", False] < ways["all", False]


def test_an_fsdp_spec_is_answered_in_fsdps_words() -> None:
    train = TRAIN.model_copy(update={"engine": "fsdp", "sharding": "full"})
    ways = fit(SEVEN, train, ROOM)
    assert {way.train.sharding for way in ways} <= {"none", "grad_op", "full"}
    assert {(way.train.engine, way.train.zero_stage, way.train.offload) for way in ways} == {("fsdp", 0, "none")}
    assert {way.train.sharding for way in fit(SMALL, train, ROOM, kernel_level=2)} == {"none"}
    assert all(Train.model_validate(way.train.model_dump()) == way.train for way in ways)
