"""A share: finished nodes where other machines find them, at an address that fsspec knows, such as `s3://bucket/prefix`.

A node is there if and only if its entry is, which is put last, as one object. Files are objects named by their digest, so that no put can
spoil another's; in a folder they are written beside and renamed. Nothing is listed or removed, and nothing that is read is trusted: neither
names, nor sizes, nor bytes.
"""

from __future__ import annotations

import errno
import hashlib
import importlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ryot import files
from ryot.errors import MachineError, NodeError, SpecError
from ryot.fingerprint import fingerprint
from ryot.machine import half_name
from ryot.store.record import FileDigest, Record
from ryot.store.store import EVIDENCE, FETCHED, Store, commit

CHUNK = 8 << 20
MOST_ENTRY, MOST_EVIDENCE = 64 << 20, 1 << 30
"""Bytes of an entry, which names each file of a node, and of an evidence.json, both of which are held in memory."""
_PARTS = 9000
"""An upload of S3 has at most 10,000 parts."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LOCAL = ("file", "local")
_MENDS: tuple[tuple[type[Exception], str], ...] = (
    (PermissionError, "give its user the right to read and to write there"),
    (FileNotFoundError, "make the bucket or folder, or mend its name"),
)
_MEND = "look at the network, the credentials in the environment and the room there; apply again: what is missing is put then"
T = TypeVar("T")


class ShareError(MachineError):
    """A share that could not be read or written, and what to do. It never has the words of a library, which may hold a secret."""


class NotWholeError(NodeError):
    """A node on a share, or one that was to be put there, that is not what its record says."""


class Entry(BaseModel):
    """A node on a share: its record, as it stands in the store of who made it, and the size of its evidence.json in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    record: Record
    evidence_size: int = Field(ge=0)

    @property
    def evidence(self) -> FileDigest:
        """Size and digest of its evidence.json."""
        return FileDigest(size=self.evidence_size, sha256=self.record.evidence)

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return self.evidence_size + sum(digest.size for digest in self.record.files.values())

    def fault(self, stage: str, key: str) -> str | None:
        """Why it is not the entry of a node, in words: another one's, with names or digests that lead elsewhere, or words that would
        command a terminal."""
        record = self.record
        if (record.stage, record.key) != (stage, key) or not _is_digest_of(key, record.payload):
            return "is another node's"
        if not "".join((record.node, record.host, record.device, record.finished, record.ryot)).isprintable():
            return "has words that cannot be shown"
        if (odd := next((name for name in record.files if not _stays_inside(name)), None)) is not None:
            return f"names {odd!r}, which is no file of a result"
        sound = all(digest.size >= 0 and _DIGEST.fullmatch(digest.sha256) for digest in (*record.files.values(), self.evidence))
        return None if sound else "has a digest that is none"


def _is_digest_of(key: str, payload: Mapping[str, object]) -> bool:
    try:
        return fingerprint(payload) == key
    except TypeError:  # such as NaN
        return False


def _stays_inside(name: str) -> bool:
    return "\0" not in name and not set(name.split("/")) & {"", ".", ".."}


class Share:
    """A share at an address. `patience_s`: how long one operation may take that moves at most a chunk. Raises SpecError for an address of a
    kind that there is not, MachineError for one whose package is not installed."""

    def __init__(self, url: str, patience_s: float = 60.0) -> None:
        self.url = url
        self._patience_s = patience_s
        self._kind, _, rest = url.partition("://")
        self._folder = Path(rest) if self._kind in _LOCAL else None
        self._root = rest.rstrip("/") if self._folder else url.rstrip("/")
        self._class = _class_of(self._kind)
        self._system: Any = None

    def entry(self, stage: str, key: str, whose: str = "") -> Entry | None:
        """The entry of a node; None where there is none. `whose`: of which machines it is, where it is not the same on all. Raises
        ShareError where the share cannot be read, NotWholeError for an entry that is none."""
        data = self._read(self._entry_at(stage, key, whose), 0, MOST_ENTRY + 1)
        if data is None:
            return None
        try:
            entry = Entry.model_validate_json(data)
        except ValidationError:
            raise NotWholeError("its record there cannot be read") from None
        if fault := entry.fault(stage, key):
            raise NotWholeError(f"its record there {fault}")
        return entry

    def put(self, store: Store, record: Record, whose: str = "", *, anew: bool = False) -> Iterator[int]:
        """Put a finished node: the files that are not there yet, or `anew` all of them, then its entry. Yields the bytes that are done.
        Raises ShareError, and NotWholeError where a file here is not what was recorded."""
        folder = store.folder(record.stage, record.key)
        entry = Entry(record=record, evidence_size=(folder / EVIDENCE).stat().st_size)
        done = 0
        for path, digest in [(folder / EVIDENCE, entry.evidence), *((folder / "out" / name, item) for name, item in record.files.items())]:
            if digest.size and ((anew and not self._folder) or not self._has(digest)):
                for written in self._put_file(path, digest):
                    yield done + written
            done += digest.size
        at, data = self._entry_at(record.stage, record.key, whose), entry.model_dump_json().encode()
        self._ask("write", lambda: files.write_durable(Path(at), data) if self._folder else self._files().pipe_file(at, data))

    def fetch(self, entry: Entry, store: Store) -> Iterator[int]:
        """Fetch a node whose lock is held: into a folder beside, each digest checked, then committed as one that was made here. Yields the
        bytes that are done; what was fetched stays for the next try. Raises ShareError, NotWholeError, OSError as the disk does."""
        record = entry.record
        folder = store.folder(record.stage, record.key)
        staging, out = folder / FETCHED, folder / "out"
        files.make_folder(staging)
        disk = shutil.disk_usage(staging)
        if entry.evidence_size > MOST_EVIDENCE or entry.size > disk.total:
            raise NotWholeError(f"has {entry.size} bytes by its record, for which there would be no room in {folder}")
        if entry.size > disk.free:
            raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}, {entry.size} bytes are to be fetched", str(folder))
        for name, path in files.tree(staging):
            if name not in record.files:
                files.remove(path)  # of another entry
        evidence, done = bytearray(), 0
        for data in self._pieces(entry.evidence, EVIDENCE):
            evidence += data
            yield (done := done + len(data))
        for name, digest in record.files.items():
            if _is_whole(staging / name, digest):
                done += digest.size
                continue
            files.make_folder((staging / name).parent)
            with (staging / name).open("wb") as file:
                for data in self._pieces(digest, f"out/{name}"):
                    file.write(data)
                    yield (done := done + len(data))
        try:
            text = evidence.decode()
        except UnicodeDecodeError:
            raise NotWholeError(f"{EVIDENCE} is no text there") from None
        files.remove_tree(out)
        files.rename_durable(staging, out)
        files.append_durable(folder / "log.txt", f"fetched from {self.url}; {record.host} made it, until {record.finished}\n".encode())
        files.remove(folder / "failure.json")
        commit(folder, record, text)

    def _pieces(self, digest: FileDigest, name: str) -> Iterator[bytes]:
        """The bytes of an object, no more than its record says. Raises NotWholeError, at the latest at the end, where they are others."""
        total = hashlib.sha256()
        for start in range(0, digest.size, CHUNK):
            end = min(start + CHUNK, digest.size)
            data = self._read(self._object_at(digest), start, end)
            if data is None or len(data) != end - start:
                raise NotWholeError(f"{name} is {'gone' if data is None else 'cut short'} there")
            total.update(data)
            yield data
        if total.hexdigest() != digest.sha256:
            raise NotWholeError(f"{name} is damaged there")

    def _has(self, digest: FileDigest) -> bool:
        """Whether a file's object is there. By its size: an object appears whole or not at all; in a folder, where that is not so, by its
        bytes."""
        at = self._object_at(digest)
        if self._folder:
            return _is_whole(Path(at), digest)
        try:
            return bool(self._ask("read", lambda: self._files().info(at)["size"] == digest.size))
        except FileNotFoundError:
            return False

    def _put_file(self, path: Path, digest: FileDigest) -> Iterator[int]:
        """Put a file as an object, in chunks, the last of which is sent when the digest of all is known to be right."""
        at, total, done = self._object_at(digest), hashlib.sha256(), 0
        whole, at = Path(at), str(Path(at).with_name(half_name(Path(at).name))) if self._folder else at
        size = max(CHUNK, -(-digest.size // _PARTS))
        target = self._ask("write", lambda: self._files().open(at, "wb", block_size=size)) if digest.size > size else None
        try:
            with path.open("rb") as source:
                while done < digest.size and (data := source.read(size)):
                    total.update(data)
                    done += len(data)
                    if (target is None and done < digest.size) or (done >= digest.size and total.hexdigest() != digest.sha256):
                        break
                    self._send(at, target, data)
                    yield done
            if done != digest.size or total.hexdigest() != digest.sha256:
                raise NotWholeError(f"{path} is not the file that was recorded")
        except BaseException as error:
            self._let_go(target, answers=isinstance(error, NotWholeError))
            if self._folder:
                files.remove(Path(at))
            raise
        if target is not None:
            self._ask("write", target.close)
        if self._folder:  # beside and renamed: in place it would spoil, for a while, what another machine has put meanwhile
            files.sync_path(Path(at))
            files.rename_durable(Path(at), whole)

    def _send(self, at: str, target: Any, data: bytes) -> None:
        """Send a part of an object, or all of it."""
        self._ask("write", lambda: self._files().pipe_file(at, data) if target is None else target.write(data))

    def _let_go(self, target: Any, *, answers: bool) -> None:
        """Forget an object that is half written, and, where the share `answers`, have it do so too. To close it, as Python would when
        nobody refers to it any more, would put it as it is."""
        if target is None:
            return
        try:
            target.closed = True
        except AttributeError:  # a plain file
            target.close()
        if answers and hasattr(target, "discard"):
            with suppress(ShareError):
                self._ask("write", target.discard)

    def _object_at(self, digest: FileDigest) -> str:
        return f"{self._root}/objects/{digest.sha256}"

    def _entry_at(self, stage: str, key: str, whose: str) -> str:
        return f"{self._root}/nodes/{stage}/{key}{f'.{whose}' if whose else ''}.json"

    def _read(self, at: str, start: int, end: int) -> bytes | None:
        """These bytes of an object, fewer where it ends before; None where there is no such object."""
        try:
            return self._ask("read", lambda: bytes(self._files().cat_file(at, start=start, end=end)))
        except FileNotFoundError:
            return None

    def _files(self) -> Any:
        """fsspec's file system, made when it is first asked: some connect already then."""
        if self._system is None:
            options = {"auto_mkdir": True} if self._folder else {}
            self._system = self._class(use_listings_cache=False, skip_instance_cache=True, **options)
        return self._system

    def _ask(self, what: str, call: Callable[[], T]) -> T:
        """Have one operation done in a thread of its own: one that never ends cannot be ended, but left. Raises ShareError; where it reads,
        FileNotFoundError for what is not there."""
        answer: SimpleQueue[tuple[list[T], Exception | None]] = SimpleQueue()

        def work() -> None:
            try:
                answer.put(([call()], None))
            except Exception as error:  # what the file systems of others raise has no class in common
                answer.put(([], error))

        Thread(target=work, daemon=True).start()
        try:
            found, error = answer.get(timeout=self._patience_s)
        except Empty:
            raise ShareError(f"cannot {what} {self.url}: no answer for {self._patience_s:.0f} s", hint=_MEND) from None
        if error is None:
            return found[0]
        if isinstance(error, FileNotFoundError) and what == "read":
            raise FileNotFoundError
        words = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else ""
        hint = next((mend for kind, mend in _MENDS if isinstance(error, kind)), _MEND)
        raise ShareError(f"cannot {what} {self.url}: {type(error).__name__}{f' ({words})' if words else ''}", hint=hint)


def _class_of(kind: str) -> Any:
    try:
        return importlib.import_module("fsspec").get_filesystem_class(kind)
    except ValueError:
        raise SpecError(f"fsspec knows no addresses that begin with {kind}://", hint="write s3://bucket/prefix or file:///folder") from None
    except ImportError as error:
        extra = "install `ryot[s3]`" if kind in ("s3", "s3a") or error.name == "fsspec" else f"fsspec says: {error}"
        raise MachineError(f"a share at {kind}:// needs a package that is not installed", hint=extra) from None


def _is_whole(path: Path, digest: FileDigest) -> bool:
    return path.is_file() and path.stat().st_size == digest.size and files.digest_file(path) == digest.sha256
