"""Whether a load test may be believed."""

from dataclasses import replace

from ryot.stages.bench.audit import Audit, Schedule, audit, objections
from ryot.stages.bench.samples import Sample
from ryot.stages.bench.stage import Arrivals, BenchConfig, Step

GOOD = Audit(cpu_share=0.1, lag_p50_s=0.001, latency_p50_s=0.02, requests=10, kept=10, locust=10, sent=20, answered=20, served=20)


def test_a_sound_run_has_no_objections():
    assert objections(GOOD) == []


def test_a_generator_at_the_limit_of_its_core_is_the_bottleneck():
    assert "bottleneck" in objections(replace(GOOD, cpu_share=0.95))[0]


def test_a_generator_that_wakes_up_late_measures_itself():
    assert "late" in objections(replace(GOOD, lag_p50_s=0.02))[0]


def test_lost_samples_invalidate():
    assert objections(replace(GOOD, kept=9))
    assert objections(replace(GOOD, locust=9))


def test_the_server_must_have_counted_what_was_answered():
    assert objections(replace(GOOD, served=19))
    assert objections(replace(GOOD, served=21))


def test_requests_given_up_may_or_may_not_have_been_finished():
    given_up = replace(GOOD, answered=16)
    assert objections(replace(given_up, served=16)) == []
    assert objections(replace(given_up, served=20)) == []


def test_what_was_answered_is_counted_in_prompts_and_with_the_warm_up():
    summary = {
        "wall_s": 2.0,
        "processes": [{"cpu_s": 0.5, "wall_s": 2.0, "lags_s": [0.1, 0.2, 0.3]}],
        "locust_requests": 2,
        "ordered": 2,
        "warmed": 3,
        "warmed_ok": 1,
        "waited": 0,
    }
    config = BenchConfig(scenario="s", vocab_size=9, requests=2, batch=4)
    found = audit(config, [Sample(0, 0, 1, 4), Sample(1, 1, 2, 0, "timeout")], summary, 4)
    assert (found.sent, found.answered, found.cpu_share, found.lag_p50_s) == (20, 8, 0.25, 0.2)


ON_TIME = Schedule(
    offered_s=10.0, sent_s=10.0, delay_p50_s=0.0001, delay_p99_s=0.001, latency_p50_s=0.02, latency_p99_s=0.04, waited=0
)  # fmt: skip


def objections_to(**changed):
    return objections(replace(GOOD, schedule=replace(ON_TIME, **changed)))


def test_an_open_loop_that_kept_its_times_has_no_objections():
    assert objections_to() == []
    assert objections_to(waited=3) == []  # what the wait does to times is what counts
    assert objections_to(sent_s=10.09) == []


def test_an_open_loop_at_another_rate_was_not_the_one_that_was_asked_for():
    assert objections_to(sent_s=10.2) == ["0.9 requests/s were to be sent and 0.9 were"]
    assert objections_to(sent_s=9.8)
    assert objections_to(offered_s=0.1, sent_s=0.104) == []


def test_schedule_delay_is_held_against_latency():
    assert "p50 of the schedule delay is 1.10 ms, of the latency 20.00 ms" in objections_to(delay_p50_s=0.0011)[0]
    assert objections_to(delay_p50_s=0.0011, latency_p50_s=0.03) == []
    assert "p99" in objections_to(delay_p99_s=0.011)[0]
    assert objections_to(delay_p99_s=0.011, latency_p99_s=0.06) == []


def test_a_cap_that_delayed_requests_is_named():
    assert "7 of 10 requests waited" in objections_to(delay_p99_s=1.0, waited=7)[-1]


def test_a_schedule_is_made_of_what_was_intended_and_sent():
    summary = {
        "wall_s": 2.0,
        "processes": [{"cpu_s": 0.5, "wall_s": 2.0, "lags_s": []}],
        "locust_requests": 2,
        "ordered": 2,
        "warmed": 0,
        "warmed_ok": 0,
        "waited": 1,
    }
    config = BenchConfig(scenario="s", vocab_size=9, requests=2, arrivals=Arrivals(rate=1.0))
    kept = [Sample(0, 0.0, 1.0, 1, "", 0.25), Sample(1, 1.0, 4.0, 1, "", 2.0)]
    assert audit(config, kept, summary, 2).schedule == Schedule(1.0, 1.75, 0.25, 1.0, 1.0, 3.0, 1)
    assert audit(config.model_copy(update={"arrivals": None}), kept, summary, 2).schedule is None


def test_a_load_for_a_time_has_as_many_requests_as_its_users_made_in_that_time():
    summary = {
        "wall_s": 2.0,
        "processes": [{"cpu_s": 0.5, "wall_s": 2.0, "lags_s": []}],
        "locust_requests": 2,
        "ordered": 2,
        "warmed": 0,
        "warmed_ok": 0,
        "waited": 0,
    }
    config = BenchConfig(scenario="s", vocab_size=9, requests=0, duration=2.0)
    kept = [Sample(0, 0, 1, 1), Sample(1, 1, 2, 1, "", 1)]
    assert objections(audit(config, kept, summary, 2)) == []
    assert "3 requests were ordered, 2 samples" in objections(audit(config, kept, summary | {"ordered": 3}, 2))[0]
    assert "5 requests were ordered, 2 samples" in objections(audit(config.model_copy(update={"requests": 5}), kept, summary, 2))[0]
    assert "0.5 s too soon" in objections(audit(config, kept, summary | {"wall_s": 1.5}, 2))[0]


def test_each_step_of_a_ramp_is_held_against_its_own_times():
    """The second step comes half as fast as it was to, which the whole time hardly shows."""
    ramp = (Step(rate=1.0, lasts=100.0, requests=100), Step(rate=100.0, lasts=0.5, requests=50))
    config = BenchConfig(scenario="s", vocab_size=9, requests=150, arrivals=Arrivals(ramp=ramp, distribution="constant"))
    starts = [float(number) for number in range(100)] + [100 + number / 100 for number in range(50)]
    summary = {
        "wall_s": 101.0,
        "processes": [{"cpu_s": 0.5, "wall_s": 101.0, "lags_s": []}],
        "locust_requests": 150,
        "ordered": 150,
        "warmed": 0,
        "warmed_ok": 0,
        "waited": 0,
    }

    def made(slowed):
        sent = [at + max(at - 100, 0) * slowed for at in starts]
        return [Sample(number, at, late + 9, 1, "", late) for number, (at, late) in enumerate(zip(starts, sent, strict=True))]

    assert objections(audit(config, made(0.0), summary, 150)) == []
    (found,) = objections(audit(config, made(1.0), summary, 150))
    assert found == "step 2 of the ramp: 100.0 requests/s were to be sent and 50.0 were"


def test_each_of_several_processes_is_looked_at_by_itself():
    """The second is at its limit and sends late, which the load as a whole hardly shows."""
    config = BenchConfig(scenario="s", vocab_size=9, requests=400, generators=2, arrivals=Arrivals(rate=10, distribution="constant"))
    told = [{"cpu_s": 4.0, "wall_s": 40.0, "lags_s": [0.0]}, {"cpu_s": 38.0, "wall_s": 40.0, "lags_s": [0.0]}]
    summary = {"wall_s": 40.0, "processes": told, "locust_requests": 400, "ordered": 400, "warmed": 0, "warmed_ok": 0, "waited": 0}
    late = [0.02 if number % 2 and number > 200 else 0.0 for number in range(400)]
    kept = [Sample(number, number / 10, number / 10 + 0.05, 1, "", number / 10 + late[number]) for number in range(400)]
    found = audit(config, kept, summary, 400)
    assert [process.requests for process in found.processes] == [200, 200]
    first, second, *_ = objections(found)
    assert first == "process 2 of the generator used 95% of a core: it was the bottleneck"
    assert second.startswith("process 2 of the generator: p99 of the schedule delay is 20.00 ms")
    assert not any("process 1" in reason for reason in objections(found))


def test_no_two_requests_have_one_number():
    summary = {"wall_s": 2.0, "processes": [{"cpu_s": 0.5, "wall_s": 2.0, "lags_s": []}]}
    counts = {"locust_requests": 2, "ordered": 2, "warmed": 0, "warmed_ok": 0, "waited": 0}
    kept = [Sample(1, 0, 1, 1), Sample(1, 1, 2, 1, "", 1)]
    found = audit(BenchConfig(scenario="s", vocab_size=9, requests=2), kept, summary | counts, 2)
    assert objections(found) == ["1 requests have the number of another"]
