"""What the model is evaluated on, as texts: files of every form that a source may have, of whose records every string counts."""

import json
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from ryot.plugins import NodeError
from ryot.stages.data.lines import read_lines
from ryot.stages.data.stage import MAX_LINE
from ryot.stages.filter.settings import EvaluationFile
from ryot.stages.forms import FORMS, form_of
from ryot.stages.inputs import proven


def evaluation_texts(file: EvaluationFile) -> Iterator[str]:
    """The texts of an evaluation file, or of all in a folder. Raises NodeError for what cannot be read: nothing is passed over."""
    with proven(Path(file.path), file.digest, file.written) as root:
        paths = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file() and form_of(path.name))
        if not paths or not form_of(paths[0].name):
            hint = f"what is read ends in {', '.join(FORMS)}"
            raise NodeError(f"{file.written} is not, and does not hold, a file of evaluation texts", hint=hint)
        for path in paths:
            yield from _texts(path, os.fsencode(path.name).decode("utf-8", "backslashreplace"))


def _texts(path: Path, name: str) -> Iterator[str]:
    form = form_of(path.name)
    if form == ".parquet":
        for row in import_module("ryot.stages.data.parquet").whole_rows(str(path), name):
            yield from _strings(row)
    elif form.startswith(".txt"):
        yield "\n".join(text for _, text in _lines(path, name))
    else:
        for number, line in _lines(path, name):
            if line.strip():
                yield from _strings(_parsed(line, name, number))


def _lines(path: Path, name: str) -> Iterator[tuple[int, str]]:
    for line in read_lines(path, MAX_LINE):
        if line.why is not None:
            raise NodeError(f"{name}:{line.number}: {line.why}", hint="what a model is evaluated on has to be whole")
        yield line.number, line.text


def _parsed(line: str, name: str, number: int) -> object:
    try:
        return json.loads(line)
    except RecursionError:
        raise NodeError(f"{name}:{number}: bad JSON: nested too deeply") from None
    except ValueError as error:
        raise NodeError(f"{name}:{number}: bad JSON: {error}") from None


def _strings(value: object) -> Iterator[str]:
    """Every string in a JSON value, in order; the names of its fields are none."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, list):
            waiting += reversed(found)
        elif isinstance(found, dict):
            waiting += reversed(found.values())
