"""The `export` stage, heavy half. Nothing is executed or unpickled: safetensors and JSON in, safetensors and JSON out.

Shapes: L length, V vocabulary.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel

from ryot.plugins import NodeError, StageContext
from ryot.stages.compare.gate import refuse_missed_gate
from ryot.stages.export.stage import ExportConfig
from ryot.stages.serve.answers import ANSWERS, CANDIDATES, PROMPTS
from ryot.stages.train.documents import Documents, Ids, specials

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
BEGINNING = 16
"""Tokens of a document that a server is asked to continue."""
_SHARD = "100GB"
"""Above any model of one machine, so that the weights are one file."""


def run(config: ExportConfig, context: StageContext) -> None:
    """Store, load back, compare. Raises NodeError when the loaded model or tokenizer does not fit the trained one."""
    torch.set_num_threads(max(context.cpus, 1))
    transformers.logging.disable_progress_bar()
    if "comparison" in context.inputs:
        refuse_missed_gate(context.inputs["comparison"])
    tokens = context.inputs["tokens"]
    trained = load(context.inputs["weights"])
    context.say(f"storing {sum(parameter.numel() for parameter in trained.parameters()):,} parameters as {config.dtype}")
    _store(trained, config.dtype, tokens, context.out)
    loaded = load(context.out)
    _refuse_misfit(loaded, context.out, tokens)
    difference = _largest_difference(load(context.inputs["weights"]), loaded, config.probes, tokens, context)
    context.write(ANSWERS, json.dumps(_answers(loaded.float(), tokens)))
    context.measure("logit_difference", difference)
    context.measure("parameters", sum(parameter.numel() for parameter in loaded.parameters()))
    context.measure("size", (context.out / "model.safetensors").stat().st_size)


def load(folder: Path) -> PreTrainedModel:
    """A checkpoint as others load it, in the type it is stored in. Weights that are missing or left over raise NodeError."""
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype="auto", local_files_only=True, use_safetensors=True, trust_remote_code=False, output_loading_info=True
    )
    odd = {name: sorted(found) for name, found in info.items() if found}
    if odd:
        raise NodeError(f"the checkpoint does not fit its config.json: {json.dumps(odd, default=str)[:500]}")
    return model.eval()


def _store(model: PreTrainedModel, dtype: str, tokens: Path, out: Path) -> None:
    """Tied weights are stored once (`save_pretrained` sees to it)."""
    ids = specials(tokens)
    stored = model.to(_TYPES[dtype])
    stored.config.use_cache = True
    stored.generation_config = GenerationConfig(bos_token_id=ids.bos, eos_token_id=ids.eos, pad_token_id=ids.pad)
    stored.save_pretrained(out, max_shard_size=_SHARD)
    for file in sorted((tokens / "tokenizer").iterdir()):
        shutil.copyfile(file, out / file.name)


def _refuse_misfit(model: PreTrainedModel, out: Path, tokens: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(out, local_files_only=True, trust_remote_code=False)
    if len(tokenizer) > model.config.vocab_size:
        raise NodeError(f"the tokenizer has {len(tokenizer)} entries, the model only {model.config.vocab_size}")
    if tokenizer.eos_token_id != specials(tokens).eos:
        raise NodeError(f"the tokenizer ends documents with {tokenizer.eos_token_id}, training did with {specials(tokens).eos}")


def _largest_difference(trained: PreTrainedModel, loaded: PreTrainedModel, probes: int, tokens: Path, context: StageContext) -> float:
    """The largest absolute difference of any logit over the first `probes` held-out documents."""
    documents = Documents(tokens, "heldout", _context(trained))
    largest, count = 0.0, min(probes, documents.count)
    for index in range(count):
        before_LV, after_LV = (_logits(model, documents[index]) for model in (trained, loaded))
        largest = max(largest, float((before_LV - after_LV).abs().max()))
        context.report(done=index + 1, total=count, unit="document", largest_difference=largest)
    return largest


def _answers(model: PreTrainedModel, tokens: Path) -> dict[str, Any]:
    """What a server of this model must answer: the likeliest tokens after the beginnings of some held-out documents. In fp32."""
    documents = Documents(tokens, "heldout", max(_context(model) // 2, 1))
    prompts = [documents[index][:BEGINNING] for index in range(min(PROMPTS, documents.count))]
    found = [_logits(model, ids)[-1].double().log_softmax(-1).topk(min(CANDIDATES, model.config.vocab_size)) for ids in prompts]
    likeliest = [list(zip(best.indices.tolist(), best.values.tolist(), strict=True)) for best in found]
    return {"prompts": [ids.tolist() for ids in prompts], "next": likeliest}


def _context(model: PreTrainedModel) -> int:
    config: Any = model.config
    return int(config.max_position_embeddings)


def _logits(model: PreTrainedModel, ids: Ids) -> torch.Tensor:
    with torch.no_grad():
        logits_LV: torch.Tensor = model(input_ids=torch.from_numpy(ids)[None]).logits[0]
    return logits_LV.float()
