"""What a run finds out about its machine while it trains: the rows per forward pass, and whether compiling pays.

Timings decide here, so two runs may decide, and then round, differently; runs at kernel level 0 and 1 without scaling decide nothing.
"""

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from ryot.stages.train.stage import TrainConfig

TRIAL = 3
"""Updates timed eagerly, and again compiled, before level 3 decides."""
LIKELY_COMPILE_S = 20.0
LIKELY_GAIN = {"cpu": 0.1, "cuda": 0.4}
"""Level 3 tries only where the likely share of time saved on such a device, over the remaining updates, repays a likely compile time.
Measured: 0 to 4 % on CPUs, where matrix products dominate; 16 to 85 % on GPUs."""


@dataclass
class Tuner:
    """The choices of one run. `rows` are candidates for the rows per forward pass; seconds are kept per real token."""

    config: TrainConfig
    updates: int
    device: str
    candidates: tuple[int, ...] = ()
    timed: dict[str, list[float]] = field(default_factory=dict)
    chosen: dict[str, Any] = field(default_factory=dict)
    tokens: int = 0

    @classmethod
    def start(cls, config: TrainConfig, updates: int, device: str) -> "Tuner":
        """A tuner that has seen nothing. `device` is "cpu" or "cuda"."""
        batch = config.recipe.batch_size
        candidates = sorted({max(batch // 4, 1), max(batch // 2, 1), batch, batch * 2}) if config.scaling else [batch]
        return cls(config, updates, device, tuple(candidates), {}, {} if config.scaling else {"rows": batch})

    def rows(self, update: int) -> int:
        """Rows per forward pass in an update."""
        if "rows" in self.chosen:
            return int(self.chosen["rows"])
        return self.candidates[update % len(self.candidates)]

    def compiled(self, update: int) -> bool:
        """Whether an update runs compiled."""
        level = self.config.kernel.level
        if level != 3 or "compile" in self.chosen:
            return level == 2 or bool(self.chosen.get("compile"))
        return "compiled" in self.timed or (len(self.timed.get("eager", [])) >= TRIAL and self._worth_trying(update))

    def observe(self, update: int, seconds: float, tokens: int) -> None:
        """Learn from an update that took `seconds` for `tokens` real tokens, and decide what can be decided."""
        pace, self.tokens = seconds / max(tokens, 1), tokens
        if "rows" not in self.chosen:
            self._observe_rows(update, pace)
        elif self.config.kernel.level == 3 and "compile" not in self.chosen:
            self._observe_compile(update, pace, tokens)

    def _observe_rows(self, update: int, pace: float) -> None:
        assert self.config.scaling is not None
        self.timed.setdefault(f"rows {self.rows(update)}", []).append(pace)
        if update + 1 >= min(self.config.scaling.warmup_steps, self.updates):
            tried = [rows for rows in self.candidates if f"rows {rows}" in self.timed]
            self.chosen["rows"] = min(tried, key=lambda rows: median(self.timed[f"rows {rows}"]))

    def _observe_compile(self, update: int, pace: float, tokens: int) -> None:
        was_compiled = self.compiled(update)
        self.timed.setdefault("compiled" if was_compiled else "eager", []).append(pace)
        eager, compiled = self.timed.get("eager", []), self.timed.get("compiled", [])
        if not was_compiled:
            if len(eager) >= TRIAL and not self._worth_trying(update + 1):
                self.chosen |= {"compile": False, "reason": "too few updates remain to repay compiling"}
        elif len(compiled) > TRIAL:  # the first of them compiled
            gain = 1 - median(compiled[1:]) / median(eager)
            self.chosen |= {"compile": gain > 0, "gain": gain, "compile_s": (compiled[0] - median(compiled[1:])) * tokens}
            self.chosen["reason"] = f"compiled updates take {-gain:+.1%} time"

    def _worth_trying(self, update: int) -> bool:
        eager_s = median(self.timed["eager"]) * self.tokens
        return (self.updates - update) * eager_s * LIKELY_GAIN[self.device] > LIKELY_COMPILE_S

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"timed": self.timed, "chosen": self.chosen, "tokens": self.tokens}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.timed, self.chosen, self.tokens = dict(state["timed"]), dict(state["chosen"]), int(state["tokens"])
