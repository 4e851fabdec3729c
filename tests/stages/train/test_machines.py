"""Ranks on two machines: over a network of their own, where this machine allows one, they learn what they learn on one machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ryot.plugins import LostMachine, Machine, MachineError, NodeError
from ryot.plugins.testing import context_in, run_stage
from ryot.stages.train.launch import Ranks, launch
from ryot.stages.train.network import NAMES, interface_to
from ryot.stages.train.stage import Recipe, TrainConfig, TrainStage
from tests.stages.train.conftest import SHAPES

SETTINGS = TrainConfig(model=SHAPES["gpt"], recipe=Recipe(batch_size=4, steps=4, lr=3e-3, ranks=2, zero_stage=2), checkpoint_every=2)
DRIVER = """
import json, os, sys
from pathlib import Path
from ryot.plugins import Machine
from ryot.plugins.testing import run_stage
from ryot.stages.train.stage import TrainConfig, TrainStage
os.cpu_count = lambda: {cores}
config, folder, tokens = TrainConfig.model_validate_json(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
machines = tuple(Machine(*machine) for machine in json.loads(sys.argv[4]))
run_stage(TrainStage(), config, folder, inputs={"tokens": tokens}, machines=machines)
"""
PROGRAM = """
import json, os, signal, sys
from pathlib import Path
from ryot.stages.train.child import begin
from ryot.stages.train.world import join
job = json.loads(Path(sys.argv[1]).read_text())
progress = begin(job)
rank = int(os.environ["RANK"])
world = join(Path(job["meeting"]), "cpu")
for update in range(1, 6):
    progress.at(f"update {update} of 5")
    if update == 3 and rank == 1:
        FAULT
    world.meet()
"""


def two(folder: Path, addresses: tuple[str, str] = ("127.0.0.1", "127.0.0.1"), *reach: str) -> tuple[Machine, ...]:
    """This machine, and another that is this one too, or what the command `reach` leads to."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "asked.json").write_text('{"measures_speed": true}')
    agent = (*reach, sys.executable, "-P", "-m", "ryot.agent", str(folder / "asked.json"), f"{folder.name}~.1")
    return Machine("one", addresses[0]), Machine("two", addresses[1], agent)


def left(folder: Path) -> list[list[str]]:
    """The processes that still work in a folder."""
    return [process.cmdline() for process in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(process.info["cmdline"] or ())]


@pytest.fixture
def cable() -> Iterator[tuple[str, str]]:
    """Two network namespaces with an Ethernet cable between them, and nothing else; their addresses are 192.0.2.1 and 192.0.2.2."""
    names = (f"ryot-{os.getpid()}-a", f"ryot-{os.getpid()}-b")
    try:
        for name in names:
            ip("netns", "add", name)
        ip("-n", names[0], "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", names[1])
        for number, name in enumerate(names, 1):
            ip("-n", name, "address", "add", f"192.0.2.{number}/30", "dev", "cable")
            for link in ("lo", "cable"):
                ip("-n", name, "link", "set", link, "up")
        yield names
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network namespaces here: {error}")
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


def sent(namespace: str, link: str) -> int:
    """Bytes that a namespace has sent over a link."""
    return int(json.loads(ip("-n", namespace, "-s", "-j", "link", "show", link))[0]["stats64"]["tx"]["bytes"])


@pytest.mark.e2e
def test_two_machines_on_a_network_learn_what_one_machine_does_bit_for_bit(
    cable: tuple[str, str], tmp_path: Path, make_tokens: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)  # tests that have a world in their own process name the loopback
    tokens = make_tokens()
    machines = two(tmp_path / "apart", ("192.0.2.1", "192.0.2.2"), "ip", "netns", "exec", cable[1])
    driver = DRIVER.replace(
        "{cores}", str(max((os.cpu_count() or 1) // 2, 1))
    )  # a machine's, so that a rank has as many threads as on one machine
    told = json.dumps([[machine.name, machine.address, machine.hold] for machine in machines])
    argv = ["ip", "netns", "exec", cable[0], sys.executable, "-c", driver, SETTINGS.model_dump_json(), str(tmp_path / "apart"), str(tokens)]
    subprocess.run([*argv, told], check=True, timeout=300)
    run_stage(TrainStage(), SETTINGS, tmp_path / "together", inputs={"tokens": tokens})
    for name in ("model.safetensors", "history.json", "config.json"):
        assert (tmp_path / "apart" / "out" / name).read_bytes() == (tmp_path / "together" / "out" / name).read_bytes(), name
    gradients = 4 * 4 * json.loads((tmp_path / "apart" / "out" / "history.json").read_text())["trainable"]
    over = {link: [sent(name, link) for name in cable] for link in ("cable", "lo")}
    print(f"sent: {over}; gradients of four updates: {gradients}")
    assert min(over["cable"]) > gradients
    assert max(over["lo"]) < gradients
    assert left(tmp_path) == []


@pytest.mark.e2e
def test_a_rank_that_is_killed_elsewhere_is_told_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program_of_ranks.py").write_text(PROGRAM.replace("FAULT", "os.kill(os.getpid(), signal.SIGKILL)"))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    context = context_in(tmp_path / "node", TrainStage(), [], machines=two(tmp_path / "node"))
    with pytest.raises(NodeError, match=r"rank 1 on two was killed by signal 9 at update 3 of 5"):
        launch(Ranks("program_of_ranks", 2, {}), context, lambda _: None)
    assert left(tmp_path) == []


@pytest.mark.e2e
def test_a_machine_that_is_lost_is_told_from_a_rank_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Torchrun's parent over there is what holds it: with the connection all of it ends."""
    agent = "os.kill(int(Path(f'/proc/{os.getppid()}/stat').read_text().split()[3]), signal.SIGKILL); signal.pause()"
    (tmp_path / "program_of_ranks.py").write_text(PROGRAM.replace("FAULT", agent))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    context = context_in(tmp_path / "node", TrainStage(), [], machines=two(tmp_path / "node"))
    with pytest.raises(LostMachine, match="the machine two was lost") as caught:
        launch(Ranks("program_of_ranks", 2, {}), context, lambda _: None)
    assert caught.value.machine == "two"
    assert left(tmp_path) == []


def test_a_machine_that_does_not_see_the_store_cannot_take_part(tmp_path: Path) -> None:
    machines = two(tmp_path / "node")
    (tmp_path / "node" / "asked.json").unlink()
    context = context_in(tmp_path / "node", TrainStage(), [], machines=machines)
    away = context.spawn_at(machines[1], ["true"], log=tmp_path / "log")
    with pytest.raises(MachineError, match="the machine two cannot take part: it does not see"):
        away.begin(60.0, lambda _: None)
    away.end(10.0)


def test_the_interface_is_the_one_that_leads_there() -> None:
    assert interface_to("127.0.0.1") == "lo"
    with pytest.raises(NodeError, match=r"finds no way to nowhere\.invalid") as caught:
        interface_to("nowhere.invalid")
    assert "GLOO_SOCKET_IFNAME" in (caught.value.hint or "")
