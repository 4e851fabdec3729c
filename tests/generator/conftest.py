"""Small models of every family with first weights, made unlike enough that they do not say the same at every place."""

import json
from pathlib import Path

import pytest

WORDS = 300
EOS = 1


def make(preset: str, folder: Path) -> Path:
    """A Hugging Face folder whose tokenizer knows whole words: `<unk> <eos> <pad> w3 w4 ...`."""
    import torch  # noqa: PLC0415 - only the heavy tests pay for it
    from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    from ryot.spec.model import Model  # noqa: PLC0415
    from ryot.stages.train import model as networks  # noqa: PLC0415
    from ryot.stages.train.documents import Specials  # noqa: PLC0415
    from ryot.stages.train.stage import ModelShape  # noqa: PLC0415

    spec = Model.model_validate({"preset": preset, "context": 128, "vocab_size": WORDS})
    network = networks.build(ModelShape.model_validate(spec.shape()), Specials(bos=None, eos=EOS, pad=2), seed=3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3.0 if parameter.dim() > 1 else 1.0)
    network.save_pretrained(folder)
    words = {word: number for number, word in enumerate(["<unk>", "<eos>", "<pad>", *(f"w{number}" for number in range(3, WORDS))])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>", unk_token="<unk>")
    refuses = "{% if message['role'] == 'system' %}{{ raise_exception('no system here') }}{% endif %}"
    fast.chat_template = "{% for message in messages %}" + refuses + "{{ message['content'] }} {% endfor %}w9"
    fast.save_pretrained(folder)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": EOS}))
    return folder


@pytest.fixture(scope="session")
def gpt(tmp_path_factory):
    """A gpt in a folder."""
    return make("ryot-tiny", tmp_path_factory.mktemp("gpt"))
