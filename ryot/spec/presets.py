"""The models a spec can name, as plain data."""

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
        "family": "llama", "vocab_size": 512, "hidden_size": 64, "layers": 2, "heads": 4, "kv_heads": 2, "ffn_size": 160,
        "context": 128, "dropout": 0.0,
    },
    "llama-small": {
        "family": "llama", "vocab_size": 4096, "hidden_size": 256, "layers": 4, "heads": 8, "kv_heads": 4, "ffn_size": 704,
        "context": 256, "dropout": 0.0,
    },
}  # fmt: skip
