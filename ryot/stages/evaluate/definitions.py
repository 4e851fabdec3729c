"""What lm-eval is to run, as JSON, which is YAML: our three questions, and its own benchmarks over the hub's items or over local files.

A benchmark's prompts, filters, metric and few-shot number are lm-eval's: its own file is included, and only where the items come from is
written over. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ryot.stages.evaluate.benchmarks import SOURCES, Benchmark
from ryot.stages.evaluate.scores import ANSWER
from ryot.stages.evaluate.stage import Question

_COMMON: dict[str, object] = {"dataset_path": "json", "test_split": "test", "num_fewshot": 0, "metadata": {"version": 1.0}}
_OWN: dict[Question, dict[str, object]] = {
    "reasoning": {
        "output_type": "multiple_choice",
        "doc_to_text": "prompt",
        "doc_to_choice": "choices",
        "doc_to_target": "label",
        "target_delimiter": " ",
        "metric_list": [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in ("acc", "acc_norm")],
    },
    "written": {
        "output_type": "generate_until",
        "doc_to_text": "prompt",
        "doc_to_target": "answer",
        "filter_list": [{"name": "answer", "filter": [{"function": "regex", "regex_pattern": ANSWER}, {"function": "take_first"}]}],
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    },
    "perplexity": {
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "text",
        "metric_list": [{"metric": name} for name in ("word_perplexity", "byte_perplexity", "bits_per_byte")],
    },
}


def definition(question: Question, data: Path, context: int) -> str:
    """The definition of `question` over the items in the JSON-lines file `data`. What is written may take half of `context` (tokens)."""
    own = _OWN[question]
    if question == "written":
        own = own | {"generation_kwargs": {"until": ["\n---"], "do_sample": False, "max_gen_toks": context // 2}}
    return json.dumps({"task": question, "dataset_kwargs": _files({"test": data}), **_COMMON, **own}, indent=1)


def borrowed(name: Benchmark, lm_eval: Path, data: Mapping[str, Path]) -> str:
    """lm-eval's definition of a benchmark, from its package's folder, over the JSON-lines files in `data` by their splits, or the hub's."""
    source = SOURCES[name]
    included: dict[str, object] = {"include": str(lm_eval / "tasks" / source.definition), "task": source.task}
    if data:
        included |= {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": _files(data)}
        included |= {f"{split}_split": split if split in data else None for split in ("training", "validation", "test")}
        if "train" in data:
            included |= {"training_split": "train"}
    return json.dumps(included, indent=1)


def _files(data: Mapping[str, Path]) -> dict[str, object]:
    """Where `datasets` finds items, and keeps its own copy of them: beside them, not in the user's cache."""
    files = {split: str(path) for split, path in data.items()}
    return {"data_files": files, "cache_dir": str(next(iter(data.values())).parent / "datasets")}
