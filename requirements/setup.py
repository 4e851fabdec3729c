"""Make .venv and install everything ryot needs, pinned; needs only Python 3.11+. Run by `make setup`; does nothing when nothing changed.

The lock is chosen by what the machine has. What pip is configured with (index, find-links, certificate) is passed on to uv.
"""

import hashlib
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = "uv==0.13.8"
# Importing what matters shows that it is whole, and leaves its bytecode: without that every process would compile it anew.
CHECK = """
import torch, deepspeed, datasets, peft, trl, ryot.cli.main, scipy.special, torch.distributed.run
import optuna, onnxruntime, ryot.gateway.main
import lm_eval.models.api_models, lm_eval.evaluator, vllm.entrypoints.openai.api_server
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel, LlamaForCausalLM
"""
# What pip calls a setting, and what uv calls it.
SETTINGS = {"find-links": "UV_FIND_LINKS", "index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}


def main() -> None:
    """Set up, or say that all is there."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this may have an older one
        sys.exit(f"ryot needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: make setup PYTHON=python3.11")
    lock = ROOT / "requirements" / ("cuda.lock" if has_gpu() else "cpu.lock")
    stamp = VENV / "ryot-setup"
    wanted = digest(lock)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    started = time.monotonic()
    say(f"installing {lock.name} into .venv")
    if not PYTHON.exists():
        venv.create(VENV, with_pip=True)
    run([str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV])
    install(lock)
    say(f"checking that the engines can be imported, after {time.monotonic() - started:.0f} s")
    run([str(PYTHON), "-W", "ignore", "-c", CHECK], quiet=True)
    run([str(VENV / "bin" / "locust"), "--version"], quiet=True)
    stamp.write_text(wanted)
    say(f"set up in {time.monotonic() - started:.0f} s")


def has_gpu() -> bool:
    """Whether the machine has an NVIDIA GPU with its driver."""
    return any(Path("/proc/driver/nvidia/gpus").glob("*"))


def digest(lock: Path) -> str:
    """What the set-up depends on: the lock, the project's metadata, the interpreter."""
    total = hashlib.sha256(sys.version.encode())
    for path in (lock, ROOT / "pyproject.toml", Path(__file__)):
        total.update(path.read_bytes())
    return total.hexdigest()


def install(lock: Path) -> None:
    """The lock, then ryot itself. Where the configured sources lack a CPU build of torch, uv takes it from PyTorch's own."""
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(PYTHON), "--no-deps"]
    from_lock = [*uv, "--requirement", str(lock)]
    if run(from_lock, may_fail=True) != 0:
        say("not everything is in the configured sources; trying PyTorch's own for torch")
        run([*from_lock, "--torch-backend", "cpu" if lock.stem == "cpu" else "auto"])
    run([*uv, "--no-build-isolation", "--editable", str(ROOT)])


def environment() -> dict[str, str]:
    """This environment, with pip's settings in uv's words."""
    found = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    listed = subprocess.run([str(PYTHON), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False).stdout
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        setting = SETTINGS.get(name.rpartition(".")[2])
        if setting:
            found.setdefault(setting, value.strip("'\"").replace("\\n", " "))
    return found


def run(argv: list[str], *, may_fail: bool = False, quiet: bool = False) -> int:
    """Run a command; end with its output when it fails and may not."""
    done = subprocess.run(argv, env=environment(), check=False, capture_output=quiet or may_fail, text=True)
    if done.returncode and not may_fail:
        sys.exit(f"{' '.join(argv[:6])} ... failed with exit code {done.returncode}\n{done.stderr or ''}")
    return done.returncode


def say(text: str) -> None:
    """A line for who waits."""
    print(f"setup: {text}", flush=True)


if __name__ == "__main__":
    main()
