"""Published base models by size and training tokens, with their scores: what a target of quality is held against. Data, no judgement.

Scores depend on prompts and shots; within a row they come from one source. Tasks are named as lm-eval names them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SIZE_ROOM, TOKENS_ROOM = 1.5, 4.0
"""A published model is comparable up to so many times the parameters and the training tokens."""
_TABLE = "Dao & Gu 2024 (Mamba-2), table 10: zero-shot"
_PYTHIA = "EleutherAI/pythia, evals/pythia-v1: step 143000, five-shot; MMLU the mean of its 57 subjects"
_TINY = "TinyLlama repository, README and EVAL: zero-shot"
_LLAMA = "Touvron et al. 2023 (Llama 2), tables 3, 20, 21: code zero-shot, MMLU five-shot, GSM8K eight-shot"


@dataclass(frozen=True, slots=True)
class Reference:
    """A published model: parameters, training tokens, scores from 0 to 1 by task, and where they are published."""

    model: str
    parameters: float
    tokens: float
    scores: Mapping[str, float]
    source: str


@dataclass(frozen=True, slots=True)
class Published:
    """The best published score on a task among models of about a size. `comparable` is False where none is as small or was trained
    on as few tokens: then the score is that of the nearest larger ones, which a smaller model is even less likely to reach."""

    model: str
    score: float
    source: str
    parameters: float
    tokens: float
    comparable: bool


def best_published(task: str, parameters: float, tokens: float | None = None) -> Published | None:
    """The best score on `task` of models with at most 1.5 x the parameters and 4 x the tokens (any number of tokens when None).

    Where there is none so small, the smallest with that task stand in; then, where none was trained on so few tokens, those trained on
    the fewest. None where no reference has the task.
    """
    having = [reference for reference in REFERENCES if task in reference.scores]
    if not having:
        return None
    size = max(SIZE_ROOM * parameters, min(reference.parameters for reference in having))
    near = [reference for reference in having if reference.parameters <= size]
    most = math.inf if tokens is None else max(TOKENS_ROOM * tokens, min(reference.tokens for reference in near))
    best = max((reference for reference in near if reference.tokens <= most), key=lambda reference: reference.scores[task])
    comparable = best.parameters <= SIZE_ROOM * parameters and (tokens is None or best.tokens <= TOKENS_ROOM * tokens)
    return Published(best.model, best.scores[task], best.source, best.parameters, best.tokens, comparable)


def nearest(parameters: float, tokens: float) -> Reference:
    """The published model nearest in size and tokens, by the sum of both factors' logarithms."""

    def distance(reference: Reference) -> float:
        return abs(math.log(reference.parameters / parameters)) + abs(math.log(reference.tokens / tokens))

    return min(REFERENCES, key=distance)


def _zero_shot(model: str, parameters: float, tokens: float, scores: str) -> Reference:
    """A row of the Mamba-2 paper's table: HellaSwag, PIQA, ARC-Easy, ARC-Challenge, WinoGrande in per cent."""
    return _row(model, parameters, tokens, "hellaswag piqa arc_easy arc_challenge winogrande", scores, _TABLE)


def _row(model: str, parameters: float, tokens: float, tasks: str, scores: str, source: str) -> Reference:
    shares = (round(float(score) / 100, 6) for score in scores.split())
    return Reference(model, parameters, tokens, MappingProxyType(dict(zip(tasks.split(), shares, strict=True))), source)


_COMMON = "hellaswag winogrande arc_challenge arc_easy boolq piqa"
_ALL = "boolq piqa hellaswag winogrande arc_easy arc_challenge mmlu gsm8k humaneval"

REFERENCES: tuple[Reference, ...] = (
    _zero_shot("Pythia-160M", 162e6, 300e9, "30.2 61.4 43.2 24.1 51.9"),
    _zero_shot("Mamba-130M", 129e6, 300e9, "35.2 64.5 48.0 24.2 51.9"),
    _zero_shot("Pythia-410M", 405e6, 300e9, "40.6 66.9 52.1 24.6 53.8"),
    _zero_shot("Mamba-370M", 372e6, 300e9, "46.5 69.5 55.1 28.0 55.3"),
    _zero_shot("Mamba-2-370M", 370e6, 300e9, "46.9 70.5 54.9 26.9 55.7"),
    _zero_shot("Mamba-790M", 793e6, 300e9, "55.1 72.1 61.2 29.5 56.1"),
    _zero_shot("Mamba-2-780M", 780e6, 300e9, "54.9 72.0 61.0 28.5 60.2"),
    _zero_shot("Pythia-1.4B", 1.415e9, 300e9, "52.1 71.0 60.5 28.5 57.2"),
    _zero_shot("OPT-1.3B", 1.316e9, 180e9, "53.7 72.4 56.7 29.6 59.5"),
    _zero_shot("Mamba-1.4B", 1.372e9, 300e9, "59.1 74.2 65.5 32.8 61.5"),
    _zero_shot("Mamba-2-1.3B", 1.344e9, 300e9, "59.9 73.2 64.3 33.3 60.9"),
    _zero_shot("Pythia-2.8B", 2.775e9, 300e9, "59.3 74.0 64.1 32.9 59.7"),
    _zero_shot("OPT-2.7B", 2.652e9, 180e9, "60.6 74.8 60.8 31.3 61.0"),
    _zero_shot("Mamba-2.8B", 2.768e9, 300e9, "66.1 75.2 69.7 36.3 63.5"),
    _zero_shot("Mamba-2-2.7B", 2.702e9, 300e9, "66.6 76.4 69.6 36.4 64.0"),
    _zero_shot("GPT-J-6B", 6.053e9, 402e9, "66.3 75.4 67.0 36.6 64.1"),
    _zero_shot("OPT-6.7B", 6.658e9, 180e9, "67.2 76.3 65.6 34.9 65.5"),
    _zero_shot("Pythia-6.9B", 6.857e9, 300e9, "64.0 75.2 67.3 35.5 61.3"),
    _row("Pythia-12B", 11.846e9, 300e9, "mmlu piqa arc_challenge arc_easy winogrande", "29.69 76.01 36.52 71.00 64.17", _PYTHIA),
    _row("Pythia-1B", 1.012e9, 300e9, f"{_COMMON} mmlu humaneval", "47.16 53.43 27.05 48.99 60.83 69.21 25.70 1.83", _TINY),
    _row("TinyLlama-1.1B 103B", 1.1e9, 103e9, f"{_COMMON} mmlu humaneval", "43.50 53.28 24.32 44.91 59.66 67.30 26.45 5.49", _TINY),
    _row("TinyLlama-1.1B 503B", 1.1e9, 503e9, f"{_COMMON} mmlu humaneval", "49.56 55.80 26.54 48.32 56.91 69.42 26.16 4.88", _TINY),
    _row("TinyLlama-1.1B 3T", 1.1e9, 3e12, _COMMON, "59.20 59.12 30.12 55.25 57.83 73.29", _TINY),
    _row("OLMo-1B", 1.177e9, 3e12, _COMMON, "62.5 58.9 34.5 58.1 60.7 73.7", "OLMo-1B model card: zero-shot"),
    _row("Qwen2.5-1.5B", 1.544e9, 18e12, "mmlu humaneval", "60.9 37.2", "Qwen2.5 technical report, 2024: MMLU five-shot"),
    _row("Llama-2-7B", 6.738e9, 2e12, _ALL, "77.4 78.8 77.2 69.2 75.2 45.9 45.3 14.6 12.8", _LLAMA),
    _row("Llama-2-13B", 13.016e9, 2e12, _ALL, "81.7 80.5 80.7 72.8 77.3 49.4 54.8 28.7 18.3", _LLAMA),
)
"""Only rows whose figures were read in the source, or in a copy of its table."""
