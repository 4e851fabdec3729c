"""Measures what one update of training allocates, with torch's own tracker (and the GPU's allocator), beside what the plan predicts.

Run it as `python benchmarks/memory.py [--short] [--json FILE]`: it needs nothing but the installed package, and takes a GPU where there
is one. Short, it measures smaller configurations, for the tests.
A configuration fails it whose prediction is more than 5 % off, or more than 2 % too low.
"""

import ctypes
import gc
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.distributed._tools.mem_tracker import MemTracker

from ryot.estimate.training_memory import training_memory
from ryot.spec.model import Model
from ryot.spec.train import Train
from ryot.stages.train import model as models
from ryot.stages.train.documents import Specials
from ryot.stages.train.engine import Engine, start_engine
from ryot.stages.train.stage import ModelShape, Recipe
from ryot.stages.train.trainer import sum_loss
from ryot.stages.train.unpadded import UNPADDED, documents, keep_projections_together
from ryot.stages.train.world import World, join

WITHIN, TOO_LOW = 0.05, 0.02


@dataclass(frozen=True, slots=True)
class Case:
    """One configuration, and its name in the table."""

    name: str
    model: Model
    train: Train
    kernel_level: int
    packed: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """Bytes: the tracker's peak in the second update, the CUDA allocator's (0 on a CPU), what the process's resident memory grew by."""

    tracked: int
    allocated: int
    rss_growth: int
    seconds: float


class Tracker(MemTracker):
    """Torch's tracker with its totals, but without its accounts by module, which allow one forward pass and no frozen parameter."""

    def _pre_fw_hook(self, module: nn.Module, inputs: Any) -> None: ...

    def _post_fw_hook(self, module: nn.Module, inputs: Any, outputs: Any) -> None: ...

    def _pre_bw_hook(self, module: nn.Module, args: Any) -> None: ...

    def _post_bw_hook(self, module: nn.Module, args: Any) -> None: ...


def case(family: str, width: int, layers: int, rows: int, sequence: int, *, level: int = 1, vocab: int = 4096, **other: Any) -> Case:
    """A configuration, with what is usual where `other` (fields of a model or of its training) does not say it."""
    name = " ".join([f"{family} d{width} L{layers} {rows}x{sequence} V{vocab} k{level}", *(f"{key}={other[key]}" for key in other)])
    shape = {"family": family, "hidden_size": width, "layers": layers, "context": sequence, "vocab_size": vocab, "dropout": 0.0}
    shape |= {"heads": max(width // 32, 1), "ffn_size": 4 * width if family == "gpt" else width * 8 // 3 // 8 * 8, "tied": True}
    packed = other.pop("packed", False)
    shape |= {key: other.pop(key) for key in list(other) if key in Model.model_fields}
    return Case(name, Model.model_validate(shape), Train.model_validate({"batch_size": rows, "steps": 10} | other), level, packed)


def cases() -> list[Case]:
    """The 24 configurations of gpt and llama: what dominates is logits, activations, scores, gradients or the optimizer."""
    return [
        case("gpt", 128, 4, 8, 128, level=0),
        case("gpt", 128, 4, 8, 128, dropout=0.1),
        case("gpt", 256, 6, 16, 128, dropout=0.1, vocab=8192),
        case("gpt", 256, 6, 16, 128, dropout=0.1, vocab=8192, level=0),
        case("gpt", 256, 8, 4, 256, recompute=True),
        case("gpt", 256, 8, 4, 256, recompute=True, level=0, vocab=512),
        case("gpt", 512, 4, 2, 64, vocab=8192, tied=False),
        case("gpt", 512, 4, 2, 64, vocab=16384, level=0),
        case("gpt", 128, 2, 2, 1024, level=0, vocab=300),
        case("gpt", 128, 12, 4, 64, vocab=512, dropout=0.1),
        case("gpt", 384, 3, 8, 128, vocab=1024, accumulation=4),
        case("gpt", 64, 2, 32, 32, vocab=32000),
        case("llama", 128, 4, 8, 128, level=0),
        case("llama", 128, 4, 8, 128, dropout=0.1, kv_heads=1),
        case("llama", 256, 6, 16, 128, vocab=8192, kv_heads=4),
        case("llama", 256, 6, 16, 128, vocab=8192, kv_heads=4, level=0, tied=False),
        case("llama", 256, 8, 4, 256, recompute=True, dropout=0.1),
        case("llama", 256, 8, 4, 256, recompute=True, level=0, vocab=512),
        case("llama", 512, 4, 2, 64, vocab=8192, tied=False),
        case("llama", 512, 4, 2, 64, vocab=16384, level=0),
        case("llama", 128, 2, 2, 1024, level=0, vocab=300, dropout=0.1),
        case("llama", 128, 12, 4, 64, vocab=512, ffn_size=128),
        case("llama", 384, 3, 8, 128, vocab=1024, accumulation=4, tied=False),
        case("llama", 64, 2, 32, 32, vocab=32000, dropout=0.1),
    ]


def others() -> list[Case]:
    """What is reported beside: the hybrid, 16 bits (slow on a CPU), packed rows, and torch's own engine."""
    mixer = {"attention_layers": (1,), "mamba": {"state_size": 32, "head_size": 32}}
    return [
        *(case("gpt", 384, 4, 2, 64, vocab=1024, engine="fsdp", sharding=sharding) for sharding in ("none", "full", "grad_op")),
        *(case("llama", 256, 6, 4, 128, engine="fsdp", sharding=sharding) for sharding in ("none", "full", "grad_op")),
        case("hybrid", 128, 3, 4, 128, vocab=1024, **mixer),
        case("hybrid", 128, 3, 2, 600, vocab=1024, dropout=0.1, **mixer),
        case("hybrid", 128, 4, 2, 512, vocab=1024, recompute=True, **mixer),
        case("hybrid", 128, 3, 1, 256, vocab=1024, precision="bf16", **mixer),
        case("gpt", 128, 3, 4, 64, vocab=1024, precision="bf16", dropout=0.1),
        case("llama", 128, 3, 4, 64, vocab=1024, precision="bf16", recompute=True),
        case("llama", 256, 6, 16, 128, vocab=2048, kv_heads=4, packed=True),
        case("gpt", 256, 6, 16, 128, vocab=2048, dropout=0.1, packed=True, level=0),
    ]


def few() -> tuple[list[Case], list[Case]]:
    """Small ones of both kinds, each with its peak at another moment."""
    mixer = {"attention_layers": (1,), "mamba": {"state_size": 16, "head_size": 32}}
    counted = [
        case("gpt", 128, 3, 8, 64, level=0, dropout=0.1),
        case("gpt", 128, 8, 4, 64, vocab=512, dropout=0.1),
        case("gpt", 128, 2, 2, 512, level=0, vocab=300, recompute=True),
        case("gpt", 128, 2, 1, 32, level=0, vocab=8192),
        case("gpt", 256, 4, 2, 32, vocab=1024, accumulation=3),
        case("llama", 128, 3, 8, 64, kv_heads=1, dropout=0.1),
        case("llama", 128, 3, 2, 512, level=0, vocab=300, tied=False),
        case("llama", 256, 4, 2, 32, vocab=1024, tied=False),
        case("llama", 128, 6, 4, 128, vocab=300, recompute=True),
        case("llama", 64, 2, 2, 64, vocab=300, precision="bf16"),
        case("llama", 128, 6, 8, 64, vocab=300, heads=4, kv_heads=2, packed=True),
        case("gpt", 128, 6, 8, 64, vocab=300, packed=True, dropout=0.1),
    ]
    hybrids = [case("hybrid", 64, 3, 4, 64, vocab=1024, **mixer), case("hybrid", 64, 3, 1, 300, vocab=300, recompute=True, **mixer)]
    fsdp = [case("gpt", 256, 4, 2, 32, vocab=1024, engine="fsdp", sharding=sharding) for sharding in ("none", "full")]
    fsdp += [case("llama", 128, 3, 8, 64, engine="fsdp", sharding=sharding) for sharding in ("full", "grad_op")]
    return counted, [*hybrids, *fsdp, case("gpt", 256, 4, 2, 32, vocab=1024, optimizer="muon")]


def measure(case: Case, device: torch.device) -> Measured:
    """One update after the optimizer's states exist: forward, loss, backward and step exactly as the train stage takes them."""
    start, before, held = time.perf_counter(), _resident(), _held(device)
    engine = _engine(case, device)
    update(engine, case, device)
    gc.collect()
    tracker = Tracker()
    tracker.track_external(*(found for found in gc.get_objects() if issubclass(type(found), torch.Tensor)))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with tracker:
        update(engine, case, device)
    peaks = [total["Total"] for place, total in tracker.get_tracker_snapshot("peak").items() if place.type == device.type]
    allocated = torch.cuda.max_memory_allocated(device) - held if device.type == "cuda" else 0
    growth = _resident(highest=True) - before
    _forget(engine)
    return Measured(int(sum(peaks)), allocated, growth, time.perf_counter() - start)


def update(engine: Engine, case: Case, device: torch.device) -> None:
    """One update on random tokens, as ryot.stages.train.trainer does it."""
    rows, sequence = case.train.batch_size, case.train.sequence or case.model.context
    if case.packed:
        rows, sequence = 1, rows * sequence
    for index in range(case.train.accumulation):
        ids_RL = torch.randint(0, case.model.vocab_size, (rows, sequence), device=device)
        loss = _loss(engine, case, ids_RL) / ids_RL.numel()
        engine.backward(loss, last=index == case.train.accumulation - 1)
        loss.detach()
    engine.step(1e-4)


def _loss(engine: Engine, case: Case, ids_RL: torch.Tensor) -> torch.Tensor:
    targets_RL = ids_RL.clone()
    logits_RLV = engine.inner(input_ids=ids_RL, **_packing(case, ids_RL)).logits
    return sum_loss(logits_RLV, targets_RL)


def _packing(case: Case, ids_RL: torch.Tensor) -> dict[str, Any]:
    """What the trainer passes beside the ids: packed, the positions in the documents, and where these stand in their one row."""
    if not case.packed:
        return {"attention_mask": None}
    count = ids_RL.shape[1] // case.model.context
    positions_RL = torch.arange(case.model.context, device=ids_RL.device).repeat(count)[None]
    segments_RL = torch.arange(1, count + 1, device=ids_RL.device).repeat_interleave(case.model.context)[None]
    return {"attention_mask": None, "position_ids": positions_RL} | documents(segments_RL, positions_RL)


def _engine(case: Case, device: torch.device) -> Engine:
    shape = ModelShape.model_validate(case.model.shape())
    attention = "sdpa" if case.kernel_level >= 1 else "eager"
    model = models.build(shape, Specials(bos=1, eos=1, pad=0), seed=1, attention=attention)
    if case.packed:
        model.set_attn_implementation(UNPADDED[attention])
        keep_projections_together(model)
    recipe = Recipe.model_validate(case.train.model_dump(include=set(Recipe.model_fields)))
    if recipe.recompute:
        models.recompute_blocks(model)
    return start_engine(model.to(device).train(), recipe, fused=case.kernel_level >= 1)


def _forget(engine: Engine) -> None:
    """Free what the engines' circular references would hold."""
    moments = [tensor for state in engine.moments.values() for tensor in state.values()]
    for tensor in (*engine.masters, *moments, *(buffer for buffer in engine.model.buffers())):
        tensor.untyped_storage().resize_(0)
    for parameter in engine.model.parameters():
        parameter.grad = None
    gc.collect()
    if torch.cuda.is_available():
        torch._C._cuda_clearCublasWorkspaces()


def _held(device: torch.device) -> int:
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0


def _resident(*, highest: bool = False) -> int:
    """This process's resident memory now or, with `highest`, at its most since the last look at "now"."""
    if not highest:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    label = "VmHWM:" if highest else "VmRSS:"
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(label))
    return int(line.split()[1]) * 1024


@contextmanager
def alone(device: str) -> Iterator[World]:
    """A world of this one process."""
    os.environ |= {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    os.environ |= {"DS_ACCELERATOR": device, "GLOO_SOCKET_IFNAME": "lo"}
    with tempfile.TemporaryDirectory() as folder:
        yield join(Path(folder) / "meeting", device)
        torch.distributed.destroy_process_group()


def row(case: Case, device: torch.device) -> dict[str, Any]:
    """Predicted and measured, with the error against the allocator's peak on a GPU, else against the tracker's."""
    predicted = training_memory(case.model, case.train, kernel_level=case.kernel_level, device=device.type, packed=case.packed)
    measured = measure(case, device)
    error = predicted.peak / (measured.allocated or measured.tracked) - 1
    return {"name": case.name, "predicted": predicted.peak, "at": predicted.at, "error": error, **asdict(measured)}


def show(title: str, rows: list[dict[str, Any]]) -> bool:
    """Print a table and its summary; whether it is within bounds."""
    print(f"\n{title}\n{'predicted':>10} {'tracked':>10} {'allocated':>10} {'error':>8} {'RSS +':>10}  peak at     configuration")
    for line in rows:
        sizes = [f"{line[key] / 2**20:7.1f}MiB" for key in ("predicted", "tracked", "allocated")]
        print(*sizes, f"{line['error']:+8.2%}", f"{line['rss_growth'] / 2**20:7.1f}MiB", f" {line['at']:10} {line['name']}")
    errors = sorted(abs(line["error"]) for line in rows)
    p95, lowest = errors[-(-95 * len(errors) // 100) - 1], min(line["error"] for line in rows)
    print(f"{len(rows)} configurations: |error| p95 {p95:.3%}, largest {errors[-1]:.3%}; lowest prediction {lowest:+.3%}")
    return p95 <= WITHIN and lowest >= -TOO_LOW


def main() -> int:
    """0 when the predictions for gpt and llama are within bounds, else 1."""
    warnings.simplefilter("ignore")
    kind = "cuda" if torch.cuda.is_available() else "cpu"
    with alone(kind) as world:
        counted, beside = few() if "--short" in sys.argv else (cases(), others())
        rows = [row(case, world.device) for case in counted]
        good = show(f"gpt and llama on {kind}", rows)
        more = [row(case, world.device) for case in beside]
        show(f"hybrid, 16 bits and packed rows on {kind}, not counted", more)
    if "--json" in sys.argv:
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(json.dumps({"device": kind, "rows": rows, "others": more}, indent=1))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
