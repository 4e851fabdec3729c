"""A stand-in for lm-eval, as far as ryot's harness asks it: it answers our own questions, and lies as FAKE_LM_EVAL says.

skip: leaves an item out · twice: answers one item for another · inflate: its own score is not that of its answers · certain: a
log-likelihood above zero · nan: one that is none.
"""

import json
import os
from pathlib import Path


def simple_evaluate(*, model, tasks, limit, **options):
    """Multiple choice: the first choice is always the likeliest."""
    lie, found = os.environ.get("FAKE_LM_EVAL", ""), {"results": {}, "samples": {}, "n-shot": {}}
    for task in tasks:
        rows = []
        for number, document in enumerate(task.eval_docs[:limit]):
            answers, right = [(-1.0 - place, place == 0) for place in range(len(task.doc_to_choice(document)))], task.label(document)
            row = {"doc": document, "filtered_resps": answers, "doc_id": number, "doc_hash": str(number), "target": right, "filter": "none"}
            rows.append(row | {"metrics": ["acc"], "acc": float(right == 0)})
        if lie == "skip":
            rows = [row for row in rows if row["acc"]]
        if lie == "twice":
            rows[1] = rows[0]
        score = sum(row["acc"] for row in rows) / len(rows)
        if lie in ("certain", "nan"):
            rows[0]["filtered_resps"][0] = (2.0 if lie == "certain" else float("nan"), True)
        found["results"][task.task_name] = {"acc,none": 1.0 if lie == "inflate" else score, "sample_len": len(rows)}
        found["samples"][task.task_name], found["n-shot"][task.task_name] = rows, 0
    return found


def read(path):
    """The items of a definition's data."""
    return [json.loads(line) for line in Path(path).read_text().splitlines()]
