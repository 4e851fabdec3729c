"""Has lm-eval ask the served model: its data, definitions and orders below the scratch folder, its process, its result."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ryot.plugins import NodeError, StageContext
from ryot.stages.evaluate.benchmarks import NO_ITEMS, SOURCES, Benchmark
from ryot.stages.evaluate.definitions import borrowed, definition
from ryot.stages.evaluate.items import Item, as_lines
from ryot.stages.evaluate.stage import EvaluateConfig, Question

Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """The items of our own questions; and of lm-eval's benchmarks those that stand in for the hub's, by split: none, where the hub's are
    taken."""

    questions: Mapping[Question, list[Item]]
    benchmarks: Mapping[Benchmark, Mapping[str, list[Item]]]

    @property
    def offline(self) -> bool:
        """Whether all items are here."""
        return all(self.benchmarks.values())

    @property
    def names(self) -> dict[str, str]:
        """What lm-eval is to run, by our names and by its own."""
        return {name: name for name in self.questions} | {name: SOURCES[name].task for name in self.benchmarks}


def ask(config: EvaluateConfig, context: StageContext, asked: Asked) -> Found:
    """Run lm-eval to its end and read what it found: scores, samples, shots. Answers that a crash left are not asked for again.

    Raises NodeError with the end of its log when it fails, and with what to do when items could not be had.
    """
    folder = context.scratch / "harness"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job = _job(config, context, asked, folder)
    log = folder / "log.txt"
    context.say(f"lm-eval asks {', '.join(asked.names)}")
    argv = [context.python, "-m", "ryot.stages.evaluate.harness", str(job)]
    process = context.spawn(argv, env=_environment(folder, asked.offline), log=log)
    while process.poll() is None:
        _report(folder / "progress.txt", context)
        time.sleep(0.2)
    result = folder / "result.json"
    if process.returncode == NO_ITEMS and (folder / "refused.json").exists():
        raise _without_items(json.loads((folder / "refused.json").read_text()), asked)
    if process.returncode != 0 or not result.exists():
        end = "\n".join(log.read_text(errors="replace").replace("\r", "\n").splitlines()[-15:])
        raise NodeError(f"lm-eval ended with exit code {process.returncode}\n{end}", hint=f"its whole output is in {log}")
    found: Found = json.loads(result.read_text())
    return found


def _without_items(refused: Mapping[str, str], asked: Asked) -> NodeError:
    name = refused["task"]
    if asked.benchmarks.get(name):  # type: ignore[call-overload]
        return NodeError(f"{name}: lm-eval cannot read the items of the local file: {refused['why']}")
    local = f", or name a local file: `evaluate: {{data: {{{name}: items.jsonl}}}}`" if name != "mmlu" else ""
    reach = "let this machine reach the hub (HF_ENDPOINT names a mirror, HF_HUB_OFFLINE forbids it; what was fetched once lies in HF_HOME)"
    return NodeError(
        f"{name}: its items could not be had from the Hugging Face hub: {refused['why']}",
        hint=reach + local,
    )


def _job(config: EvaluateConfig, context: StageContext, asked: Asked, folder: Path) -> Path:
    """Write the data, the definitions and the harness's orders; returns the orders' path."""
    definitions = folder / "definitions"
    definitions.mkdir()
    for question, entries in asked.questions.items():
        (definitions / f"{question}.yaml").write_text(definition(question, _written(folder, question, entries), config.context))
    for name, splits in asked.benchmarks.items():
        files = {split: _written(folder, f"{name}-{split}", entries) for split, entries in splits.items()}
        if name != "mmlu":
            (definitions / f"{name}.yaml").write_text(borrowed(name, _lm_eval(), files))
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
    groups = [str(_lm_eval() / "tasks" / SOURCES[name].definition) for name in asked.benchmarks if name == "mmlu"]
    orders = {"model": model, "tasks": asked.names, "include_path": [str(definitions), *groups], "limit": config.limit}
    orders |= {"run_code": config.run_code, "answers": str(context.scratch / "answers.jsonl")}
    orders |= {name: str(folder / f"{name}.json") for name in ("result", "refused")} | {"progress": str(folder / "progress.txt")}
    path = folder / "job.json"
    path.write_text(json.dumps(orders, indent=1))
    return path


def _written(folder: Path, name: str, entries: list[Item]) -> Path:
    path = folder / f"{name}.jsonl"
    path.write_text(as_lines(entries), encoding="utf-8")
    return path


def _lm_eval() -> Path:
    """Where lm-eval is installed; it is not imported here, which would take seconds."""
    found = find_spec("lm_eval")
    if found is None or not found.submodule_search_locations:
        raise NodeError("lm-eval is not installed", hint="ryot doctor says what is lacking")
    return Path(next(iter(found.submodule_search_locations)))


def _environment(folder: Path, offline: bool) -> dict[str, str]:
    """No key of the user's, and no proxy, between lm-eval and a server on loopback. Where all items are here: no network, and every
    cache below `folder`; else the user's own caches and access to the hub."""
    here = {"TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "LM_HARNESS_CACHE_PATH": str(folder / "lm")}
    quiet = {"TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1", "OPENAI_API_KEY": ""}
    here |= quiet | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    if not offline:
        return here
    home = str(folder / "hf")
    return here | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": home, "HF_DATASETS_CACHE": f"{home}/datasets"}


def _report(progress: Path, context: StageContext) -> None:
    words = progress.read_text().split() if progress.exists() else []
    done, total = (int(words[0]), int(words[1])) if len(words) == 2 else (0, 1)
    context.report(done=min(done, total), total=total, unit="requests", phase="asking" if done else "loading lm-eval")
