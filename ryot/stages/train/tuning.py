"""What a run finds out about its machine while it trains: whether bf16, naive attention, packing and compiling pay, and the rows per
forward pass.

One after the other, on updates that count: every candidate trains. Timings decide, so two runs may decide, and then round,
differently; runs at kernel level 0 and 1 without scaling decide nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from ryot.stages.train.stage import TrainConfig

TRIAL = 3
"""Updates timed of each candidate before level 3 decides."""
LIKELY_COMPILE_S = 20.0
LIKELY_GAIN = {"cpu": 0.1, "cuda": 0.4}
"""Level 3 tries only where the likely share of time saved on such a device, over the remaining updates, repays a likely compile time.
Measured: 0 to 4 % on CPUs, where matrix products dominate; 16 to 85 % on GPUs."""
LEAST_GAIN = 0.03
"""Other rows than the spec's are taken only where they save so much: of four medians of a few updates each, one is the least by chance."""
SHORT = 256
"""Tokens of context up to which level 3 also times naive attention on a CPU. Measured at 128 in bf16: 7 to 8 % less time than torch's
fused one. The scores it keeps grow with the square, so on GPUs and for longer rows it is not tried."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two ways of doing one thing, with their names; `usual` is the one taken until they are tried."""

    ways: tuple[Any, Any]
    names: tuple[str, str]
    usual: Any


PAIRS = {
    "precision": Pair(("fp32", "bf16"), ("fp32", "bf16"), "fp32"),
    "attention": Pair(("sdpa", "eager"), ("fused attention", "naive attention"), "sdpa"),
    "packing": Pair((False, True), ("padded", "packed"), True),
}
"""What level 3 and `auto` try on every second update, in this order; then the rows, then compiling."""


DRAWN, TORCH = "drawn", "torch's"
"""Whose dropout masks a run takes."""


@dataclass(frozen=True, slots=True)
class Means:
    """What there is to choose from. `device` is "cpu" or "cuda"; `bf16` is whether it may be used and is no slower there."""

    device: str
    bf16: bool = False


def packs(config: TrainConfig) -> bool:
    """Whether a run's documents may be packed."""
    return config.compressor is not None and config.compressor.ratio > 0


def attention_of(config: TrainConfig) -> str:
    """The attention of a kernel level, as transformers names it."""
    return "sdpa" if config.kernel.level >= 1 else "eager"


@dataclass
class Tuner:
    """The choices of one run. `rows` are candidates for the rows per forward pass; seconds are kept per real token."""

    config: TrainConfig
    updates: int
    means: Means
    candidates: tuple[int, ...] = ()
    timed: dict[str, list[float]] = field(default_factory=dict)
    chosen: dict[str, Any] = field(default_factory=dict)
    tokens: int = 0

    @classmethod
    def start(cls, config: TrainConfig, updates: int, means: Means) -> "Tuner":
        """A tuner that has seen nothing."""
        batch = config.recipe.batch_size
        candidates = sorted({max(batch // 4, 1), max(batch // 2, 1), batch, batch * 2}) if config.scaling else [batch]
        tuner = cls(config, updates, means, tuple(candidates))
        draws = config.kernel.level >= 1 and means.device == "cpu" and config.model.dropout > 0
        tuner.chosen["dropout"] = DRAWN if draws else TORCH
        if not means.bf16:
            tuner.chosen["precision"] = config.recipe.precision
        elif config.kernel.level == 2:
            tuner.chosen["precision"] = "bf16"
        if not (config.kernel.level == 3 and means.device == "cpu" and config.model.context <= SHORT):
            tuner.chosen["attention"] = attention_of(config)
        if not (packs(config) and config.compressor and config.compressor.auto):
            tuner.chosen["packing"] = packs(config)
        if not config.scaling:
            tuner.chosen["rows"] = batch
        return tuner

    @property
    def _trial(self) -> str | None:
        """What is tried now: the first that is not chosen."""
        return next((choice for choice in (*PAIRS, "rows") if choice not in self.chosen), None)

    def _way(self, choice: str, update: int) -> Any:
        """The way an update takes: the chosen one; while the two are tried, each in turn; before that the usual one."""
        pair = PAIRS[choice]
        return self.chosen.get(choice, pair.ways[update % 2] if self._trial == choice else pair.usual)

    def half(self, update: int) -> bool:
        """Whether an update computes in bf16 although the recipe says fp32."""
        return self.config.recipe.precision == "fp32" and bool(self._way("precision", update) == "bf16")

    def attention(self, update: int) -> str:
        """The attention of an update, "sdpa" or "eager"."""
        return str(self._way("attention", update))

    def packed(self, update: int) -> bool:
        """Whether an update's documents are packed."""
        return bool(self._way("packing", update))

    @property
    def checked(self) -> bool:
        """Whether the gradient in bf16 was held against fp32's."""
        return "gradient_error" in self.chosen

    def check(self, error: float, most: float) -> None:
        """Take note of how far bf16's gradient lies from fp32's, as a share; beyond `most`, bf16 is not used."""
        self.chosen["gradient_error"] = error
        if error > most:
            self.chosen |= {"precision": "fp32", "precision_reason": f"the gradient in bf16 is off by {error:.1%}"}

    def rows(self, update: int) -> int:
        """Rows per forward pass in an update."""
        trial = self.candidates[update % len(self.candidates)] if self._trial == "rows" else self.config.recipe.batch_size
        return int(self.chosen.get("rows", trial))

    def compiled(self, update: int) -> bool:
        """Whether an update runs compiled."""
        level = self.config.kernel.level
        if level != 3 or "compile" in self.chosen:
            return level == 2 or bool(self.chosen.get("compile"))
        return "compiled" in self.timed or (len(self.timed.get("eager", [])) >= TRIAL and self._worth_trying(update))

    def observe(self, update: int, seconds: float, tokens: int) -> None:
        """Learn from an update that took `seconds` for `tokens` real tokens, and decide what can be decided."""
        pace, self.tokens = seconds / max(tokens, 1), tokens
        trial = self._trial
        if trial in PAIRS:
            self._observe_pair(trial, update, pace)
        elif trial == "rows":
            self._observe_rows(update, pace)
        elif self.config.kernel.level == 3 and "compile" not in self.chosen:
            self._observe_compile(update, pace, tokens)

    def _observe_pair(self, choice: str, update: int, pace: float) -> None:
        """When both ways were timed, the second is chosen where it took less time."""
        pair = PAIRS[choice]
        self.timed.setdefault(pair.names[update % 2], []).append(pace)
        plain, other = (self.timed.get(name, []) for name in pair.names)
        if min(len(plain), len(other)) > TRIAL:  # the first of each makes what the others find ready
            gain = 1 - median(other[1:]) / median(plain[1:])
            self.chosen |= {choice: pair.ways[gain > 0], f"{choice}_reason": f"{pair.names[1]} updates take {-gain:+.1%} time"}

    def _observe_rows(self, update: int, pace: float) -> None:
        assert self.config.scaling is not None
        self.timed.setdefault(f"rows {self.rows(update)}", []).append(pace)
        tried = {rows: self.timed[f"rows {rows}"] for rows in self.candidates if f"rows {rows}" in self.timed}
        enough = len(tried) == len(self.candidates) and min(map(len, tried.values())) > 1
        if update + 1 == self.updates or (enough and sum(map(len, tried.values())) >= self.config.scaling.warmup_steps):
            # the first of each makes ready, and compiles, what the others find
            paces = {rows: median(times[1:] or times) for rows, times in tried.items()}
            best, own = min(paces, key=lambda rows: paces[rows]), self.config.recipe.batch_size
            self.chosen["rows"] = own if own in paces and paces[best] > (1 - LEAST_GAIN) * paces[own] else best

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
        return (self.updates - update) * eager_s * LIKELY_GAIN[self.means.device] > LIKELY_COMPILE_S

    def settle(self, chosen: Mapping[str, Any]) -> None:
        """Take choices made elsewhere; what they do not name is taken as it is without trials."""
        recipe = self.config.recipe
        plain = {"rows": recipe.batch_size, "compile": False, "precision": recipe.precision, "packing": packs(self.config)}
        self.chosen = plain | {"attention": attention_of(self.config), "dropout": self.chosen["dropout"]} | dict(chosen)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"timed": self.timed, "chosen": self.chosen, "tokens": self.tokens}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.timed, self.chosen, self.tokens = dict(state["timed"]), dict(state["chosen"]), int(state["tokens"])
