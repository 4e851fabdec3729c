import pytest

from ryot.stages.compare.report import compared, outcome, side


def run(loss: float, seconds: float) -> dict[str, object]:
    update = {"tokens": 100, "positions": 160}
    return {
        "heldout": [loss, loss],
        "seconds": [seconds] * 4,
        "updates": [update] * 4,
        "epochs": [{"loss": 3.0}, {"loss": loss}],
        "initial_weights": "same",
        "resumed": 0,
    }


BLOCKS = [{"baseline": 10.0, "optimized": 7.27}, {"baseline": 10.0, "optimized": 7.27, "kernel": 9.0}]


def test_a_side_counts_real_tokens_and_what_was_padded() -> None:
    told = side(run(2.0, 0.5))
    assert (told["total_time"], told["avg_epoch_time"], told["throughput"]) == (2.0, 1.0, 200.0)
    assert told["padded_share"] == pytest.approx(0.375)
    assert told["losses"] == [3.0, 2.0]


def test_less_time_and_more_speed_are_two_numbers() -> None:
    told = compared(run(2.0, 1.0), run(2.0, 0.727), BLOCKS)
    assert told["speedup_percent"] == pytest.approx(27.3)
    assert told["speed_ratio"] == pytest.approx(1.3755, abs=1e-4)
    assert told["throughput_improvement_percent"] == pytest.approx(37.55, abs=0.01)
    assert told["time_reduction_without_packing_percent"] == pytest.approx(10.0)
    assert told["all_criteria_met"] is True
    assert told["outcome"] == "proceed"


@pytest.mark.parametrize(("loss", "matches"), [(2.019, True), (2.021, False), (1.979, False)])
def test_loss_matches_within_one_percent_and_five_hundredths(loss: float, matches: bool) -> None:
    assert compared(run(2.0, 1.0), run(loss, 0.7), BLOCKS)["loss_convergence_match"] is matches


def test_what_learns_but_is_slow_is_investigated_and_what_does_not_learn_stops() -> None:
    assert outcome({"time_reduction": False, "throughput": True, "loss_convergence": True}) == "investigate"
    assert outcome({"time_reduction": True, "throughput": True, "loss_convergence": False}) == "stop"
