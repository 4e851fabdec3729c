"""Runs lm-eval in a process of its own: `python -m ryot.stages.evaluate.harness JOB.json`. It knows nothing of ryot but this file.

The client is lm-eval's own `local-completions`; only its calls are counted. One prompt a request, one request at a time: what is
computed together changes the last digits of a log-probability, and scores must be the same on every run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lm_eval import simple_evaluate
from lm_eval.models.openai_completions import LocalCompletionsAPI
from lm_eval.tasks import TaskManager


class CountedCompletions(LocalCompletionsAPI):  # type: ignore[misc]
    """lm-eval's client for /v1/completions that leaves the number of answers in a file, for the progress bar."""

    progress: Path
    answered = 0

    def model_call(self, messages: Any, **options: Any) -> Any:
        """One request."""
        answer = super().model_call(messages, **options)
        self.answered += 1
        self.progress.write_text(str(self.answered))
        return answer


def main(argv: Sequence[str]) -> None:
    """Evaluate as the job says and write its `result`: lm-eval's own scores, and what the model said of each item."""
    job = json.loads(Path(argv[0]).read_text())
    model = CountedCompletions(**job["model"])
    model.progress = Path(job["progress"])
    found = simple_evaluate(
        model=model,
        tasks=job["tasks"],
        task_manager=TaskManager(include_path=job["include_path"], include_defaults=False),
        bootstrap_iters=0,
        log_samples=True,
    )
    samples = {task: [_sample(model, sample) for sample in found["samples"][task]] for task in job["tasks"]}
    scores = {task: _numbers(found["results"][task]) for task in job["tasks"]}
    Path(job["result"]).write_text(json.dumps({"scores": scores, "samples": samples}, sort_keys=True))


def _sample(model: CountedCompletions, sample: dict[str, Any]) -> dict[str, Any]:
    """An item's answer: the log-likelihood of each choice, or of the whole text with its number of tokens."""
    document, answers = sample["doc"], sample["filtered_resps"]
    if "choices" in document:
        return {"id": document["id"], "label": document["label"], "loglikelihoods": [float(answer[0]) for answer in answers]}
    tokens, size = len(model.tok_encode(document["text"])), len(document["text"].encode())
    return {"id": document["id"], "loglikelihood": float(answers[0]), "tokens": tokens, "bytes": size}


def _numbers(results: dict[str, Any]) -> dict[str, float]:
    return {name.removesuffix(",none"): float(value) for name, value in results.items() if isinstance(value, int | float)}


if __name__ == "__main__":
    main(sys.argv[1:])
