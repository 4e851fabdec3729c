"""The kernel is asked for short slices of time, and for nothing else."""

import os
import platform
import struct
import subprocess
import sys

import pytest

from ryot.stages.bench.slices import SLICE_NS

_ASK = """
import ctypes, os
from ryot.stages.bench.slices import shorten
os.nice(3)
agreed, found = shorten(), ctypes.create_string_buffer(56)
ctypes.CDLL(None).syscall(315, 0, found, 56, 0)
print(int(agreed), found.raw.hex())
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="asks by the number of x86_64's system call")
def test_a_slice_is_shorter_and_the_share_of_the_core_is_what_it_was():
    said = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=True).stdout.split()
    _, policy, _, nice, _, runtime, _, _ = struct.unpack("@IIQiIQQQ", bytes.fromhex(said[1])[:48])
    assert (policy, nice) == (0, os.getpriority(os.PRIO_PROCESS, 0) + 3)
    if tuple(map(int, platform.release().split(".")[:2])) >= (6, 12):
        assert (said[0], runtime) == ("1", SLICE_NS)
