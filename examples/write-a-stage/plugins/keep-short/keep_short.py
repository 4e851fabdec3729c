"""A stage that keeps the training documents of at most so many words. The held-out documents pass through unchanged."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from ryot.plugins import Circumstance, Document, Documents, Measure, NodeError, Shard, Stage, StageConfig, StageContext


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
        source = Documents(context.inputs["documents"])
        total = source.count("train")

        def short(documents: Iterator[Document]) -> Iterator[Document]:
            for number, document in enumerate(documents, start=1):
                if number % config.say_every == 0:
                    context.say(f"{number} of {total} documents read")
                context.report(done=number, total=total, unit="documents")
                if len(document.text.split()) <= config.words:
                    yield document

        def change(shard: Shard, documents: Iterator[Document]) -> Iterator[Document]:
            return short(documents) if shard.split == "train" else documents

        kept = source.rewrite(context.out, change).count("train")
        if not kept:
            raise NodeError(f"none of {total} training documents has at most {config.words} words", hint="raise `words`")
        context.measure("kept", kept)
        context.measure("dropped", total - kept)
