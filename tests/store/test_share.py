"""The commit point on a share: its entry is last, whatever kills or fails the upload; and nothing that comes from there is trusted."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ryot.errors import MachineError, SpecError
from ryot.spec.store import share_url
from ryot.store import share as module
from ryot.store.record import Record
from ryot.store.share import Entry, NotWholeError, Share, ShareError
from ryot.store.store import Store, prepare
from tests.store.finish import FILES, KEY, finish
from tests.store.s3like import URL, S3Like, begin, each_kill, objects

SECRET = "s3cret-canary"


class Strange(Exception):
    """What a library may raise: of no class that anyone knows."""


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty share, on which a file of 2,048 bytes takes five parts."""
    monkeypatch.setattr(module, "CHUNK", 500)
    begin(tmp_path / "remote")
    return tmp_path / "remote"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def other(tmp_path: Path) -> Store:
    """Another machine's."""
    return Store(tmp_path / "other")


def put(share: Share, store: Store, *, anew: bool = False) -> list[int]:
    record = store.record("toy", KEY)
    assert record
    return list(share.put(store, record, anew=anew))


def fetch(share: Share, store: Store) -> Record | None:
    entry = share.entry("toy", KEY)
    if entry is not None:
        store.folder("toy", KEY).mkdir(parents=True, exist_ok=True)
        assert [*share.fetch(entry, store)][-1:] == [entry.size]
    return store.record("toy", KEY)


def whole(remote: Path) -> bool:
    """Whether the node is there. Fails where its entry is, and anything that it names is not."""
    there = objects(remote)
    for name, data in there.items():
        if name.startswith("nodes/"):
            entry = Entry.model_validate_json(data)
            for digest in (entry.evidence, *entry.record.files.values()):
                found = there[f"objects/{digest.sha256}"] if digest.size else b""
                assert (len(found), hashlib.sha256(found).hexdigest()) == (digest.size, digest.sha256)
    return any(name.startswith("nodes/") for name in there)


def same(one: Store, other: Store) -> bool:
    first, second = one.record("toy", KEY), other.record("toy", KEY)
    assert first is not None
    assert second is not None
    assert other.damage(second) is None
    files = {path.relative_to(other.folder("toy", KEY) / "out").as_posix() for path in other.folder("toy", KEY).rglob("out/**/*.*")}
    assert files == {name for name in FILES if "." in name}
    return first == second and one.evidence(first) == other.evidence(second)


def test_upload_that_is_killed_at_any_operation_leaves_no_entry_without_its_files_and_is_finished_by_the_next(
    remote: Path, store: Store, tmp_path: Path
) -> None:
    finish(store)
    share, before = Share(URL), []
    for number in each_kill(lambda: put(Share(URL), store)):
        assert not whole(remote)
        before.append(len(objects(remote)))
        put(share, store)
        assert whole(remote)
        fetched = Store(tmp_path / f"other{number}")
        assert fetch(share, fetched)
        assert same(store, fetched)
        begin(tmp_path / f"remote{number}")
        remote = tmp_path / f"remote{number}"
    assert whole(remote)  # the last was not killed
    assert len(before) == 3 + 6 + 2 + 1  # three looks, the upload in parts, two at once, and the entry
    assert set(before) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(errno.EACCES, SECRET), "PermissionError (Permission denied)"),
        (OSError(errno.ENOSPC, SECRET), "OSError (No space left on device)"),
        (TimeoutError(SECRET), "TimeoutError"),
        (Strange(SECRET), "Strange"),
    ],
)
def test_upload_that_fails_at_any_operation_says_so_without_the_librarys_words(
    remote: Path, store: Store, error: Exception, words: str
) -> None:
    finish(store)
    put(Share(URL), store)
    count = len(S3Like.done)
    for number in range(1, count + 1):
        begin(remote.with_name(f"{words[:3]}{number}"))
        S3Like.strike = staticmethod(strike_at(number, error))
        with pytest.raises(ShareError) as told:
            put(Share(URL), store)
        assert f"{URL}: {words}" in str(told.value)
        assert SECRET not in str(told.value)
        assert told.value.hint
        assert not whole(S3Like.root)
        S3Like.strike = staticmethod(lambda number, what, path: None)
        put(Share(URL), store)
        assert whole(S3Like.root)


def strike_at(at: int, error: Exception) -> Callable[[int, str, str], None]:
    def strike(number: int, what: str, path: str) -> None:
        if number == at:
            raise error

    return strike


def test_fetch_that_is_killed_at_any_operation_is_finished_by_the_next(remote: Path, store: Store, other: Store) -> None:
    finish(store)
    put(Share(URL), store)
    folder = other.folder("toy", KEY)
    for _ in each_kill(lambda: fetch(Share(URL), other)):
        assert other.record("toy", KEY) is None
    assert same(store, other)
    assert sorted(path.name for path in folder.iterdir()) == ["evidence.json", "log.txt", "out", "record.json"]
    assert "here made it" in (folder / "log.txt").read_text()


def test_what_is_there_is_not_sent_again(remote: Path, store: Store) -> None:
    finish(store)
    put(Share(URL), store)
    S3Like.done.clear()
    put(Share(URL), store)
    assert [what for what, _ in S3Like.done] == ["head", "head", "head", "put"]


def test_object_of_another_size_is_put_again(remote: Path, store: Store) -> None:
    """What is no S3 may leave one that is half written."""
    record = finish(store)
    digest = record.files["deep/two.bin"].sha256
    S3Like().pipe_file(f"{URL}/objects/{digest}", FILES["deep/two.bin"][:700])
    put(Share(URL), store)
    assert whole(remote)


def test_two_that_put_one_node_with_other_bytes_at_once_leave_one_that_is_whole(remote: Path, store: Store, other: Store) -> None:
    """What a stage writes may differ in a time or in the last bit; files of both lie there, by their digests."""
    finish(store)
    (other.root / "x").mkdir(parents=True)
    ours = FILES["deep/two.bin"]
    try:
        FILES["deep/two.bin"] = ours[::-1]
        finish(other)
    finally:
        FILES["deep/two.bin"] = ours
    puts = [Share(URL).put(each, record) for each in (store, other) if (record := each.record("toy", KEY))]
    while puts:
        for each in list(puts):
            if next(each, None) is None:
                puts.remove(each)
                assert whole(remote)
    assert len(objects(remote)) == 3 + 1 + 1


@pytest.mark.parametrize("how", ["gone", "cut short", "damaged", "longer"])
def test_file_that_is_not_what_the_record_says_is_named_not_used_and_replaced(remote: Path, store: Store, other: Store, how: str) -> None:
    record = finish(store)
    put(Share(URL), store)
    digest = record.files["deep/two.bin"].sha256
    path = next(path for path in remote.iterdir() if path.name.endswith(digest))
    data = path.read_bytes()
    {
        "gone": path.unlink,
        "cut short": lambda: path.write_bytes(data[:-1]),
        "damaged": lambda: path.write_bytes(data[:-1] + b"x"),
        "longer": lambda: path.write_bytes(data + b"x" * 1_000_000),
    }[how]()
    share = Share(URL)
    if how == "longer":  # no more is read than the record says
        assert fetch(share, other)
        assert same(store, other)
        return
    with pytest.raises(NotWholeError, match=f"out/deep/two.bin is {how} there"):
        fetch(share, other)
    assert other.record("toy", KEY) is None
    put(share, store, anew=True)  # what has the right size too
    assert whole(remote)
    assert fetch(Share(URL), other)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil", "", "a//b", ".", "a\0b"])
def test_name_that_leads_out_of_the_result_is_refused(remote: Path, store: Store, other: Store, name: str) -> None:
    finish(store)
    put(Share(URL), store)
    forge(remote, lambda record: record["files"].update({name: record["files"]["one.txt"]}))
    with pytest.raises(NotWholeError, match="no file of a result"):
        fetch(Share(URL), other)
    assert not other.root.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda record: record.update(key="b" * 64), "another node's"),
        (lambda record: record.update(stage="other"), "another node's"),
        (lambda record: record["payload"].update(version=2), "another node's"),
        (lambda record: record["payload"].update(version=float("nan")), "another node's"),
        (lambda record: record.update(host="\x1b]0;owned\x07"), "words that cannot be shown"),
        (lambda record: record["files"]["one.txt"].update(sha256="../../secret"), "digest that is none"),
        (lambda record: record["files"]["one.txt"].update(size=-1), "digest that is none"),
        (lambda record: record.update(evidence="x"), "digest that is none"),
        (lambda record: record.pop("files"), "cannot be read"),
        (lambda record: record["files"]["one.txt"].update(size=10**18), "would be no room"),
    ],
)
def test_entry_that_lies_is_refused(
    remote: Path, store: Store, other: Store, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    finish(store)
    put(Share(URL), store)
    forge(remote, change)
    with pytest.raises(NotWholeError, match=words):
        fetch(Share(URL), other)
    assert other.record("toy", KEY) is None


def forge(remote: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = next(path for path in remote.iterdir() if path.name.endswith(".json"))
    entry = json.loads(path.read_bytes())
    change(entry["record"])
    path.write_text(json.dumps(entry))


def test_file_that_changed_here_is_not_put(remote: Path, store: Store) -> None:
    finish(store)
    for name in ("deep/two.bin", "one.txt"):
        path = store.folder("toy", KEY) / "out" / name
        data = path.read_bytes()
        for changed in (data[:-1] + b"x", data + b"x", data[:-1]):
            path.write_bytes(changed)
            with pytest.raises(NotWholeError, match="is not the file that was recorded"):
                put(Share(URL), store)
        assert not [key for key in objects(remote) if key.endswith(hashlib.sha256(data).hexdigest())]
        path.write_bytes(data)


def test_share_that_never_answers_is_given_up(remote: Path, store: Store) -> None:
    finish(store)
    over = threading.Event()
    S3Like.strike = staticmethod(lambda number, what, path: over.wait(60) and None)
    with pytest.raises(ShareError, match="no answer"):
        put(Share(URL, patience_s=0.05), store)
    over.set()


def test_other_nodes_file_in_a_folder_is_not_touched_when_one_is_put_anew(store: Store, tmp_path: Path) -> None:
    """It is written in place there, and a kill meanwhile would leave the other without it."""
    record = finish(store)
    share = Share(f"file://{tmp_path}/share")
    put(share, store)
    shared = tmp_path / "share" / "objects" / record.files["one.txt"].sha256
    before = shared.stat().st_mtime_ns
    put(share, store, anew=True)
    assert shared.stat().st_mtime_ns == before


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_share_in_a_folder_or_in_memory(kind: str, store: Store, other: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 500)
    share = Share(f"file://{tmp_path}/share/" if kind == "file" else f"memory://{tmp_path.name}")
    assert share.entry("toy", KEY) is None
    finish(store)
    assert put(share, store)[-1] > 2048
    assert fetch(share, other)
    assert same(store, other)


def test_object_in_a_folder_that_a_power_cut_left_empty_is_put_again(store: Store, other: Store, tmp_path: Path) -> None:
    record = finish(store)
    share = Share(f"file://{tmp_path}/share")
    digest = record.files["deep/two.bin"]
    (tmp_path / "share" / "objects").mkdir(parents=True)
    (tmp_path / "share" / "objects" / digest.sha256).write_bytes(bytes(digest.size))
    put(share, store)
    assert fetch(share, other)


def test_object_in_a_folder_is_not_spoilt_by_one_who_puts_it_too(
    store: Store, other: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who had looked for it before it was there."""
    monkeypatch.setattr(module, "CHUNK", 500)
    share = Share(f"file://{tmp_path / 'share'}")
    record = finish(store)
    name, digest = max(record.files.items(), key=lambda item: item[1].size)
    late = share._put_file(store.folder(record.stage, record.key) / "out" / name, digest)
    put(share, store)
    next(late)
    assert fetch(share, other)
    late.close()  # as one that is interrupted
    assert [path.name for path in (tmp_path / "share" / "objects").iterdir() if path.name.startswith(".")] == []


def test_no_room_to_fetch_says_nothing_against_the_share(remote: Path, store: Store, other: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    share = Share(URL)
    finish(store)
    put(share, store)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1, total=1 << 40))
    with pytest.raises(OSError, match=r"No space left on device, [0-9]+ bytes are to be fetched"):
        fetch(share, other)


def test_entries_of_one_pool_are_not_found_by_another(remote: Path, store: Store) -> None:
    record = finish(store)
    list(Share(URL).put(store, record, "pool-a"))
    assert Share(URL).entry("toy", KEY) is None
    assert Share(URL).entry("toy", KEY, "pool-b") is None
    assert Share(URL).entry("toy", KEY, "pool-a")


def test_evidence_that_is_no_text_is_refused(remote: Path, store: Store, other: Store) -> None:
    finish(store)
    put(Share(URL), store)
    bad = hashlib.sha256(b"\xff").hexdigest()
    S3Like().pipe_file(f"{URL}/objects/{bad}", b"\xff")
    path = next(path for path in remote.iterdir() if path.name.endswith(".json"))
    entry = json.loads(path.read_bytes()) | {"evidence_size": 1}
    entry["record"]["evidence"] = bad
    path.write_text(json.dumps(entry))
    with pytest.raises(NotWholeError, match="no text"):
        fetch(Share(URL), other)


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MachineError) as told:
        Share("s3a://bucket/prefix")
    assert told.value.hint == "install `ryot[s3]`"
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MachineError, match="needs a package"):
        Share("file:///folder")


def test_kind_of_address_that_there_is_not(remote: Path) -> None:
    with pytest.raises(SpecError, match="no addresses that begin with nowhere://"):
        Share("nowhere://bucket")


@pytest.mark.parametrize(
    "url",
    [
        "s3://key:password@bucket/prefix", "s3://key@bucket", "s3://bucket?secret=1", "s3://bucket#x", "bucket/prefix", "", "/folder", "s3://",
        "simplecache::s3://bucket", "file://folder/x", "file:///a/../b", "s3://bucket/\n", "file:///",
    ],
)  # fmt: skip
def test_address_that_is_none_or_may_hold_a_secret_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ValueError) as told:
        share_url(url)
    assert "password@" not in str(told.value)
    assert "secret" not in str(told.value)


def test_prepare_keeps_nothing_of_a_fetch_that_stopped(remote: Path, store: Store, other: Store) -> None:
    """A node that is made after all begins with an empty result."""
    finish(store)
    put(Share(URL), store)
    next(each_kill(lambda: fetch(Share(URL), other)))
    out, _ = prepare(other.folder("toy", KEY))
    assert list(out.iterdir()) == []
