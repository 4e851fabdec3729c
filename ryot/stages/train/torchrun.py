"""torchrun on every machine of a node: its command line, its environment, and all of them as one, from their start to their end."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ryot.plugins import Away, StageContext
from ryot.stages import lean

POLL_S = 0.05
CACHE = "TORCHINDUCTOR_CACHE_DIR"
"""The environment variable by which a user keeps compiled code elsewhere."""
FREE_S = 600.0
"""How long a further machine may be held by others."""
SETTLE_S = 10.0
"""How long the others may take to end once one torchrun has; ranks that lost one of theirs fail at the next sum."""
END_S = 10.0
"""How long a further machine may take to end its ranks before its connection is cut."""
_LOOPBACK = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}


class Launchers:
    """torchrun here and on the further machines of a node."""

    def __init__(self, context: StageContext, folder: Path, each: int, program: Sequence[str], env: dict[str, str]) -> None:
        """Start `each` ranks of `program` on every machine, the first ranks here. Raises LostMachine or MachineError for a further machine
        that cannot be had."""
        env |= {} if context.machines[1:] else _LOOPBACK
        count = max(len(context.machines), 1)
        self.logs = tuple(folder / f"torchrun{f'-{number}' if number else ''}.log" for number in range(count))
        self._away: list[Away] = []
        for number, machine in enumerate(context.machines[1:], 1):
            argv = _argv(context, folder, each, number, program)
            self._away.append(context.spawn_at(machine, argv, env=env, log=self.logs[number]))
        for away in self._away:
            away.begin(FREE_S, context.emit)
        self._here = context.spawn(_argv(context, folder, each, 0, program), env=env, log=self.logs[0])

    @property
    def all_run(self) -> bool:
        """Whether none has ended. Raises LostMachine."""
        return all(code is None for code in self._codes())

    @property
    def code(self) -> int:
        """0 when all have ended well, else the exit code of one that has not; that of a kill, where one had to be ended. Raises
        LostMachine."""
        return next((-signal.SIGKILL if code is None else code for code in self._codes() if code != 0), 0)

    def settle(self, failed: Callable[[], bool]) -> None:
        """One has ended: wait for the others until one has `failed`, and not for long where it ended badly. Raises LostMachine."""
        deadline = time.monotonic() + SETTLE_S
        while None in (codes := self._codes()) and (not any(codes) or time.monotonic() < deadline):
            if failed():
                return
            time.sleep(POLL_S)

    def end(self) -> None:
        """End what still runs; ranks die with their torchrun."""
        if self._here.poll() is None:
            self._here.kill()
        for away in self._away:
            away.let_go()
        self._here.wait()
        for away in self._away:
            away.end(END_S)

    def _codes(self) -> list[int | None]:
        return [*(away.poll() for away in self._away), self._here.poll()]


def _argv(context: StageContext, folder: Path, each: int, number: int, program: Sequence[str]) -> list[str]:
    """torchrun's command line on machine `number`. All meet over a file, so that neither they nor the ranks listen on a port of the network
    for that. torchrun numbers its machines in the order of what it takes for their addresses."""
    count = max(len(context.machines), 1)
    meeting = ["--rdzv-backend=c10d", f"--rdzv-endpoint={folder / 'rendezvous'}", "--rdzv-conf=store_type=file", "--rdzv-id=ryot"]
    local = "127.0.0.1" if count == 1 else f"machine-{number:05d}"
    run = [context.python, "-m", "torch.distributed.run", f"--nnodes={count}", f"--nproc-per-node={each}", *meeting]
    return [*run, f"--local-addr={local}", "-m", lean.MODULE, *program]


def environment(threads: int, device: str, scratch: Path) -> dict[str, str]:
    """What torchrun and the ranks find in theirs."""
    return {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "DS_ACCELERATOR": device,
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",  # else torchrun opens a store for the ranks on every interface
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
        CACHE: os.environ.get(CACHE) or str(compiled_folder(scratch)),
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }


def compiled_folder(scratch: Path) -> Path:
    """Where compiled code is kept, for all runs of this user; torch finds it again by what it was made from, and writes it whole. In the
    node's scratch where the user has no cache that can be written."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "ryot" / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return scratch / "compiled"
    return folder if os.access(folder, os.W_OK) else scratch / "compiled"
