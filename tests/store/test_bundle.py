"""A bundle is whole or refused, and nothing it holds is written elsewhere."""

import json
import zipfile
from pathlib import Path

import pytest

from ryot.errors import SpecError
from ryot.store import bundle as bundles
from ryot.store.bundle import LIST, SCHEMA, opened, pack

NAMES = ["runs/one/plan.json", "store/data/abc/record.json"]


@pytest.fixture
def bundle(tmp_path):
    root = tmp_path / "store"
    for name in NAMES:
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(name * 100)
    pack(root, NAMES, tmp_path / "one.zip", {"run": "one"})
    return tmp_path / "one.zip"


def rewritten(bundle: Path, change) -> Path:
    """The bundle with other members: `change` gets and returns them by name."""
    with zipfile.ZipFile(bundle) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(bundle, "w") as new:
        for name, data in change(members).items():
            new.writestr(name, data)
    return bundle


def listed(members, **files):
    told = json.loads(members[LIST])
    told["files"] |= files
    return members | {LIST: json.dumps(told).encode()}


def test_what_was_packed_is_what_is_read_and_gone_afterwards(bundle):
    with opened(bundle) as store:
        assert [(store.root / name).read_text() for name in NAMES] == [name * 100 for name in NAMES]
        root = store.root
    assert not root.exists()


def test_the_same_files_make_the_same_bundle(bundle, tmp_path):
    pack(tmp_path / "store", NAMES[::-1], tmp_path / "two.zip", {"run": "one"})
    assert (tmp_path / "two.zip").read_bytes() == bundle.read_bytes()


@pytest.mark.parametrize(("bound", "most"), [("MOST_FILES", 2), ("MOST_BYTES", 100), ("MOST_LIST", 100)])
def test_what_could_not_be_read_again_is_not_written(bundle, tmp_path, monkeypatch, bound, most):
    monkeypatch.setattr(bundles, bound, most)
    with pytest.raises(SpecError, match="is too large for a bundle"):
        pack(tmp_path / "store", NAMES, tmp_path / "two.zip", {"run": "one"})
    assert not (tmp_path / "two.zip").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m | {NAMES[1]: b"other"}, "is damaged: store/data/abc/record.json"),
        (lambda m: {name: data for name, data in m.items() if name != NAMES[0]}, "not whole: runs/one/plan.json is missing"),
        (lambda m: {name: data for name, data in m.items() if name != LIST}, "has no bundle.json"),
        (lambda m: m | {LIST: b"[]"}, "has no bundle.json"),
        (lambda m: m | {LIST: json.dumps({"schema": "ryot.bundle/9", "files": {}}).encode()}, f"this version reads {SCHEMA}"),
        (lambda m: listed(m | {"../evil": b"x"}, **{"../evil": {"sha256": "0"}}), "no file of a store"),
        (lambda m: listed(m | {"/tmp/evil": b"x"}, **{"/tmp/evil": {"sha256": "0"}}), "no file of a store"),
        (lambda m: listed(m | {"store/../../evil": b"x"}, **{"store/../../evil": {"sha256": "0"}}), "no file of a store"),
    ],
)
def test_what_is_not_as_it_was_packed_is_refused(bundle, change, words):
    with pytest.raises(SpecError, match=words), opened(rewritten(bundle, change)):
        pass


def test_a_file_cut_short_and_one_that_is_none_are_refused(bundle, tmp_path):
    bundle.write_bytes(bundle.read_bytes()[:-30])
    other = tmp_path / "other"
    other.write_text("hello")
    for path in (bundle, other, tmp_path / "none.zip"):
        with pytest.raises(SpecError, match="no evidence bundle"), opened(path):
            pass


def test_a_bundle_that_would_fill_the_disk_is_refused(bundle, monkeypatch):
    monkeypatch.setattr("ryot.store.bundle.MOST_BYTES", 1000)
    with pytest.raises(SpecError, match="too large"), opened(bundle):
        pass
