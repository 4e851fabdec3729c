from ryot.check.sizes import fewest_samples, first, ranks, smallest
from ryot.check.verdict import verdict_of
from ryot.measures import Evidence, Measure, Target, parse_target
from tests.check.test_evidence import TODAY


def test_smallest_is_found_by_doubling_and_bisection() -> None:
    assert [smallest(lambda n, least=least: n >= least) for least in (1, 2, 3, 1000, 4097)] == [1, 2, 3, 1000, 4097]
    assert smallest(lambda n: False) is None
    assert first(lambda k: False, 7) == 8


def test_ranks_without_a_bound_are_outside() -> None:
    assert ranks(58, 0.95, 0.95)[1] == 59
    assert ranks(59, 0.95, 0.95)[1] == 59
    assert ranks(58, 0.05, 0.95)[0] == 0
    assert ranks(59, 0.05, 0.95)[0] == 1


def test_tie_between_quantile_and_confidence_is_not_decided_by_rounding() -> None:
    for share in (0.7074744507797145, 0.95, 0.9, 0.6):
        measure = Measure(name="latency", kind="percentile", quantile=share)
        target = Target.model_validate(parse_target("n/latency > 5")).model_copy(update={"confidence": share})
        assert fewest_samples(measure, ">", 5, share) == 1
        assert verdict_of(target, measure, Evidence(samples=(9.0,)), TODAY).status == "PASS"
