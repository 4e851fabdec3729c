"""lm-eval's definitions of our two questions, as JSON, which is YAML. The data are local files, so no network is needed. Pure."""

from __future__ import annotations

import json
from pathlib import Path

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
    "perplexity": {
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "text",
        "metric_list": [{"metric": name} for name in ("word_perplexity", "byte_perplexity", "bits_per_byte")],
    },
}


def definition(question: Question, data: Path) -> str:
    """The definition of `question` over the items in the JSON-lines file `data`."""
    return json.dumps({"task": question, "dataset_kwargs": {"data_files": {"test": str(data)}}, **_COMMON, **_OWN[question]}, indent=1)
