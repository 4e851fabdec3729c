"""A store of objects as S3 is one, for tests: in a folder, behind fsspec, so that processes share it and outlive each other's ends.

An object appears when its upload is completed, whole, or not at all. Nothing is renamed, and a list lags: to ask for either fails. Before
each operation `strike` is told its number and what it is, and may kill the process or raise.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import fsspec
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

URL = "s3like://bucket/prefix"


def nothing(number: int, what: str, path: str) -> None:
    """No strike."""


class S3Like(AbstractFileSystem):
    """The objects of `root`."""

    protocol = "s3like"
    cachable = False
    root: ClassVar[Path]
    strike: ClassVar[Callable[[int, str, str], None]] = staticmethod(nothing)
    done: ClassVar[list[tuple[str, str]]] = []
    """Every operation, in order: what it was, and the object's name."""

    def step(self, what: str, path: str) -> Path:
        """Number an operation. Returns where its object lies."""
        path = self._strip_protocol(path)
        type(self).done.append((what, path.removeprefix("bucket/prefix/")))
        type(self).strike(len(self.done), what, path)
        return self.root / quote(path, safe="")

    def pipe_file(self, path: str, value: bytes, **kwargs: Any) -> None:
        self.complete(self.step("put", path), value)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        return self.step("get", path).read_bytes()[start:end]

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        return {"name": path, "type": "file", "size": self.step("head", path).stat().st_size}

    def _open(self, path: str, mode: str = "rb", block_size: int | None = None, **kwargs: Any) -> Any:
        assert mode == "wb"
        return _Upload(self, path, mode, block_size, **kwargs)

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> Any:
        raise AssertionError("a list may lag: nothing is to rest on one")

    def mv(self, *args: Any, **kwargs: Any) -> None:
        raise AssertionError("there is no rename")

    rm = cp_file = mkdir = makedirs = mv

    def complete(self, place: Path, data: bytes) -> None:
        """Have an object appear."""
        half = place.with_name(f".{os.getpid()}")
        half.write_bytes(data)
        half.replace(place)


class _Upload(AbstractBufferedFile):
    """An upload in parts, of which nobody sees anything before it is completed."""

    def _initiate_upload(self) -> None:
        self.fs.step("begin", self.path)
        self.parts: list[bytes] = []

    def _upload_chunk(self, final: bool = False) -> None:
        place = self.fs.step("complete" if final else "part", self.path)
        self.parts.append(self.buffer.getvalue())
        if final:
            self.fs.complete(place, b"".join(self.parts))

    def discard(self) -> None:
        self.fs.step("abort", self.path)


fsspec.register_implementation("s3like", S3Like, clobber=True)


def begin(folder: Path) -> None:
    """A new, empty one."""
    folder.mkdir(exist_ok=True, parents=True)
    S3Like.root, S3Like.strike = folder, staticmethod(nothing)
    S3Like.done.clear()


def objects(folder: Path) -> dict[str, bytes]:
    """What is there, by name below the prefix."""
    found = {path.name.removeprefix(quote("bucket/prefix/", safe="")): path.read_bytes() for path in folder.iterdir()}
    return {name.replace("%2F", "/"): data for name, data in found.items() if not name.startswith(".")}


def killed_at(number: int, work: Callable[[], object]) -> bool:
    """Do some work in a process of its own that is killed at its so many-th operation; whether it came to that."""
    pid = os.fork()
    if pid == 0:
        S3Like.done.clear()
        S3Like.strike = staticmethod(lambda at, what, path: os.kill(os.getpid(), 9) if at == number else None)
        try:
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def each_kill(work: Callable[[], object]) -> itertools.takewhile[int]:
    """The numbers of all operations of some work, which is killed at each; the last time it is not."""
    return itertools.takewhile(lambda number: killed_at(number, work), itertools.count(1))
