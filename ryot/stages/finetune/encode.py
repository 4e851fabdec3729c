"""Pairs as token ids, cut to the context, some of them held out; kept as JSON for the process that trains."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from ryot.plugins import NodeError, write_durable
from ryot.stages.finetune.pairs import Pair
from ryot.stages.tokenizer.encoder import SlowEncoder
from ryot.stages.train.documents import specials

Ids = list[int]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A Pair in token ids. A completion ends with the end token, unless the context was too short for it."""

    prompt: Ids
    completions: tuple[Ids, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is trained on and what is held out. Of all pairs, `cut` lost an end, and `lost` are in neither: the context left nothing of
    their completions, or nothing in which they differ."""

    train: tuple[Encoded, ...]
    heldout: tuple[Encoded, ...]
    cut: int
    lost: int

    @property
    def pairs(self) -> int:
        """All that there were."""
        return len(self.train) + len(self.heldout) + self.lost

    def write(self, path: Path) -> None:
        """Keep it."""
        write_durable(path, json.dumps(asdict(self)))

    @staticmethod
    def read(path: Path) -> "Prepared":
        """What `write` kept."""
        found = json.loads(path.read_text())
        splits = {
            split: tuple(Encoded(pair["prompt"], tuple(pair["completions"])) for pair in found[split]) for split in ("train", "heldout")
        }
        return Prepared(**splits, cut=found["cut"], lost=found["lost"])


def prepare(pairs: Sequence[Pair], tokens: Path, context: int, heldout: int, seed: int) -> Prepared:
    """Encode, cut and split. Raises NodeError when nothing is left on one of the two sides."""
    apart = held_out(pairs, heldout, seed)
    encoded = encode(pairs, tokens)
    within = [_cut(pair, context) for pair in encoded]
    train = tuple(pair for pair, out in zip(within, apart, strict=True) if pair and not out)
    held = tuple(pair for pair, out in zip(within, apart, strict=True) if pair and out)
    if not train or not held:
        raise NodeError(
            f"of {len(pairs)} pairs {len(train)} are left to train on and {len(held)} to measure on, within a context of {context} tokens",
            hint="give more pairs, with different prompts, and prompts shorter than model.context",
        )
    cut = sum(pair is not None and pair != whole for pair, whole in zip(within, encoded, strict=True))
    return Prepared(train, held, cut, sum(pair is None for pair in within))


def held_out(pairs: Sequence[Pair], wanted: int, seed: int) -> list[bool]:
    """Which pairs are held out: all of a seeded choice of prompts, so that no prompt is on both sides."""
    of_prompt = Counter(pair.prompt for pair in pairs)
    prompts = list(of_prompt)
    chosen: set[str] = set()
    count = 0
    for index in np.random.Generator(np.random.PCG64([seed, 1])).permutation(len(prompts)):
        if count >= wanted:
            break
        chosen.add(prompts[index])
        count += of_prompt[prompts[index]]
    return [pair.prompt in chosen for pair in pairs]


def encode(pairs: Sequence[Pair], tokens: Path) -> list[Encoded]:
    """The ids of each pair. Prompt and completion are encoded apart, as they are when an answer is asked for."""
    encoder = SlowEncoder(Tokenizer.from_file(str(tokens / "tokenizer" / "tokenizer.json")), "int64")
    end = specials(tokens).eos
    texts = [text for pair in pairs for text in (pair.prompt, *pair.completions)]
    ids = iter(encoder.encode(texts))
    return [Encoded(next(ids).tolist(), tuple([*next(ids).tolist(), end] for _ in pair.completions)) for pair in pairs]


def _cut(pair: Encoded, context: int) -> Encoded | None:
    room = context - len(pair.prompt)
    completions = tuple(completion[: max(room, 0)] for completion in pair.completions)
    told_apart = len({tuple(completion) for completion in completions}) == len(completions)
    return Encoded(pair.prompt, completions) if pair.prompt and all(completions) and told_apart else None
