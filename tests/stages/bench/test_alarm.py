"""A timer of the kernel."""

import select
import time

from ryot.stages.bench.alarm import Alarm


def test_it_never_rings_early_and_at_once_when_it_is_late():
    alarm = Alarm(lambda descriptor: select.select([descriptor], [], []))
    try:
        for wait_ns in (3_100_000, 40_000, 0, -5_000_000):
            due = time.perf_counter_ns() + wait_ns
            alarm.until(due)
            assert time.perf_counter_ns() >= due
    finally:
        alarm.close()
