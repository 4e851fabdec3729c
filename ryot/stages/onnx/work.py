"""The `onnx` stage, heavy half: torch's exporter writes the graph, onnxruntime reads it back.

Shapes: R rows, L length, V vocabulary.
"""

from __future__ import annotations

import shutil
import time
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import transformers
from torch import nn
from transformers import PreTrainedModel

from ryot.plugins import NodeError, StageContext
from ryot.stages.export.work import load
from ryot.stages.onnx.stage import OnnxConfig
from ryot.stages.train.documents import Documents

GRAPH = "model.onnx"
MOST_ROWS = 256
"""Rows that the graph takes at once, at most."""


class Logits(nn.Module):  # type: ignore[misc]
    """A causal model as a function of ids alone. Padding, if any, stands on the right."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """The logits [R, L, V] of ids [R, L]."""
        logits_RLV: torch.Tensor = self.model(input_ids=input_ids, attention_mask=None, use_cache=False).logits
        return logits_RLV


def run(config: OnnxConfig, context: StageContext) -> None:
    """Write, read back, compare. Raises NodeError where there is no document to compare on."""
    torch.set_num_threads(max(context.cpus, 1))
    transformers.logging.set_verbosity_error()
    model = load(context.inputs["model"]).float()
    model.set_attn_implementation("eager")  # its plain products are in every runtime
    documents = Documents(context.inputs["tokens"], "heldout", config.context)
    chosen = [documents[index] for index in range(documents.count) if documents.lengths[index] > 1][: config.documents]
    if not chosen:
        raise NodeError("there is no held-out document to compare on", hint="raise data.held_out")
    context.say("torch writes the graph")
    write(Logits(model), config.context, context.out / GRAPH)
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        if (file := context.inputs["model"] / name).exists():
            shutil.copyfile(file, context.out / name)
    session = read(context.out / GRAPH, context.cpus)
    pairs, difference = _compare(config, model, session, [ids.astype(np.int64)[None] for ids in chosen], context)
    context.measure("logit_difference", difference)
    context.measure("size", sum(path.stat().st_size for path in context.out.glob(f"{GRAPH}*")))
    context.measure("speed_ratio", pairs=tuple(pairs))
    context.say(f"largest difference of a logit {difference:.2e}")


def write(network: Logits, context: int, path: Path) -> None:
    """The graph with its weights, rows and length left open."""
    rows, length = torch.export.Dim("rows", min=1, max=MOST_ROWS), torch.export.Dim("length", min=2, max=context)
    example_RL = torch.zeros(2, min(16, context), dtype=torch.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network.eval(), (example_RL,), dynamo=True, input_names=["input_ids"], output_names=["logits"], verbose=False,
            dynamic_shapes={"input_ids": {0: rows, 1: length}},
        )  # fmt: skip
    assert program is not None
    program.save(str(path))


def read(path: Path, cpus: int) -> onnxruntime.InferenceSession:
    """The graph in onnxruntime, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(cpus, 1)
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _compare(
    config: OnnxConfig, model: PreTrainedModel, session: onnxruntime.InferenceSession, rows: list[np.ndarray], context: StageContext
) -> tuple[list[tuple[float, float]], float]:
    """Seconds of both for all documents, round by round and in turns, the first left out; and the largest difference of a logit."""
    pairs: list[tuple[float, float]] = []
    difference = 0.0
    for number in range(config.rounds + 1):
        spent, logits = {}, {}
        for side in ("torch", "onnx") if number % 2 == 0 else ("onnx", "torch"):
            start = time.perf_counter()
            logits[side] = [_torch(model, ids_RL) if side == "torch" else session.run(None, {"input_ids": ids_RL})[0] for ids_RL in rows]
            spent[side] = time.perf_counter() - start
        pairs.append((spent["torch"], spent["onnx"]))
        difference = max(difference, *(float(np.abs(a - b).max()) for a, b in zip(logits["torch"], logits["onnx"], strict=True)))
        context.report(done=number + 1, total=config.rounds + 1, unit="round", difference=difference)
    return pairs[1:], difference


def _torch(model: PreTrainedModel, ids_RL: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        logits_RLV: np.ndarray = model(input_ids=torch.from_numpy(ids_RL), attention_mask=None, use_cache=False).logits.numpy()
    return logits_RLV
