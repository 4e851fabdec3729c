"""Measures how fast a model trains, in real tokens a second: ryot's optimized stack, its plain baseline, Hugging Face's Trainer, and a
plain PyTorch loop, the latter two compiled and not. All in one process, in turns, on the same documents.

Run it as `python benchmarks/train.py [--model scaled|gpt-124m|hybrid-1.3b] [--rounds N] [--updates N] [--json FILE]`; it needs
`accelerate` for Hugging Face's Trainer. Padding counts as no token. The first block of each compiles and calibrates; it is told apart, and
not in the medians. `engine` is the share of ryot's measured updates outside forward pass, backward pass and optimizer.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers

sys.path.insert(0, str(Path(__file__).parent))
from train_peers import Block, HuggingFace, Loop, Task

from ryot.plugins.testing import run_stage
from ryot.stages.data.stage import Config as DataConfig
from ryot.stages.data.stage import DataStage, GeneratorSource
from ryot.stages.tokenizer.stage import Config as TokenizerConfig
from ryot.stages.tokenizer.stage import TokenizerStage
from ryot.stages.train.documents import Documents, specials
from ryot.stages.train.stage import CompressorChoice, KernelChoice, MambaShape, ModelShape, Recipe, ScalingChoice, TrainConfig
from ryot.stages.train.trainer import Trainer
from ryot.stages.train.world import World, join

MODELS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "tiny": (
        {"family": "gpt", "vocab_size": 512, "hidden_size": 64, "layers": 2, "heads": 2, "ffn_size": 128, "context": 128, "dropout": 0.1},
        {"batch_size": 4, "samples": 64, "epochs": 2, "lr": 1e-3},
    ),
    "scaled": (
        {"family": "gpt", "vocab_size": 2048, "hidden_size": 512, "layers": 4, "heads": 4, "ffn_size": 1024, "context": 128,
         "dropout": 0.1},
        {"batch_size": 16, "samples": 1600, "epochs": 2, "lr": 1e-3},
    ),
    "gpt-124m": (
        {"family": "gpt", "vocab_size": 50304, "hidden_size": 768, "layers": 12, "heads": 12, "ffn_size": 3072, "context": 1024},
        {"batch_size": 16, "samples": 1600, "epochs": 2, "lr": 6e-4, "precision": "bf16"},
    ),
    "hybrid-1.3b": (
        {"family": "hybrid", "vocab_size": 128256, "hidden_size": 2048, "layers": 24, "heads": 16, "kv_heads": 4, "ffn_size": 8192,
         "context": 2048, "attention_layers": (1, 2, 6, 11, 16, 20, 21, 22, 23),
         "mamba": MambaShape(state_size=128, head_size=64, expand=2, conv_size=4, groups=1)},
        {"batch_size": 4, "samples": 400, "epochs": 2, "lr": 3e-4, "precision": "bf16", "recompute": True},
    ),
}  # fmt: skip
CALIBRATION = 80
"""Updates in which a stack of level 3 has chosen all there is to choose."""


class Ryot:
    """ryot's own trainer, with the seconds of its parts."""

    def __init__(self, name: str, config: TrainConfig, task: Task, world: World) -> None:
        self.name, self.index, self.seconds, self.inside = name, 0, 0.0, 0.0
        self.trainer = Trainer(config, task.documents, task.specials, world)
        engine = self.trainer.engine
        self.trainer.loss = self._timed(self.trainer.loss)  # type: ignore[method-assign]
        engine.backward, engine.step = self._timed(engine.backward), self._timed(engine.step)  # type: ignore[method-assign]

    def _timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                self.inside += time.perf_counter() - start

        return timed

    def block(self, updates: int) -> Block:
        """So many updates."""
        start, tokens = time.perf_counter(), 0
        for _ in range(updates):
            tokens += self.trainer.update(self.index % self.trainer.updates).tokens
            self.index += 1
        self.seconds += (took := time.perf_counter() - start)
        return took, tokens

    def forget(self) -> None:
        """Begin to reckon the engine's share: what came before was calibration."""
        self.seconds = self.inside = 0.0

    @property
    def overhead(self) -> float:
        """The share of all updates' time outside forward pass, backward pass and optimizer."""
        return 1 - self.inside / self.seconds


def tokens(folder: Path, shape: ModelShape, examples: int) -> Path:
    """Generated documents as tokens, as the stages make them."""
    data = run_stage(DataStage(), DataConfig(sources=(GeneratorSource(examples=examples),), held_out=0.05, seed=42), folder / "data")
    config = TokenizerConfig(vocab_size=shape.vocab_size, context=shape.context, long="cut")
    return run_stage(TokenizerStage(), config, folder / "tokenizer", inputs={"documents": data.out}).out


def contenders(task: Task, world: World, folder: Path) -> list[Any]:
    """All that take turns; ryot's two first."""
    plain = TrainConfig(model=task.shape, recipe=task.recipe, kernel=KernelChoice(level=0))
    packs = CompressorChoice(ratio=0.3) if task.shape.family != "hybrid" else None
    stack = TrainConfig(
        model=task.shape, recipe=task.recipe, kernel=KernelChoice(level=3), compressor=packs, scaling=ScalingChoice(warmup_steps=20)
    )
    ours = [Ryot("ryot, optimized", stack, task, world), Ryot("ryot, baseline", plain, task, world)]
    peers = [HuggingFace(task, str(folder / f"hf-{compiled}"), compiled=compiled) for compiled in (False, True)]
    return [*ours, *peers, *(Loop(task, compiled=compiled) for compiled in (False, True))]


def measure(found: list[Any], rounds: int, updates: int) -> dict[str, list[float]]:
    """Tokens a second of every block, by name, the order turning from round to round."""
    warm = {one.name: one.block(CALIBRATION if one.name == "ryot, optimized" else 2 * updates)[0] for one in found}
    for one in found:
        if isinstance(one, Ryot):
            one.forget()
    print("warm-up:", ", ".join(f"{name} {seconds:.0f} s" for name, seconds in warm.items()), file=sys.stderr)
    paces: dict[str, list[float]] = {one.name: [] for one in found}
    for number in range(rounds):
        turn = number % len(found)
        for one in found[turn:] + found[:turn]:
            seconds, count = one.block(updates)
            paces[one.name].append(count / seconds)
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return paces


def report(paces: dict[str, list[float]], ours: list[Ryot]) -> dict[str, Any]:
    """Medians with their spread, ryot's ratio to each in the same rounds, and the engine's share."""
    first = paces[ours[0].name]
    rows = []
    for name, pace in paces.items():
        ratios = sorted(mine / other for mine, other in zip(first, pace, strict=True))
        rows.append({"name": name, "tokens_per_s": statistics.median(pace), "least": min(pace), "most": max(pace),
                     "ours_over_it": statistics.median(ratios), "ratio_least": ratios[0], "ratio_most": ratios[-1]})  # fmt: skip
    peers = [row for row in rows if not str(row["name"]).startswith("ryot")]
    best = max(peers, key=lambda row: row["tokens_per_s"])
    found = {"rows": rows, "best_peer": best["name"], "ours_over_best": best["ours_over_it"], "choices": ours[0].trainer.tuner.chosen}
    return found | {"overhead": {one.name: one.overhead for one in ours}}


def show(found: dict[str, Any]) -> None:
    """The table."""
    print(f"{'tokens/s':>9} {'(spread)':>15}  {'ours / it':>9} {'(spread)':>13}")
    for row in found["rows"]:
        spread, ratio = f"({row['least']:.0f}-{row['most']:.0f})", f"({row['ratio_least']:.2f}-{row['ratio_most']:.2f})"
        print(f"{row['tokens_per_s']:9.0f} {spread:>15}  {row['ours_over_it']:8.2f}x {ratio:>13}  {row['name']}")
    print(f"ryot, optimized over the best peer ({found['best_peer']}): {found['ours_over_best']:.2f}x")
    print("engine:", ", ".join(f"{name} {share:.2%}" for name, share in found["overhead"].items()))
    print("choices:", json.dumps(found["choices"]))


@contextmanager
def alone(device: str, folder: Path) -> Any:
    """A world of this one process."""
    os.environ |= {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    os.environ |= {"DS_ACCELERATOR": device, "GLOO_SOCKET_IFNAME": "lo", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    yield join(folder / "meeting", device)
    torch.distributed.destroy_process_group()


def main() -> int:
    """Train, and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, default="scaled")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--updates", type=int, default=2, help="in each block")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    given, recipe = MODELS[arguments.model]
    shape = ModelShape.model_validate(given)
    with tempfile.TemporaryDirectory() as name, alone(device, Path(name)) as world:
        folder = tokens(Path(name), shape, 3 * recipe["samples"])
        documents = Documents(folder, "train", shape.context, recipe["samples"])
        task = Task(shape, Recipe.model_validate(recipe), documents, specials(folder), world.device)
        found = contenders(task, world, Path(name))
        result = report(measure(found, arguments.rounds, arguments.updates), found[:2])
        if device == "cuda":
            result["memory"] = torch.cuda.max_memory_allocated()
        show(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1))
    sys.stdout.flush()
    os._exit(0)  # Hugging Face's thread waits for a turn that never comes


if __name__ == "__main__":
    main()
