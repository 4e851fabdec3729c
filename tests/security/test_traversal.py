"""Names that would lead out of a folder: in specs, in bundles, in archives of data. Nothing is written or read elsewhere.

Of what a bundle lists: tests/store/test_bundle.py.
"""

from __future__ import annotations

import io
import json
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from ryot.cli.main import run
from ryot.errors import SpecError
from ryot.store.bundle import LIST, opened, pack
from tests.security.conftest import TINY

OUT = ('"../evil"', '".."', '"a/../../evil"', '"/tmp/evil"', "a/b", ".hidden", '"evil\\n"', '"..\\\\evil"', '"%2e%2e/evil"', '""')
"""As YAML writes them."""
FIELDS = (
    "name={}", "stages=[{{use: {}, after: data}}]", "stages=[{{use: count, after: data, name: {}}}]", "bench.scenarios={{{}: {{}}}}",
    "package={{name: {}}}", "data.sources=[{{hub: {}}}]", "data.sources=[{{preset: {}}}]", "compress={{{}: {{}}}}",
    "data.filters={{{}: {{}}}}", "evaluate.tasks=[{}]", "serve={{engine: {}}}", "model.preset={}",
)  # fmt: skip
ALSO_SOUND = {("data.sources=[{{hub: {}}}]", "a/b")}


@pytest.mark.heavy
@pytest.mark.parametrize("field", FIELDS)
def test_no_name_in_a_spec_leads_out_of_a_folder(
    field: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    toys = Path(__file__).parent.parent / "plugins" / "toy"
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in OUT:
        if (field, name) in ALSO_SOUND:
            continue
        assert run(["apply", TINY, "--store", "store", "--plugins", str(toys), "--until", "data", "--set", field.format(name)]) == 2, name
        assert "Traceback" not in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*") if path.name not in ("here", "runtime")] == []


def bundle(folder: Path) -> Path:
    name = "store/data/abc/record.json"
    (folder / "root" / name).parent.mkdir(parents=True)
    (folder / "root" / name).write_text("record")
    pack(folder / "root", [name], folder / "one.zip", {})
    return folder / "one.zip"


def test_what_a_bundle_does_not_list_is_not_unpacked(tmp_path: Path) -> None:
    """A zip may hold members beside those of its list, by names that lead out, or be links."""
    path = bundle(tmp_path)
    with zipfile.ZipFile(path, "a") as more:
        for name in ("../../evil", "/tmp/ryot-evil", "store/../../evil", "store/data/abc/extra.json"):
            more.writestr(name, "evil")
        link = zipfile.ZipInfo("store/data/abc/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        more.writestr(link, "/etc/passwd")
    with opened(path) as store:
        assert [file.name for file in store.root.rglob("*") if not file.is_dir()] == ["record.json"]
        assert not (store.root.parent / "evil").exists()
    assert not Path("/tmp/ryot-evil").exists()


def test_a_link_in_a_bundle_is_unpacked_as_a_file(tmp_path: Path) -> None:
    path = bundle(tmp_path)
    with zipfile.ZipFile(path) as old:
        told = json.loads(old.read(LIST))
        data = {name: old.read(name) for name in told["files"]}
    with zipfile.ZipFile(path, "w") as new:
        for name, content in data.items():
            link = zipfile.ZipInfo(name)
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            new.writestr(link, content)
        new.writestr(LIST, json.dumps(told))
    with opened(path) as store:
        assert [file.is_symlink() for file in store.root.rglob("*.json")] == [False]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_bundle_that_tells_a_smaller_size_than_it_has_is_refused(tmp_path: Path) -> None:
    """A bomb: a few kilobytes that say they are none, and would be gigabytes."""
    path = bundle(tmp_path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as more:
        more.writestr("store/data/abc/bomb.json", b"0" * (64 << 20))
    data = path.read_bytes().replace((64 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with zipfile.ZipFile(io.BytesIO(data)) as claimed:
        assert claimed.getinfo("store/data/abc/bomb.json").file_size == 10
        told = json.loads(claimed.read(LIST))
    told["files"]["store/data/abc/bomb.json"] = {"sha256": "0", "size": 10}
    path.write_bytes(data)
    with zipfile.ZipFile(path, "a") as more:
        more.writestr(LIST, json.dumps(told))
    with pytest.raises(SpecError, match="no evidence bundle: Bad CRC"), opened(path):  # after the ten bytes that it said
        pass


@pytest.mark.parametrize("form", ["tar", "zip"])
def test_archives_of_files_are_no_sources_and_never_unpacked(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "spec").mkdir()
    archive = tmp_path / "spec" / f"texts.{form}"
    data = b'{"text": "evil"}\n'
    if form == "zip":
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("../evil.jsonl", data)
    else:
        with tarfile.open(archive, "w") as tarred:
            member = tarfile.TarInfo("../evil.jsonl")
            member.size = len(data)
            tarred.addfile(member, io.BytesIO(data))
    spec = tmp_path / "spec" / "spec.yaml"
    spec.write_text(Path(TINY).read_text())
    for source in (archive.name, "."):
        sources = f"data.sources=[{{path: {source}}}]"
        assert run(["apply", str(spec), "--store", str(tmp_path / "store"), "--until", "data", "--set", sources]) == 2
    assert "is not read" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("evil*")] == []
