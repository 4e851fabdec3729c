"""Evaluates the served model: writes lm-eval's definitions and data, runs it, checks its arithmetic, keeps each item's answer.

Nothing is cached between runs and nothing is shared: a cache keyed by the request alone would give one model the scores of another.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

from ryot.plugins import NodeError, StageContext
from ryot.stages.data.stage import FileSource
from ryot.stages.evaluate import items
from ryot.stages.evaluate.definitions import definition
from ryot.stages.evaluate.scores import Choices, score_choices, score_likelihood
from ryot.stages.evaluate.stage import EvaluateConfig, Question

Found = dict[str, Any]


def run(config: EvaluateConfig, context: StageContext) -> None:
    """Ask, score, keep. Raises NodeError when lm-eval fails, skips an item, or counts otherwise than we do."""
    if config.benchmarks:
        raise NodeError(
            f"{', '.join(config.benchmarks)}: this version plans lm-eval's own benchmarks, but cannot run them",
            hint="leave them out of evaluate.tasks, for example --set 'evaluate.tasks=[perplexity]'",
        )
    asked = _questions(config, context)
    total = sum(_requests(entry) for entries in asked.values() for entry in entries)
    found = _harness(config, context, asked, total)
    scores: Found = {}
    for question, entries in asked.items():
        samples = found["samples"][question]
        if [sample["id"] for sample in samples] != [entry["id"] for entry in entries]:
            raise NodeError(f"lm-eval answered {len(samples)} items of {question}, other than the {len(entries)} asked")
        context.write(f"samples-{question}.jsonl", items.as_lines(samples))
        scores[question] = {"items": len(samples), "lm_eval": found["scores"][question]} | _score(question, samples, context)
    _agree(found["scores"], scores)
    context.write("scores.json", json.dumps(scores, indent=1, sort_keys=True) + "\n")


def _questions(config: EvaluateConfig, context: StageContext) -> dict[Question, list[items.Item]]:
    documents, text = context.inputs["documents"], None
    if config.text is not None and config.text_digest is not None:
        text = FileSource(digest=config.text_digest, form=config.text_form, written=config.text, path=config.text)
    asked: dict[Question, list[items.Item]] = {}
    if "reasoning" in config.tasks:
        asked["reasoning"] = items.reasoning_items(documents, config.limit)
    if "perplexity" in config.tasks:
        asked["perplexity"] = items.perplexity_items(documents, text, config.limit)
    return asked


def _requests(item: items.Item) -> int:
    """Requests an item takes at least: one a choice, one a document; a document longer than the context takes more."""
    choices = item.get("choices")
    return len(choices) if isinstance(choices, list) else 1


def _harness(config: EvaluateConfig, context: StageContext, asked: dict[Question, list[items.Item]], total: int) -> Found:
    """Run lm-eval to its end and read what it found. Raises NodeError with the end of its log when it fails."""
    folder = context.scratch / "harness"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job = _job(config, context, asked, folder)
    log = folder / "log.txt"
    context.say(f"lm-eval asks {', '.join(f'{question} on {len(entries)} items' for question, entries in asked.items())}")
    process = context.spawn([context.python, "-m", "ryot.stages.evaluate.harness", str(job)], env=_environment(folder), log=log)
    while process.poll() is None:
        _report(folder / "progress.txt", total, context)
        time.sleep(0.2)
    result = folder / "result.json"
    if process.returncode != 0 or not result.exists():
        end = "\n".join(log.read_text(errors="replace").replace("\r", "\n").splitlines()[-15:])
        raise NodeError(f"lm-eval ended with exit code {process.returncode}\n{end}", hint=f"its whole output is in {log}")
    context.report(done=total, total=total, unit="requests", force=True)
    found: Found = json.loads(result.read_text())
    return found


def _job(config: EvaluateConfig, context: StageContext, asked: dict[Question, list[items.Item]], folder: Path) -> Path:
    """Write the data, the definitions and the harness's orders; returns the orders' path."""
    (folder / "definitions").mkdir()
    for question, entries in asked.items():
        data = folder / f"{question}.jsonl"
        data.write_text(items.as_lines(entries), encoding="utf-8")
        (folder / "definitions" / f"{question}.yaml").write_text(definition(question, data))
    endpoint = context.services["serve"]
    model = {
        "model": endpoint.model,
        "base_url": f"{endpoint.url}/v1/completions",
        "header": {"Cache-Control": "no-cache"},
        "tokenizer": str(context.inputs["model"]),
        "tokenizer_backend": "huggingface",
        "tokenized_requests": True,
        "num_concurrent": 1,
        "batch_size": 1,
        "max_length": config.context,
        "max_retries": 3,
        "timeout": 300,
    }
    orders = {"model": model, "tasks": list(asked), "include_path": str(folder / "definitions")}
    orders |= {"progress": str(folder / "progress.txt"), "result": str(folder / "result.json")}
    path = folder / "job.json"
    path.write_text(json.dumps(orders, indent=1))
    return path


def _environment(folder: Path) -> dict[str, str]:
    """Offline, with every cache below `folder`, and no proxy or key of the user's between lm-eval and a server on loopback."""
    home = str(folder / "hf")
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    caches = {"HF_HOME": home, "HF_DATASETS_CACHE": f"{home}/datasets", "LM_HARNESS_CACHE_PATH": f"{home}/lm"}
    quiet = {"TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1", "OPENAI_API_KEY": ""}
    return offline | caches | quiet | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


def _report(progress: Path, total: int, context: StageContext) -> None:
    text = progress.read_text() if progress.exists() else ""
    done = min(int(text or 0), total)
    context.report(done=done, total=total, unit="requests", phase="asking" if done else "loading lm-eval")


def _score(question: Question, samples: list[Found], context: StageContext) -> Found:
    """Measure, and return the numbers for scores.json."""
    if question == "reasoning":
        choices = score_choices(samples)
        context.measure("reasoning_accuracy", hits=choices.hits, of=choices.of)
        context.say(f"reasoning: {choices.hits} of {choices.of} right; blind guessing would expect {choices.chance:.1%}")
        return {"hits": choices.hits, "of": choices.of, "accuracy": choices.hits / choices.of, "chance": choices.chance} | _spread(choices)
    likelihood = score_likelihood(samples)
    context.measure("perplexity", likelihood.perplexity)
    context.measure("nats_per_token", samples=likelihood.nats_per_token)
    context.measure("bits_per_byte", samples=likelihood.bits_per_byte)
    context.say(f"perplexity {likelihood.perplexity:.4f} per token, over {likelihood.tokens} tokens of {len(samples)} documents")
    return {"perplexity": likelihood.perplexity, "tokens": likelihood.tokens}


def _spread(choices: Choices) -> Found:
    """The standard error of a proportion: sqrt(p (1 - p) / n)."""
    share = choices.hits / choices.of
    return {"standard_error": (share * (1 - share) / choices.of) ** 0.5}


def _agree(theirs: Found, ours: Found) -> None:
    """lm-eval's own accuracy and ours come from the same answers; that they differ would be a mistake in one of the two."""
    if "reasoning" in ours and abs(theirs["reasoning"]["acc"] - ours["reasoning"]["accuracy"]) > 1e-9:
        raise NodeError(f"lm-eval counts an accuracy of {theirs['reasoning']['acc']}, ryot {ours['reasoning']['accuracy']}")
