"""A task of multiple choice."""

import json
from pathlib import Path

from lm_eval import read


class Task:
    """What its definition says."""

    OUTPUT_TYPE = "multiple_choice"

    def __init__(self, definition):
        told = json.loads(Path(definition).read_text())
        self.task_name, self.eval_docs = told["task"], read(told["dataset_kwargs"]["data_files"]["test"])

    def doc_to_choice(self, document):
        found = document["choices"]
        return found["text"] if isinstance(found, dict) else found

    def label(self, document):
        """The place of the right one."""
        return document["label"] if "label" in document else document["choices"]["label"].index(document["answerKey"])
