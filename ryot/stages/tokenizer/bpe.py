"""The vocabulary: every byte, merges learnt from text, two special tokens; filled to the exact size with reserved entries."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

END, PAD = "<|endoftext|>", "<|pad|>"


def train(texts: Iterable[str], vocab_size: int, min_frequency: int) -> tuple[Tokenizer, int]:
    """A byte-level BPE of exactly `vocab_size` entries, and how many of them are reserved for want of merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=[END, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    missing = vocab_size - tokenizer.get_vocab_size()
    tokenizer.add_special_tokens([AddedToken(f"<|reserved_{number}|>", special=True) for number in range(missing)])
    return tokenizer, missing


def save(tokenizer: Tokenizer, folder: Path, context: int, own: Mapping[str, object] | None = None) -> dict[str, str]:
    """The tokenizer as the files of a Hugging Face tokenizer, by name; `folder` is where the caller puts them.

    `own` has the settings, the special tokens' names among them, of a tokenizer that was not trained here.
    """
    settings: dict[str, object] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END,
        "eos_token": END,
        "pad_token": PAD,
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": context,
        **(own or {}),
    }
    special = {name: settings[name] for name in ("bos_token", "eos_token", "pad_token")}
    return {
        str(folder / "tokenizer.json"): tokenizer.to_str(pretty=False) + "\n",
        str(folder / "tokenizer_config.json"): json.dumps(settings, indent=1, sort_keys=True) + "\n",
        str(folder / "special_tokens_map.json"): json.dumps(special, indent=1, sort_keys=True) + "\n",
    }
