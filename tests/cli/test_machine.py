"""What the command line finds out about the machine it runs on."""

import os

from ryot.cli.machine import here, probe


def test_here_is_this_machine():
    found = here(probe())
    assert found.device == probe().device
    assert found.cpus == len(os.sched_getaffinity(0))
    assert 1 << 28 < found.memory <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 500 < found.mhz < 10_000
    assert found.flags
