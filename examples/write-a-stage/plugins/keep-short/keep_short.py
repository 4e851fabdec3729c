"""A stage that keeps the training documents of at most so many words. The held-out documents pass through unchanged."""

import json
import shutil
from typing import Annotated

from pydantic import Field

from ryot.plugins import Circumstance, Measure, NodeError, Stage, StageConfig, StageContext


class KeepShortConfig(StageConfig):
    """The settings: what a spec writes under `with`."""

    words: int = Field(100, ge=1)
    """The most words a document may have; words are what white space separates. Changes the result."""
    say_every: Annotated[int, Circumstance] = Field(1000, ge=1)
    """Documents from one line in the log to the next. Changes no result."""


class KeepShort(Stage):
    """Keeps short training documents, in their order."""

    name = "keep-short"
    version = 1
    Config = KeepShortConfig
    takes = "documents"
    gives = "documents"
    measures = (
        Measure(name="kept", kind="exact", about="training documents kept"),
        Measure(name="dropped", kind="exact", about="training documents with too many words"),
    )

    def run(self, config: KeepShortConfig, context: StageContext) -> None:
        """Read documents, write documents, measure. Raises NodeError when no training document is left."""
        source = context.inputs["documents"]
        for path in source.iterdir():
            if path.name != "train.jsonl":
                shutil.copyfile(path, context.out / path.name)
        with (source / "train.jsonl").open(encoding="utf-8", newline="\n") as file:
            lines = list(file)
        kept: list[str] = []
        for number, line in enumerate(lines, start=1):
            if len(json.loads(line)["text"].split()) <= config.words:
                kept.append(line)
            if number % config.say_every == 0:
                context.say(f"{number} of {len(lines)} documents read, {len(kept)} kept")
            context.report(done=number, total=len(lines), unit="documents", kept=len(kept))
        if not kept:
            raise NodeError(f"none of {len(lines)} training documents has at most {config.words} words", hint="raise `words`")
        context.write("train.jsonl", "".join(kept))
        context.measure("kept", len(kept))
        context.measure("dropped", len(lines) - len(kept))
