"""Which machine wrote what is not whole."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ryot.machine import Writer, boot, half_name, machine, writer_of


def test_name_of_half_a_file_tells_its_writer() -> None:
    half = half_name("record.json")
    assert half.startswith(f".record.json.{os.getpid()}-")
    assert writer_of(half) == Writer(os.getpid(), here=True, now=True)
    assert writer_of(half.replace(machine()[:8], "0" * 8)) == Writer(os.getpid(), here=False, now=True)
    assert writer_of(half.replace(boot()[:8], "0" * 8)) == Writer(os.getpid(), here=True, now=False)


@pytest.mark.parametrize("name", ["record.json", ".record.json.12.part", ".part", ".a.12-1-2.part", ""])
def test_other_names_tell_none(name: str) -> None:
    assert writer_of(name) is None


def test_machine_is_the_same_for_every_process_and_another_by_another_name() -> None:
    code = "import socket; {}; from ryot.machine import boot, machine; print(machine(), boot())"
    said = [
        subprocess.run([sys.executable, "-c", code.format(first)], capture_output=True, text=True, check=True).stdout.split()
        for first in ("pass", "socket.gethostname = lambda: 'elsewhere'")
    ]
    assert said[0] == [machine(), boot()]
    assert said[1][0] != machine()
    assert said[1][1] == boot()
