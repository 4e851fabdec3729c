"""The models a spec can name, as plain data."""


def _alen(hidden_size: int, layers: int, heads: int) -> dict[str, object]:
    return {
        "family": "gpt", "vocab_size": 50_000, "hidden_size": hidden_size, "layers": layers, "heads": heads,
        "ffn_size": 4 * hidden_size, "context": 2048, "tied": False,
    }  # fmt: skip


def _hybrid(hidden_size: int, layers: int, heads: tuple[int, int], attention_layers: tuple[int, ...]) -> dict[str, object]:
    return {
        "family": "hybrid", "vocab_size": 128_256, "hidden_size": hidden_size, "layers": layers, "heads": heads[0],
        "kv_heads": heads[1], "ffn_size": 4 * hidden_size, "context": 8192, "dropout": 0.0,
        "attention_layers": list(attention_layers),
    }  # fmt: skip


MODELS: dict[str, dict[str, object]] = {
    "ryot-simple": {
        "family": "gpt", "vocab_size": 2048, "hidden_size": 256, "layers": 2, "heads": 4, "ffn_size": 512, "context": 128,
    },
    "ryot-scaled": {
        "family": "gpt", "vocab_size": 2048, "hidden_size": 512, "layers": 4, "heads": 4, "ffn_size": 1024, "context": 128,
    },
    "ryot-tiny": {
        "family": "gpt", "vocab_size": 512, "hidden_size": 64, "layers": 2, "heads": 2, "ffn_size": 128, "context": 256,
    },
    "llama-tiny": {
        "family": "llama", "vocab_size": 512, "hidden_size": 64, "layers": 2, "heads": 2, "kv_heads": 1, "ffn_size": 160,
        "context": 128, "dropout": 0.0,
    },
    "llama-small": {
        "family": "llama", "vocab_size": 4096, "hidden_size": 256, "layers": 4, "heads": 8, "kv_heads": 4, "ffn_size": 704,
        "context": 256, "dropout": 0.0,
    },
    "alen-small": _alen(256, 6, 8),
    "alen-medium": _alen(512, 12, 16),
    "alen-large": _alen(768, 16, 24),
    "alen-xlarge": _alen(1024, 24, 32),
    "hybrid-tiny": {
        "family": "hybrid", "vocab_size": 512, "hidden_size": 64, "layers": 3, "heads": 2, "kv_heads": 1, "ffn_size": 160,
        "context": 128, "dropout": 0.0, "attention_layers": [1], "mamba": {"state_size": 16, "head_size": 32},
    },
    "hybrid-1.3b": _hybrid(2048, 24, (16, 4), (1, 2, 6, 11, 16, 20, 21, 22, 23)),
    "hybrid-2.7b": _hybrid(2560, 32, (20, 4), (1, 2, 8, 9, 13, 18, 23, 27, 28, 29, 30, 31)),
    "hybrid-6.7b": _hybrid(4096, 32, (32, 8), (1, 2, 8, 9, 13, 18, 23, 27, 28, 29, 30, 31)),
    "hybrid-13b": _hybrid(5120, 40, (40, 8), (1, 2, 10, 11, 12, 15, 20, 25, 34, 35, 36, 37, 38, 39)),
}  # fmt: skip
