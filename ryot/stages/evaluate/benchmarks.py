"""lm-eval's own benchmarks: the measures each gives, its size, and what a local file that stands in for the hub must hold. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ryot.plugins import Measure

Benchmark = Literal[
    "mmlu", "hellaswag", "arc_easy", "arc_challenge", "truthfulqa", "piqa", "winogrande", "boolq", "gsm8k", "humaneval", "wikitext"
]  # fmt: skip

NO_ITEMS = 3
"""The exit code of the process that runs lm-eval where a benchmark's items could not be had; `refused` then says which and why."""
MMLU_ITEMS = 14042
"""Of all its 57 subjects, which differ in size. A limit holds for each of them, so with one the number is not known here."""


@dataclass(frozen=True, slots=True)
class Source:
    """One of lm-eval's benchmarks.

    `definition` is its file below lm_eval/tasks, `task` its name there, `metric` the one of its metrics that is measured as `measured`,
    after the filter `kept`. `items` are those of the `split` that lm-eval takes, None where the limit does not say how many are asked.
    `columns` are what an item has on the hub. `tokens` is how many an answer may take, 0 where none is generated; an answer that
    `runs_code` is a program.
    """

    task: str
    definition: str
    split: str
    columns: tuple[str, ...]
    items: int | None
    metric: str = "acc"
    measured: str = "acc"
    kept: str = "none"
    tokens: int = 0
    runs_code: bool = False


SOURCES: dict[Benchmark, Source] = {
    "mmlu": Source("mmlu", "mmlu/default", "test", (), None),
    "hellaswag": Source(
        "hellaswag",
        "hellaswag/hellaswag.yaml",
        "validation",
        ("activity_label", "ctx_a", "ctx_b", "endings", "label"),
        10042,
    ),
    "arc_easy": Source("arc_easy", "arc/arc_easy.yaml", "test", ("question", "choices", "answerKey"), 2376),
    "arc_challenge": Source("arc_challenge", "arc/arc_challenge.yaml", "test", ("question", "choices", "answerKey"), 1172),
    "truthfulqa": Source(
        "truthfulqa_mc2", "truthfulqa/truthfulqa_mc2.yaml", "validation", ("question", "mc2_targets"), 817, measured="mc2"
    ),
    "piqa": Source("piqa", "piqa/piqa.yaml", "validation", ("goal", "sol1", "sol2", "label"), 1838),
    "winogrande": Source("winogrande", "winogrande/default.yaml", "validation", ("sentence", "option1", "option2", "answer"), 1267),
    "boolq": Source("boolq", "super_glue/boolq/default.yaml", "validation", ("passage", "question", "label"), 3270),
    "gsm8k": Source(
        "gsm8k",
        "gsm8k/gsm8k.yaml",
        "test",
        ("question", "answer"),
        1319,
        metric="exact_match",
        measured="exact_match",
        kept="strict-match",
        tokens=256,
    ),
    "humaneval": Source(
        "humaneval",
        "humaneval/humaneval.yaml",
        "test",
        ("task_id", "prompt", "entry_point", "test"),
        164,
        metric="pass@1",
        measured="pass_at_1",
        kept="create_test",
        tokens=1024,
        runs_code=True,
    ),
    "wikitext": Source("wikitext", "wikitext/wikitext.yaml", "test", ("page",), 62, metric="word_perplexity", measured="word_perplexity"),
}
"""The benchmarks by the names that a spec uses."""

EXAMPLES = "gsm8k_examples"
"""The file that stands in for gsm8k's training split, of which lm-eval shows five worked examples before each question."""
FILES: dict[str, Benchmark] = {**{name: name for name in SOURCES if name != "mmlu"}, EXAMPLES: "gsm8k"}
"""What a spec may name a local file for, and the benchmark it belongs to."""


def measures_of(name: Benchmark) -> tuple[Measure, ...]:
    """What a benchmark measures."""
    if name == "wikitext":
        return _WIKITEXT
    measured = SOURCES[name].measured
    return (
        Measure(
            name=f"{name}.{measured}",
            kind="mean" if name == "truthfulqa" else "proportion",
            unit="proportion",
            about=f"lm-eval's {name}, {measured} over its items",
            sample="item",
        ),
    )


_WIKITEXT = (
    Measure(name="wikitext.word_perplexity", kind="exact", about="e to the mean negative log-likelihood of a word, over all articles"),
    Measure(name="wikitext.byte_perplexity", kind="exact", about="the same of a byte"),
    Measure(name="wikitext.bits_per_byte", kind="exact", unit="bits", about="the same as a logarithm to the base 2"),
)
