"""Why a server ended before it was ready, in words: known signatures in the last lines of its log. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """What the log says, and what to do about it."""

    words: str
    hint: str


_SIGNATURES: tuple[tuple[str, Cause], ...] = (
    (
        r"address already in use|Errno 98",
        Cause("its port was taken by another program", "run it again: another port is chosen"),
    ),
    (
        r"CUDA out of memory|OutOfMemoryError",
        Cause("the GPU ran out of memory", "lower serve.kv_cache or serve.max_concurrency, or stop what else uses the GPU"),
    ),
    (
        r"Available memory on node|less than (the )?requested memory|KV cache is larger than|to serve at least one request",
        Cause(
            "serve.kv_cache and the free memory do not fit together", "set serve.kv_cache between what one context needs and what is free"
        ),
    ),
    (
        r"MemoryError|[Cc]annot allocate memory|DefaultCPUAllocator: can't allocate|std::bad_alloc",
        Cause("the machine ran out of memory", "lower serve.kv_cache"),
    ),
    (
        r"dtype.{0,60}not supported|not supported.{0,60}dtype|[Uu]nsupported dtype|requires compute capability",
        Cause("the device cannot compute in this type", "set serve.dtype to fp32 or auto"),
    ),
    (
        r"max_model_len.{0,80}greater than|is greater than the derived max_model_len",
        Cause("the model's context is shorter than what was asked for", "set model.context to that of the checkpoint"),
    ),
    (
        r"Unsupported CPU attention configuration",
        Cause("vLLM's attention for CPUs has no kernel for this head size", "make hidden_size / heads 16, 32, 64 or 128"),
    ),
    (
        r"are not supported for now|Cannot find model module|has no vLLM implementation",
        Cause("the engine does not know this architecture", "use a family that vLLM serves: gpt, llama or hybrid"),
    ),
    (
        r"No module named '?vllm",
        Cause("vLLM is not installed for this interpreter", "install the extra `cpu` or `cuda`, or set hardware.python.serve"),
    ),
    (
        r"SafetensorError|Error while deserializing|size mismatch|KeyError: '.*weight",
        Cause("the weights are damaged or do not fit the config", "run export again"),
    ),
)


def cause_of(log: str, code: int) -> Cause:
    """The first known signature, or what the exit code tells. A negative `code` is the signal that ended the process, one of
    129 to 159 is so too, of an engine on another machine."""
    for pattern, cause in _SIGNATURES:
        if re.search(pattern, log):
            return cause
    code = 128 - code if 128 < code < 160 else code
    if code == -9:
        return Cause("it was killed, most likely by the kernel for want of memory", "lower serve.kv_cache, or free memory")
    ended = f"it was killed by signal {-code}" if code < 0 else f"it ended with exit code {code}"
    said = re.findall(r"(?:\w*(?:Error|Exception): |Value error, )(.+)", log)
    return Cause(f"{ended}, saying: {said[-1].strip()}" if said else ended, "its log says more")


def last_lines(log: str, count: int = 12) -> str:
    """The end of a log, without blank lines and the noise that the engine's libraries leave at exit."""
    lines = [
        line.rstrip() for line in log.splitlines() if line.strip() and not re.match(r"(nanobind:| - leaked| - \.\.\.|See https)", line)
    ]
    return "\n".join(lines[-count:])
