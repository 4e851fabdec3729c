"""What is seen of a server's processes, and of GPUs where the driver's library tells of them."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ryot.plugins import Endpoint
from ryot.plugins.testing import context_in
from ryot.stages.bench import gpus
from ryot.stages.bench.gpus import Gpu
from ryot.stages.bench.sampler import Look, Sampler, busy, measure, shares
from ryot.stages.bench.stage import BenchStage

MIB = 1 << 20


@pytest.fixture
def process():
    """A way to start a program that prints a line when it is ready and ends when its input does."""
    started = []

    def start(code):
        argv = [sys.executable, "-c", f"{code}\nprint('ready', flush=True)\ninput()"]
        started.append(subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        assert started[-1].stdout.readline() == b"ready\n"
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


def endpoint(*processes):
    return Endpoint("http://127.0.0.1:9", "m", {"pids": [one.pid for one in processes], "gateway_pid": os.getpid()})


def test_memory_and_cpu_of_a_process_and_its_children_are_seen(process):
    child = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'x = bytearray(64 << 20); input()'])"
    server = process(f"{child}\nimport time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass")
    sampler = Sampler(Endpoint("", "", {"pids": [server.pid], "gateway_pid": None}))
    sampler.look()
    assert sampler.lacking == ""
    assert sampler.looks[0].cpu_s >= 0.3
    while sampler.looks[-1].memory < 64 * MIB:  # the child has not touched all of it yet
        sampler.look(at_once=True)


def test_looks_are_half_a_second_apart_but_for_the_last(process):
    sampler = Sampler(endpoint(process("")))
    for _ in range(5):
        sampler.look()
    assert len(sampler.looks) == 1
    sampler.look(at_once=True)
    assert len(sampler.looks) == 2


def test_server_that_loses_a_process_has_no_numbers_and_says_why(process, tmp_path):
    server = process("")
    sampler = Sampler(endpoint(server))
    sampler.look()
    server.kill()
    server.wait()
    sampler.look(at_once=True)
    context = context_in(tmp_path, BenchStage(), [])
    measure(sampler, context)
    assert not {"server_cpu", "server_memory"} & set(context.evidence)
    assert context.lacking["server_memory"] == "a process of the server ended while the load was made"


@pytest.mark.parametrize(("info", "why"), [
    ({}, "the server does not tell its processes"),
    ({"pids": [], "gateway_pid": None}, "the engines run on other machines"),
    ({"pids": [2**22 + 1], "gateway_pid": None}, f"process {2**22 + 1} of the server is not on this machine"),
])  # fmt: skip
def test_processes_that_cannot_be_seen_are_said(info, why):
    assert Sampler(Endpoint("", "", info)).lacking == why


def test_shares_are_of_all_cores():
    looks = [Look(0.0, 10.0, 1), Look(0.5, 10.5, 1), Look(1.5, 12.5, 1)]
    assert shares(looks, 4) == [0.25, 0.5]
    assert shares(looks[:1], 4) == []
    assert shares([*looks, Look(1.51, 12.52, 1)], 4) == [0.25, 0.5]
    assert shares([Look(0.0, 1.0, 1), Look(0.1, 1.1, 1)], 2) == pytest.approx([0.5])


def test_utilisation_is_that_of_all_gpus_at_looks_that_know_it():
    looks = [Look(0, 0, 0, (Gpu(1.0, 1), Gpu(0.5, 1))), Look(1, 0, 0, (Gpu(None, 1), Gpu(0.5, 1))), Look(2, 0, 0)]
    assert busy(looks) == [0.75]


class NVMLError(Exception):
    """As nvidia-ml-py's."""


def library(count=2, *, parts=False, driver=True):
    """What nvidia-ml-py offers, of `count` GPUs, cut into `parts` or without a `driver`."""

    def init():
        if not driver:
            raise NVMLError("Driver Not Loaded")

    def utilisation(handle):
        if parts:
            raise NVMLError("Not Supported")
        return SimpleNamespace(gpu=40 + 20 * handle, memory=1)

    return SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=init,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: count,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetHandleByUUID=lambda uuid: {"GPU-b": 1}[uuid],
        nvmlDeviceGetUtilizationRates=utilisation,
        nvmlDeviceGetMemoryInfo=lambda handle: SimpleNamespace(total=80 << 30, used=(handle + 1) << 30),
    )


def found(monkeypatch, tmp_path, driver, visible=None):
    monkeypatch.setattr(gpus, "pynvml", driver)
    monkeypatch.setattr(gpus, "_DRIVER", tmp_path / "none")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    sampler, context = Sampler(endpoint()), context_in(tmp_path, BenchStage(), [])
    sampler.look()
    measure(sampler, context)
    return context


@pytest.mark.parametrize(("visible", "memory", "share"), [(None, 3 << 30, 0.5), ("1", 2 << 30, 0.6), ("GPU-b", 2 << 30, 0.6)])
def test_gpus_are_those_that_the_server_may_use(visible, memory, share, monkeypatch, tmp_path):
    context = found(monkeypatch, tmp_path, library(), visible)
    assert context.evidence["gpu_memory"].value == memory
    assert context.evidence["gpu_utilisation"].samples == pytest.approx([share])


def test_gpu_in_parts_has_memory_and_no_utilisation(monkeypatch, tmp_path):
    context = found(monkeypatch, tmp_path, library(parts=True))
    assert context.evidence["gpu_memory"].value == 3 << 30
    assert context.lacking["gpu_utilisation"] == "the GPUs do not tell it"


@pytest.mark.parametrize(("driver", "visible", "why"), [
    (None, None, "this machine has no NVIDIA GPU"),
    (library(driver=False), None, "no GPU can be looked at: Driver Not Loaded"),
    (library(count=0), None, "the server may use no GPU"),
    (library(), "", "the server may use no GPU"),
])  # fmt: skip
def test_machine_without_a_gpu_has_no_numbers_of_one(driver, visible, why, monkeypatch, tmp_path):
    context = found(monkeypatch, tmp_path, driver, visible)
    assert not {"gpu_memory", "gpu_utilisation"} & set(context.evidence)
    assert (context.lacking["gpu_memory"], context.lacking["gpu_utilisation"]) == (why, why)


def test_gpus_that_no_library_tells_of_are_said(monkeypatch, tmp_path):
    monkeypatch.setattr(gpus, "pynvml", None)
    monkeypatch.setattr(gpus, "_DRIVER", tmp_path)
    assert gpus.Gpus().lacking == "nvidia-ml-py, which would tell of the GPUs, is not installed"
