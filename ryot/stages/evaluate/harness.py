"""Runs lm-eval in a process of its own: `python -m ryot.stages.evaluate.harness JOB.json`.

The client is lm-eval's own `local-completions`; only its answers are kept, and counted. One prompt a request, one request at a time: what
is computed together changes the last digits of a log-probability, and scores must be the same on every run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from lm_eval import simple_evaluate
from lm_eval.api.group import Group
from lm_eval.api.task import Task
from lm_eval.models.openai_completions import LocalCompletionsAPI
from lm_eval.tasks import TaskManager

from ryot.stages.evaluate.answers import Answers
from ryot.stages.evaluate.benchmarks import NO_ITEMS
from ryot.stages.evaluate.programs import Cell

Found = dict[str, Any]
MOST_STOPS = 4
"""That a server of OpenAI's kind takes, vLLM among them; lm-eval's humaneval has six."""


class KeptCompletions(LocalCompletionsAPI):  # type: ignore[misc]
    """lm-eval's client for /v1/completions that asks only what was not answered before, and tells how far it is."""

    answers: Answers
    progress: Path
    total = 0
    done = 0
    cut = 0

    def loglikelihood(self, requests: list[Any], **options: Any) -> list[Any]:
        """Of continuations."""
        return self._rest("loglikelihood", requests, super().loglikelihood)

    def loglikelihood_rolling(self, requests: list[Any], **options: Any) -> list[Any]:
        """Of whole texts."""
        return self._rest("loglikelihood_rolling", requests, super().loglikelihood_rolling)

    def generate_until(self, requests: list[Any], **options: Any) -> list[Any]:
        """Texts."""
        return self._rest("generate_until", requests, super().generate_until)

    def model_call(self, messages: Any, **options: Any) -> Any:
        """One request. Only MOST_STOPS of the texts at which an answer ends go to the server; at the others it is cut here, where it
        would have ended."""
        stops = [*((options.get("gen_kwargs") or {}).get("until") or ()), self.eos_string]
        outputs = super().model_call(messages, **options)
        if options.get("generate", True) and outputs:
            for choice in outputs["choices"]:
                choice["text"] = _cut_at(choice["text"], stops)
        return outputs

    def _create_payload(self, messages: Any, **options: Any) -> Any:
        payload = super()._create_payload(messages, **options)
        return payload | {"stop": payload["stop"][:MOST_STOPS]} if "stop" in payload else payload

    def add_partial(self, kind: str, asked: Sequence[Any], answer: Any) -> None:
        """What lm-eval calls with each answer as it comes; it takes this client for its cache."""
        self.answers.add(kind, asked, answer)
        self._count(1)

    def _rest(self, kind: str, requests: list[Any], ask: Callable[[list[Any]], list[Any]]) -> list[Any]:
        self.cut += sum(self._is_cut(kind, request.args) for request in requests)
        known = [self.answers.of(kind, request.args) for request in requests]
        self._count(sum(answer is not None for answer in known))
        rest = [request for request, answer in zip(requests, known, strict=True) if answer is None]
        asked = iter(ask(rest) if rest else [])
        return [next(asked) if answer is None else answer for answer in known]

    def _is_cut(self, kind: str, asked: Sequence[Any]) -> bool:
        """Whether lm-eval leaves out the beginning of a prompt, because it and the answer would not fit into the context."""
        if kind == "loglikelihood_rolling":
            return False  # a text is asked for in pieces
        prompt, room = asked[0], self.max_length
        if kind == "generate_until":
            room -= asked[1].get("max_gen_toks", self._max_gen_toks)
        else:
            prompt += asked[1]
        return bool(len(self.tok_encode(prompt)) > room)

    def _count(self, more: int) -> None:
        self.done += more
        self.progress.write_text(f"{self.done} {self.total}")


def _cut_at(text: str, stops: Sequence[str | None]) -> str:
    return text[: min((at for stop in stops if stop and (at := text.find(stop)) >= 0), default=len(text))]


def main(argv: Sequence[str]) -> None:
    """Evaluate as the job says and write its `result`: lm-eval's own scores, and what the model said of each item."""
    job = json.loads(Path(argv[0]).read_text())
    cell = Cell() if job["run_code"] else None
    if cell is not None:
        sys.modules["evaluate"] = _judges(cell)
    manager = TaskManager(include_path=job["include_path"], include_defaults=False)
    loaded = {name: _load(manager, name, job) for name in job["tasks"]}
    leaves = {name: _leaves(found) for name, found in loaded.items()}
    model = _model(job, [task for tasks in leaves.values() for task in tasks.values()])
    found = simple_evaluate(
        model=model,
        tasks=list(loaded.values()),
        task_manager=manager,
        limit=job["limit"],
        bootstrap_iters=0,
        log_samples=True,
        confirm_run_unsafe_code=cell is not None,
    )
    result: Found = {"scores": {}, "samples": {}, "shots": {}, "cut": model.cut, "wall": None if cell is None else cell.wall.words}
    for name, tasks in leaves.items():
        result["scores"][name] = _numbers(found["results"][job["tasks"][name]])
        result["samples"][name] = [_sample(model, task, sample) for task in tasks.values() for sample in found["samples"][task.task_name]]
        result["shots"][name] = max(found["n-shot"][task] for task in tasks)
    Path(job["result"]).write_text(json.dumps(result, sort_keys=True))


def _judges(cell: Cell) -> ModuleType:
    """Stands where lm-eval's humaneval looks for Hugging Face's `evaluate`, whose code_eval it would take from the hub: ours computes the
    same, and runs programs behind a wall. Nothing else that is asked here needs that package."""
    module = ModuleType("evaluate")
    module.load = {"code_eval": cell}.__getitem__  # type: ignore[attr-defined]
    return module


def _load(manager: TaskManager, name: str, job: Mapping[str, Any]) -> Task | Group:
    """A task with its items. Where they cannot be had, the job's `refused` says so and the process ends with NO_ITEMS."""
    try:
        found = manager.load([job["tasks"][name]])
    except (OSError, ValueError, RuntimeError) as error:  # what `datasets` and the hub's client raise
        Path(job["refused"]).write_text(json.dumps({"task": name, "why": f"{type(error).__name__}: {error}"[:600]}))
        sys.exit(NO_ITEMS)
    group = found["groups"].get(job["tasks"][name])
    return group if group is not None else found["tasks"][job["tasks"][name]]


def _leaves(found: Task | Group) -> dict[str, Task]:
    """The tasks of which a benchmark is made: itself, or its group's."""
    return {task.task_name: task for task in (found.get_all_tasks() if isinstance(found, Group) else [found])}


def _model(job: Mapping[str, Any], tasks: Sequence[Task]) -> KeptCompletions:
    model = KeptCompletions(**job["model"])
    model.answers, model.progress = Answers(Path(job["answers"])), Path(job["progress"])
    model.total = sum(_requests(task, job["limit"]) for task in tasks)
    model.set_cache_hook(model)
    return model


def _requests(task: Task, limit: int | None) -> int:
    """About how many answers a task takes: one an item, or one a choice, of which the first item's number is taken."""
    documents = task.eval_docs
    count = len(documents) if limit is None else min(limit, len(documents))
    return count * (len(task.doc_to_choice(documents[0])) if task.OUTPUT_TYPE == "multiple_choice" else 1)


def _sample(model: KeptCompletions, task: Task, sample: Found) -> Found:
    """An item's answer. Of our own questions: the log-likelihood of each choice, or of the whole text with its number of tokens."""
    document, answers = sample["doc"], sample["filtered_resps"]
    if task.task_name == "reasoning":
        return {"id": document["id"], "label": document["label"], "loglikelihoods": [float(answer[0]) for answer in answers]}
    if task.task_name == "perplexity":
        tokens, size = len(model.tok_encode(document["text"])), len(document["text"].encode())
        return {"id": document["id"], "loglikelihood": float(answers[0]), "tokens": tokens, "bytes": size}
    if task.task_name == "written":
        return {"id": document["id"], "answer": document["answer"], "text": sample["resps"][0][0]}
    scores = {name: _plain(sample[name]) for name in sample["metrics"]}
    kept = {"id": f"{task.task_name}/{sample['doc_id']}", "digest": sample["doc_hash"], "target": sample["target"], "scores": scores}
    kept |= {"filter": sample["filter"], "chance": _chance(task, document, answers)}
    if task.OUTPUT_TYPE == "multiple_choice":
        return kept | {"loglikelihoods": [float(answer[0]) for answer in answers]}
    return kept | {"answers": answers, "generated": [answer for answers in sample["resps"] for answer in answers]}


def _plain(value: Any) -> Any:
    """numpy's numbers as Python's."""
    return [float(part) for part in value] if isinstance(value, tuple) else float(value)


def _chance(task: Task, document: Mapping[str, Any], answers: Sequence[Any]) -> float | None:
    """What blind guessing would expect of an item: one of its choices, or its share of true ones; nothing where an answer is written."""
    if task.OUTPUT_TYPE != "multiple_choice":
        return 0.0 if task.OUTPUT_TYPE == "generate_until" else None
    labels = document["mc2_targets"]["labels"] if task.task_name == "truthfulqa_mc2" else [1, *[0] * (len(answers) - 1)]
    return sum(labels) / len(labels)


def _numbers(results: Mapping[str, Any]) -> dict[str, float]:
    found = {name.removesuffix(",none"): value for name, value in results.items()}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float) and name != "sample_len"}


if __name__ == "__main__":
    main(sys.argv[1:])
