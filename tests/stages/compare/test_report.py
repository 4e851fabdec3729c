import math

import pytest

from ryot.stages.compare.report import WINDOW, advice, compared, outcome, side, time_to_loss


def run(loss: float, seconds: float) -> dict[str, object]:
    update = {"tokens": 100, "positions": 160, "loss": loss, "documents": 8}
    return {
        "heldout": [loss, loss],
        "seconds": [seconds] * 4,
        "updates": [update] * 4,
        "epochs": [{"loss": 3.0}, {"loss": loss}],
        "initial_weights": "same",
        "resumed": 0,
        "memory_tensors": 1000,
        "tuning": {"chosen": {"precision": "bf16"}},
        "asked_ratio": 0.3,
        "padding_removed": 0.3,
    }


BLOCKS = [{"baseline": 10.0, "optimized": 7.27}, {"baseline": 10.0, "optimized": 7.27, "system": 9.0}]


def bounds(loss: float = 2.0, low: float = 0.25, gap_error: float = 0.0) -> dict[str, tuple[float, float]]:
    gap = loss - 2.0
    return {
        "stack_time_reduction": (low, 0.3),
        "speed_ratio": (1 / (1 - low), 1.4),
        "loss_gap": (gap - gap_error, gap + gap_error),
        "loss_gap_relative": ((gap - gap_error) / 2.0, (gap + gap_error) / 2.0),
    }


def test_a_side_counts_real_tokens_and_what_was_padded() -> None:
    told = side(run(2.0, 0.5))
    assert (told["total_time"], told["avg_epoch_time"], told["throughput"]) == (2.0, 1.0, 200.0)
    assert told["padded_share"] == pytest.approx(0.375)
    assert told["losses"] == [3.0, 2.0]


def test_less_time_and_more_speed_are_two_numbers() -> None:
    told = compared(run(2.0, 1.0), run(2.0, 0.727), BLOCKS, bounds())
    assert told["speedup_percent"] == pytest.approx(27.3)
    assert told["speed_ratio"] == pytest.approx(1.3755, abs=1e-4)
    assert told["throughput_improvement_percent"] == pytest.approx(37.55, abs=0.01)
    assert told["time_reduction_without_packing_percent"] == pytest.approx(10.0)
    assert told["all_criteria_met"] is True
    assert told["outcome"] == "proceed"


@pytest.mark.parametrize(("loss", "matches"), [(2.019, True), (2.021, False), (1.979, False)])
def test_loss_matches_within_one_percent_and_five_hundredths(loss: float, matches: bool) -> None:
    assert compared(run(2.0, 1.0), run(loss, 0.7), BLOCKS, bounds(loss))["loss_convergence_match"] is matches


def test_what_learns_but_is_slow_is_investigated_and_what_does_not_learn_stops() -> None:
    slow, other = (dict.fromkeys(MISSED, True) | {name: False} for name in ("time_reduction", "loss_convergence"))
    assert outcome(slow, parted=False) == "investigate"
    assert outcome(other, parted=True) == "stop"
    assert outcome(other, parted=False) == "investigate"  # the losses may be equal; it is not shown


def test_what_the_bounds_do_not_show_is_not_met_though_the_points_are() -> None:
    told = compared(run(2.0, 1.0), run(2.0, 0.727), BLOCKS, bounds(low=-0.9))
    assert told["criteria"] == {"time_reduction": False, "throughput": False, "loss_convergence": True}
    assert told["outcome"] == "investigate"
    told = compared(run(2.0, 1.0), run(2.0, 0.727), BLOCKS, bounds(gap_error=0.03))
    assert told["criteria"]["loss_convergence"] is False
    assert "too few held-out documents" in told["advice"][0]
    nothing = dict.fromkeys(bounds(), (-math.inf, math.inf))  # fewer than four samples
    assert not any(compared(run(2.0, 1.0), run(2.0, 0.7), BLOCKS, nothing)["criteria"].values())


MISSED = {"time_reduction": False, "throughput": True, "loss_convergence": True}


def test_advice_names_what_is_at_fault_and_what_to_change() -> None:
    few = run(2.0, 1.0) | {"padding_removed": 0.02}
    told = advice(MISSED, 0.0, -1.0, few, parted=False)
    assert told[0] == "packing removed 2% of the row positions, not 30%: the documents leave little padding"
    assert "without packing the stack saves no time" in told[1]
    assert "optimize.ablate" in told[2]


def test_advice_on_a_loss_that_is_off_starts_with_bf16_where_it_was_used() -> None:
    worse = {"time_reduction": True, "throughput": True, "loss_convergence": False}
    assert advice(worse, 0.1, 10.0, run(2.0, 1.0), parted=True) == [
        "the optimized run's held-out loss is +0.1 nats off: set kernel.bf16: false and compare again"
    ]
    plain = run(2.0, 1.0) | {"tuning": {"chosen": {}}}
    assert "kernel.level to 1" in advice(worse, 0.1, 10.0, plain, parted=True)[0]


def test_there_is_no_advice_where_the_gate_is_met() -> None:
    assert compared(run(2.0, 1.0), run(2.0, 0.7), BLOCKS, bounds())["advice"] == []


def curve(losses: list[float], seconds: float) -> dict[str, object]:
    return {"updates": [{"loss": loss} for loss in losses], "seconds": [seconds] * len(losses)}


def test_the_time_to_a_loss_is_that_to_the_loss_which_both_reach() -> None:
    slow, fast = [4.0 - 0.1 * step for step in range(30)], [4.0 - 0.2 * step for step in range(30)]
    found = time_to_loss(curve(slow, 2.0), curve(fast, 1.0))
    assert found.loss == pytest.approx(sum(slow[-WINDOW:]) / WINDOW)
    assert (found.baseline, found.optimized) == (60.0, 18.0)  # 1.55 at the end; means of ten fall to 4.0 - 0.2 (n + 4.5)
    assert found.reduction == pytest.approx(0.7)


def test_a_run_that_learns_worse_takes_longer_to_the_loss_though_its_updates_are_faster() -> None:
    steep, flat = [4.0 - 0.2 * step for step in range(20)], [4.0 - 0.05 * step for step in range(20)]
    assert time_to_loss(curve(steep, 1.0), curve(flat, 0.9)).reduction < 0


def test_a_run_shorter_than_the_mean_is_one_point() -> None:
    assert time_to_loss(curve([3.0, 2.0], 2.0), curve([3.0, 2.0], 1.0)).reduction == 0.5
