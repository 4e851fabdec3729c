"""Text to ids by Hugging Face `tokenizers`: the path that defines what is right, and the protocol every path keeps."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from tokenizers import Tokenizer


class Encoder(Protocol):
    """Text to token ids. Special tokens inside a text are plain text; none is added."""

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The ids of each text, in order, in the encoder's type of integer."""
        ...


class SlowEncoder:
    """The library's own encoding. It takes the tokenizer for itself: truncation and padding are switched off."""

    def __init__(self, tokenizer: Tokenizer, dtype: str) -> None:
        """`dtype` is a numpy type that holds every id."""
        tokenizer.encode_special_tokens = True
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self.dtype = np.dtype(dtype)

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The ids of each text, in order."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(encoding.ids, dtype=self.dtype) for encoding in encodings]
