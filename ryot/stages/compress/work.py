"""The `compress` stage, heavy half: writes the copy, reads it back, and holds it against the export, on the same documents."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, PreTrainedModel

from ryot.plugins import NodeError, StageContext
from ryot.stages.compress.schemes import fitting_group, restored, rounded, settings
from ryot.stages.compress.stage import ON_CPU, CompressConfig
from ryot.stages.export.work import load
from ryot.stages.serve.answers import ANSWERS
from ryot.stages.serve.checkpoint import read_checkpoint
from ryot.stages.serve.probe import exchange, resident
from ryot.stages.serve.stage import MODEL, ServeConfig
from ryot.stages.serve.work import Engine, launch, ready
from ryot.stages.train.documents import Documents
from ryot.stages.train.heldout import document_losses
from ryot.stages.train.world import World

WEIGHTS = "model.safetensors"
TOKENS = 32
"""Tokens generated in a turn."""


def run(config: CompressConfig, context: StageContext) -> None:
    """Compress and compare. Raises NodeError where the copy does not mean what was stored."""
    torch.set_num_threads(max(context.cpus, 1))
    export, tokens = context.inputs["model"], context.inputs["tokens"]
    plain = load_file(export / WEIGHTS)
    group = fitting_group(plain, config.group_size)
    if config.group_size and group is None:
        context.say(f"a row is no multiple of {config.group_size} weights: every row has one scale")
    write(export, context.out, rounded(plain, config.scheme, group), settings(config.scheme, group))
    before, after = ((folder / WEIGHTS).stat().st_size for folder in (export, context.out))
    context.measure("size", after)
    context.measure("times_smaller", before / after)
    documents = Documents(tokens, "heldout", config.context - 1)
    chosen = [index for index in range(documents.count) if documents.lengths[index] > 1][: config.documents]
    if len(chosen) < 2:
        raise NodeError(f"there are {len(chosen)} held-out documents to compare on; at least 2 are needed", hint="raise data.held_out")
    by_engine = context.device.startswith("cuda") or config.scheme in ON_CPU
    found = _on_engines(config, context, documents, chosen) if by_engine else _in_transformers(context, documents, chosen)
    nats = found["nats"]
    context.measure("recovery", pairs=tuple(map(tuple, nats)))
    context.measure("loss_increase", samples=tuple(copy - export for export, copy in nats))
    context.write("compress.json", json.dumps({"scheme": config.scheme, "group_size": group, "by": found["by"]}, sort_keys=True))
    shares = [math.fsum(side) / len(nats) for side in zip(*nats, strict=True)]
    context.say(f"{before / after:.2f} times smaller; held-out loss {shares[0]:.4f} -> {shares[1]:.4f} nats a token, by {found['by']}")


def write(export: Path, out: Path, tensors: dict[str, torch.Tensor], quantization: dict[str, Any]) -> None:
    """The copy's folder: the export's, with other weights, a config that says so, and none of the export's own answers."""
    for file in sorted(export.iterdir()):
        if file.name not in (WEIGHTS, "config.json", ANSWERS):
            shutil.copyfile(file, out / file.name)
    save_file(tensors, out / WEIGHTS, metadata={"format": "pt"})
    config = json.loads((export / "config.json").read_text())
    (out / "config.json").write_text(json.dumps(config | {"quantization_config": quantization}, indent=2, sort_keys=True))


def _in_transformers(context: StageContext, documents: Documents, chosen: Sequence[int]) -> dict[str, Any]:
    """Weights as stored, activations in fp32: what the scheme keeps, though no engine here computes with it."""
    export = context.inputs["model"]
    models = load(export).float(), _restored(export, context.out)
    world, kept = World(0, 1, torch.device("cpu")), _Chosen(documents, chosen)
    losses = []
    for name, model in zip(("export", "copy"), models, strict=True):
        context.say(f"{name}: {len(chosen)} documents in transformers")
        losses.append(document_losses(model, kept, 0, world))  # type: ignore[arg-type]
    return {"nats": list(zip(*losses, strict=True)), "by": "transformers, the weights as stored"}


class _Chosen:
    """Some of the documents, as `document_losses` reads them."""

    def __init__(self, documents: Documents, chosen: Sequence[int]) -> None:
        self._documents, self._chosen = documents, list(chosen)
        self.count, self.lengths = len(chosen), documents.lengths[list(chosen)]

    def __getitem__(self, index: int) -> Any:
        return self._documents[self._chosen[index]]


def _restored(export: Path, copy: Path) -> PreTrainedModel:
    """The export's network with the copy's weights. Raises NodeError where they do not fit."""
    model = AutoModelForCausalLM.from_pretrained(
        export, local_files_only=True, use_safetensors=True, trust_remote_code=False, dtype=torch.float32
    )
    odd = model.load_state_dict(restored(load_file(copy / WEIGHTS)), strict=False)
    missing = [name for name in odd.missing_keys if name not in _tied(model)]
    if missing or odd.unexpected_keys:
        raise NodeError(f"the copy does not fit the export's network: {[*missing, *odd.unexpected_keys][:5]}")
    return model.eval()


def _tied(model: PreTrainedModel) -> list[str]:
    return list(getattr(model, "all_tied_weights_keys", None) or getattr(model, "_tied_weights_keys", None) or [])


def _on_engines(config: CompressConfig, context: StageContext, documents: Documents, chosen: Sequence[int]) -> dict[str, Any]:
    """Two engines of the kind that serves, asked in turns."""
    cores = max(context.cpus // 2, 1)
    serving = ServeConfig(context=config.context, kv_cache=256 << 20, max_concurrency=8, threads=cores)
    folders = context.inputs["model"], context.out
    launched = [launch(serving, context, read_checkpoint(folder), number) for number, folder in enumerate(folders)]
    engines = [ready(engine, serving, context, read_checkpoint(folder)) for engine, folder in zip(launched, folders, strict=True)]
    try:
        nats = []
        for number, index in enumerate(chosen):
            order = engines if number % 2 == 0 else engines[::-1]
            found = {engine.number: nats_of(engine.url, [int(token) for token in documents[index]]) for engine in order}
            nats.append((found[0], found[1]))
            context.report(done=number + 1, total=len(chosen), unit="document")
        _turns(config, context, engines)
        for name, engine in zip(("memory_before", "memory"), engines, strict=True):
            context.measure(name, resident(engine.process.pid))
    finally:
        for engine in engines:
            engine.process.terminate()
    return {"nats": nats, "by": "the server's engine"}


def _turns(config: CompressConfig, context: StageContext, engines: Sequence[Engine]) -> None:
    """Seconds of the same generation on both, by turns; the first round is left out."""
    pairs = []
    for number in range(config.rounds + 1):
        spent: dict[int, float] = {}
        for engine in engines if number % 2 == 0 else engines[::-1]:
            tokens = min(TOKENS, config.context - 4)
            start = time.perf_counter()
            ask(engine.url, {"prompt": [3, 4, number % 200 + 5], "max_tokens": tokens, "ignore_eos": True})
            spent[engine.number] = time.perf_counter() - start
        pairs.append((spent[0], spent[1]))
    context.measure("speed_ratio", pairs=tuple(pairs[1:]))


def nats_of(url: str, ids: Sequence[int]) -> float:
    """A document's mean nats a token after its first, as the engine computes it."""
    answer = ask(url, {"prompt": list(ids), "max_tokens": 1, "echo": True, "logprobs": 1})
    found = answer["choices"][0]["logprobs"]["token_logprobs"][1 : len(ids)]
    return -math.fsum(found) / len(found)


def ask(url: str, fields: dict[str, Any]) -> dict[str, Any]:
    """One completion. Raises NodeError where it is not answered."""
    status, text = exchange(url, "POST", "/v1/completions", 300.0, {"model": MODEL, "temperature": 0, **fields})
    if status != 200:
        raise NodeError(f"the engine answered {status}: {text[:300].decode(errors='replace')}")
    answer: dict[str, Any] = json.loads(text)
    return answer
