"""What is generated: one sequence for each answer that is wanted, and the pieces in which it comes.

A sequence belongs to the thread that computes; the server's loop only reads pieces, and sets `left`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

    from ryot.generator.text import Text

Finish = Literal["length", "stop"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to generate, as vLLM's SamplingParams: `most` and `least` in tokens; `top_k` 0 for all; penalties as OpenAI and (repetition)
    Keskar et al. 2019, arXiv:1909.05858, define them; `stop_ids` end a sequence, of which `silent` ones (end of text) are not told."""

    most: int
    least: int = 0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    presence: float = 0.0
    frequency: float = 0.0
    repetition: float = 1.0
    bias: tuple[tuple[int, float], ...] = ()
    stop: tuple[str, ...] = ()
    stop_ids: frozenset[int] = frozenset()
    silent: frozenset[int] = frozenset()
    logprobs: int | None = None
    """How many tokens' log-probabilities are told at each place beside the chosen one's; None for none at all."""
    echo: bool = False
    seed: int | None = None

    @property
    def plain(self) -> bool:
        """Whether the likeliest token is taken as the model gives it."""
        return (
            self.temperature == 0
            and not self.bias
            and not self.least
            and (self.presence, self.frequency, self.repetition) == (0.0, 0.0, 1.0)
        )


@dataclass(frozen=True, slots=True)
class Token:
    """A token; its log-probability (nats) and those of the likeliest, by id, where they were asked for and there are any."""

    id: int
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """What is new of a sequence; with `finish` it is the last. `stop` is the text or the token that ended it, where it was asked for."""

    number: int
    text: str
    tokens: tuple[Token, ...]
    finish: Finish | None = None
    stop: str | int | None = None
    error: str | None = None
    """Why there is no more of it, where the computing failed."""


@dataclass(slots=True, eq=False)
class Sequence:
    """A prompt (token ids, at least one) and what was generated. `sink` takes the pieces, in the computing thread."""

    number: int
    prompt: list[int]
    wanted: Wanted
    text: Text
    sink: Callable[[Piece], None]
    random: torch.Generator | None = None
    made: list[int] = field(default_factory=list)
    left: bool = False
    """Whoever asked has gone: it is dropped."""

    @property
    def longest(self) -> int:
        """Tokens it may come to, the prompt's included."""
        return len(self.prompt) + self.wanted.most

    @property
    def scored(self) -> bool:
        """Whether the prompt's own log-probabilities are asked for."""
        return self.wanted.echo and self.wanted.logprobs is not None
