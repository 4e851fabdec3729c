"""What may be served: data, never code."""

import json
import struct

import pytest

from ryot.plugins import NodeError
from ryot.stages.serve.checkpoint import read_checkpoint


def safetensors(size):
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + b"x" * size


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2", "n_positions": 64}))
    (tmp_path / "model.safetensors").write_bytes(safetensors(100))
    return tmp_path


def test_bytes_of_the_weights_and_the_context_are_read(folder):
    found = read_checkpoint(folder)
    assert (found.weight_bytes, found.context) == (100, 64)


@pytest.mark.parametrize(("layers", "recurrent"), [(["full_attention"], False), (["linear_attention", "full_attention"], True)])
def test_mamba_layers_are_seen(folder, layers, recurrent):
    assert not read_checkpoint(folder).recurrent
    (folder / "config.json").write_text(json.dumps({"layer_types": layers}))
    assert read_checkpoint(folder).recurrent is recurrent


AUTO_MAP = json.dumps({"auto_map": {"AutoModel": "owner/evil--evil.Model"}})


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer_config.json", "generation_config.json", "processor_config.json", "sub/config.json"]
)
@pytest.mark.parametrize("text", [AUTO_MAP, AUTO_MAP.replace("_", r"\u005f"), f'{{"inside": [{AUTO_MAP}]}}'])
def test_a_folder_with_auto_map_is_refused(folder, name, text):
    """CVE-2026-22807: classes of another repository were loaded and run, whatever trust_remote_code said."""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    with pytest.raises(NodeError, match="auto_map"):
        read_checkpoint(folder)


def test_the_word_alone_is_no_code(folder):
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {"auto_map": 7}}}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": 'one writes "auto_map": {}'}))
    assert read_checkpoint(folder).weight_bytes == 100


@pytest.mark.parametrize("place", ["modeling_evil.py", "deep/down/evil.py", "pytorch_evil.bin", "deep/evil.PT", "evil.pkl"])
def test_a_folder_with_what_is_run_or_unpickled_is_refused(folder, place):
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_text("import os")
    with pytest.raises(NodeError, match=r"carries code of its own \(the files .*evil\."):
        read_checkpoint(folder)


@pytest.mark.parametrize("data", [b"", b"\0" * 1000, b"x" * 1000, safetensors(100)[:-1], safetensors(100) + b"x"])
def test_damaged_weights_are_refused(folder, data):
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(NodeError, match="damaged"):
        read_checkpoint(folder)


def test_a_folder_without_weights_is_refused(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(NodeError, match="safetensors"):
        read_checkpoint(folder)


@pytest.mark.parametrize("text", ["{", "[]", '"x"'])
def test_a_config_that_is_no_json_object_is_refused(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(NodeError, match="JSON"):
        read_checkpoint(folder)


def test_a_folder_without_config_is_refused(tmp_path):
    with pytest.raises(NodeError, match=r"no config\.json"):
        read_checkpoint(tmp_path)


def test_the_vocabulary_and_a_template_for_chats_are_seen(folder):
    found = read_checkpoint(folder)
    assert (found.vocab_size, found.chats) == (None, False)
    (folder / "config.json").write_text(json.dumps({"n_positions": 64, "vocab_size": 300}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    found = read_checkpoint(folder)
    assert (found.vocab_size, found.chats) == (300, True)
    (folder / "tokenizer_config.json").write_text("[")
    assert not read_checkpoint(folder).chats
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    assert read_checkpoint(folder).chats
