"""A pickle that would make a file, in every place from which something is loaded: the file is never there.

Of training's checkpoints: tests/stages/train/test_pickles.py.
"""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError, digest_path
from tests.generator.conftest import make
from tests.stages.conftest import write_tokens

pytestmark = pytest.mark.heavy


class Evil:
    """Once it is unpickled, its file is there."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


@pytest.fixture
def evil(marker: Path) -> bytes:
    """The pickle; and it is seen to work."""
    data = pickle.dumps({"weight": Evil(marker)})
    pickle.loads(data)  # noqa: S301 - or the tests below could not fail
    assert marker.exists()
    marker.unlink()
    return data


@pytest.fixture
def archive(marker: Path, tmp_path: Path) -> bytes:
    """The same as torch writes it: a zip with a pickle in it."""
    import torch  # noqa: PLC0415 - only the heavy tests pay for it

    torch.save({"weight": Evil(marker)}, tmp_path / "evil.pt")
    torch.load(tmp_path / "evil.pt", weights_only=False)
    assert marker.exists()
    marker.unlink()
    return (tmp_path / "evil.pt").read_bytes()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("ryot-tiny", tmp_path_factory.mktemp("exported"))


def loaders() -> dict[str, Callable[[Path], object]]:
    from ryot.generator.main import load as serve  # noqa: PLC0415 - they import torch
    from ryot.stages.export.work import load as export  # noqa: PLC0415
    from ryot.stages.serve.checkpoint import read_checkpoint  # noqa: PLC0415

    return {"generator": lambda folder: serve(folder, "fp32", "cpu"), "export": export, "serve": read_checkpoint}


@pytest.mark.parametrize("loader", ["generator", "export", "serve"])
def test_a_model_whose_weights_are_a_pickle(tmp_path: Path, marker: Path, archive: bytes, exported: Path, loader: str) -> None:
    folder = shutil.copytree(exported, tmp_path / "model")
    (folder / "model.safetensors").unlink()
    for name in ("pytorch_model.bin", "model.pt", "consolidated.00.pth"):
        (folder / name).write_bytes(archive)
    with pytest.raises((OSError, NodeError)):
        loaders()[loader](folder)
    assert not marker.exists()


@pytest.mark.parametrize("loader", ["generator", "export"])
def test_pickles_and_code_beside_the_weights_are_left_alone(
    tmp_path: Path, marker: Path, archive: bytes, exported: Path, loader: str
) -> None:
    """CVE-2026-22807: `auto_map` was followed although trust_remote_code was false. (`ryot serve` refuses such a folder.)"""
    folder = shutil.copytree(exported, tmp_path / "model")
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt"):
        (folder / name).write_bytes(archive)
    (folder / "modeling_evil.py").write_text(f"from pathlib import Path\nPath({str(marker)!r}).touch()\nclass Evil: ...\n")
    told = json.loads((folder / "config.json").read_text())
    names = dict.fromkeys(("AutoConfig", "AutoModelForCausalLM", "AutoTokenizer"), "modeling_evil.Evil")
    (folder / "config.json").write_text(json.dumps(told | {"auto_map": names}))
    try:
        loaders()[loader](folder)
    except (OSError, ValueError, NodeError) as refused:
        print(refused)
    assert not marker.exists()


def test_a_tokenizer_with_code_and_pickles(tmp_path: Path, marker: Path, evil: bytes) -> None:
    """What is taken of a tokenizer's folder is data, and names no code in what is written of it."""
    from ryot.stages.tokenizer.taken import take  # noqa: PLC0415 - it imports tokenizers

    folder = write_tokens(tmp_path / "tokens") / "tokenizer"
    told = json.loads((folder / "tokenizer_config.json").read_text())
    auto_map = {"AutoTokenizer": ["evil.Evil", None]}
    (folder / "tokenizer_config.json").write_text(json.dumps(told | {"auto_map": auto_map, "tokenizer_class": "Evil"}))
    (folder / "evil.py").write_text(f"from pathlib import Path\nPath({str(marker)!r}).touch()\nclass Evil: ...\n")
    for name in ("tokenizer.model", "tokenizer.pkl", "merges.bin", "spiece.model"):
        (folder / name).write_bytes(evil)
    taken = take(folder, "tokenizer", 300)
    assert not {"auto_map", "tokenizer_class"} & taken.settings.keys()
    (folder / "tokenizer.json").write_bytes(evil)
    with pytest.raises((NodeError, UnicodeDecodeError)):
        take(folder, "tokenizer", 300)
    assert not marker.exists()


@pytest.mark.parametrize("name", ["x.jsonl", "x.txt", "x.parquet", "x.jsonl.gz", "x.jsonl.zst"])
def test_documents_that_are_a_pickle(tmp_path: Path, marker: Path, evil: bytes, name: str) -> None:
    from ryot.stages.data.records import Broken  # noqa: PLC0415 - the heavy half
    from ryot.stages.data.sources import read_files  # noqa: PLC0415
    from ryot.stages.data.stage import FileSource  # noqa: PLC0415

    file = tmp_path / name
    file.write_bytes(evil)
    found = list(read_files(FileSource(digest=digest_path(file), written=name, path=str(file))))
    assert found
    assert all(isinstance(record, Broken) for record in found)
    assert not marker.exists()


@pytest.mark.parametrize("what", ["script", "script and data", "pickle"])
def test_a_data_set_of_the_hub_that_is_a_program_or_a_pickle(
    tmp_path: Path, marker: Path, evil: bytes, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("ryot.stages.data.hub")
    from ryot.stages.data.stage import HubSource  # noqa: PLC0415

    folder = tmp_path / "owner" / f"evil-{what.replace(' ', '-')}"
    folder.mkdir(parents=True)
    if what == "pickle":
        (folder / "train.pkl").write_bytes(evil)
    else:
        (folder / f"{folder.name}.py").write_text(f"from pathlib import Path\nPath({str(marker)!r}).touch()\n")
    if what == "script and data":
        (folder / "train.jsonl").write_text('{"text": "one"}\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    with pytest.raises(NodeError, match="cannot read owner/evil"):
        list(hub.read_hub(HubSource(dataset=f"owner/{folder.name}")))
    assert not marker.exists()


def test_answers_that_are_a_pickle(tmp_path: Path, marker: Path, evil: bytes) -> None:
    """`lm_eval/caching/cache.py` reads its cache with `dill.loads`; ryot's answers are lines of JSON."""
    from ryot.stages.evaluate.answers import Answers  # noqa: PLC0415 - the heavy half

    (tmp_path / "answers.jsonl").write_bytes(evil)
    assert Answers(tmp_path / "answers.jsonl").of("loglikelihood_rolling", ("a",)) is None
    assert not marker.exists()


def test_arrays_that_are_a_pickle(tmp_path: Path, marker: Path) -> None:
    """Of numpy's files a filter's phases hand on, an array of objects is a pickle."""
    import numpy as np  # noqa: PLC0415

    np.save(tmp_path / "evil.npy", np.array([Evil(marker)], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        np.load(tmp_path / "evil.npy")
    assert not marker.exists()
