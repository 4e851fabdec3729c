"""Small "tokens" and "weights" folders for the stages that read them, in the formats that tokenizer and train write, and a world of one
process."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ryot.stages.tokenizer.tokens import TokenShard, facts_with
from ryot.stages.train.stage import ModelShape
from tests.ray_cluster import add_machine, ray_cluster

EOS, PAD, VOCAB = 1, 2, 300


def write_tokens(folder: Path, *, train: int = 24, heldout: int = 6, context: int = 32, seed: int = 0, vocab: int = VOCAB) -> Path:
    """Documents of 3 to `context` + 4 tokens over a skewed vocabulary, so that there is something to learn; each ends in EOS."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    shards = []
    for split, count in (("train", train), ("heldout", heldout)):
        documents = [np.append(random.zipf(1.5, random.integers(2, context + 4)) % (vocab - 3) + 3, EOS) for _ in range(count)]
        np.concatenate(documents).astype("<u2").tofile(folder / f"{split}-00-00000.bin")
        np.cumsum([0, *map(len, documents)]).astype("<i8").tofile(folder / f"{split}-00-00000.idx")
        np.arange(count).astype("<u8").tofile(folder / f"{split}.order")
        shards.append(TokenShard(f"{split}-00-00000", split, 0, count, count, sum(map(len, documents)), digest=""))
    facts = {"dtype": "uint16", "vocab_size": vocab, "eos_id": EOS, "pad_id": PAD, "bos_id": None, "context": context}
    (folder / "tokens.json").write_text(facts_with(facts, shards))
    write_tokenizer(folder / "tokenizer", vocab)
    return folder


def write_tokenizer(folder: Path, vocab: int) -> None:
    """A tokenizer of whole words, `<unk> <eos> <pad> w3 w4 ...`, that Hugging Face loads."""
    folder.mkdir()
    words = {word: index for index, word in enumerate(["<unk>", "<eos>", "<pad>", *(f"w{index}" for index in range(3, vocab))])}
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    added = [{"id": index, "content": word, **special} for word, index in words.items() if word.startswith("<")]
    model = {"type": "WordLevel", "vocab": words, "unk_token": "<unk>"}
    parts = dict.fromkeys(("truncation", "padding", "normalizer", "post_processor", "decoder")) | {"pre_tokenizer": {"type": "Whitespace"}}
    (folder / "tokenizer.json").write_text(json.dumps({"version": "1.0", **parts, "added_tokens": added, "model": model}))
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names))


def write_weights(folder: Path, shape: ModelShape, tokens: Path, seed: int = 3) -> Path:
    """A "weights" folder with first weights."""
    from safetensors.torch import save_file  # noqa: PLC0415 - only the heavy tests pay for it

    from ryot.stages.train import model as models  # noqa: PLC0415
    from ryot.stages.train.documents import specials  # noqa: PLC0415

    model = models.build(shape, specials(tokens), seed=seed)
    model.config.save_pretrained(folder)
    tensors = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture
def make_tokens(tmp_path: Path) -> Callable[..., Path]:
    """Call it to get a new "tokens" folder; its arguments are those of `write_tokens`."""
    made = []

    def make(**arguments: int) -> Path:
        made.append(write_tokens(tmp_path / f"tokens-{len(made)}", **arguments))
        return made[-1]

    return make


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A process group of one."""
    patch = pytest.MonkeyPatch()
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}.items():
        patch.setenv(name, value)
    patch.setenv("DS_ACCELERATOR", "cpu")
    patch.setenv("GLOO_SOCKET_IFNAME", "lo")
    import torch  # noqa: PLC0415 - only the heavy tests pay for it

    from ryot.stages.train.world import join  # noqa: PLC0415

    torch.set_num_threads(min(os.cpu_count() or 1, 2))
    yield join(tmp_path_factory.mktemp("meeting") / "file", "cpu")
    torch.distributed.destroy_process_group()
    patch.undo()


@pytest.fixture(scope="module", name="ray_cluster")
def _two_machines() -> Iterator[str]:
    """The address of a cluster of two machines of one core each."""
    with ray_cluster(1) as cluster:
        add_machine(cluster, 1)
        yield cluster.address
