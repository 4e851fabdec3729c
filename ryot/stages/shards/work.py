"""Work that is done shard by shard: what to do, and the rule by which a piece of it is done.

An item is done if and only if ITEM.json lies in the folder; it is written last, after every file it names. So after a crash only
unfinished items run again, and since the folder is a node's scratch, nothing of another Config is ever taken for it.
"""

import errno
import importlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ryot.plugins import NodeError, write_durable

REFUSED = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What a disk answers that cannot be written. It is no fault of a shard: it goes on to whoever runs the node."""
Result = dict[str, Any]
Function = Callable[[Mapping[str, Any], Mapping[str, Any], Path], Result]


def result_of(answer: Mapping[str, Any]) -> Result:
    """The result in a worker's answer. Raises the NodeError or OSError that it tells of instead."""
    if "failed" in answer:
        raise NodeError(answer["failed"], hint=answer["hint"])
    if "refused" in answer:
        raise OSError(*answer["refused"])
    result: Result = answer["result"]
    return result


@dataclass(frozen=True, slots=True)
class Item:
    """One piece: a name that is a file name, its size for the progress (bytes), and what the function is told of it (JSON data)."""

    name: str
    size: int
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """`function` is `module:name`, called as function(settings, item.fields, folder); it writes files into the folder and returns
    JSON data. Settings are JSON data, so that no process unpickles what another wrote."""

    function: str
    settings: Mapping[str, Any]
    folder: Path

    def resolve(self) -> Function:
        """The function itself."""
        module, _, name = self.function.partition(":")
        function: Function = getattr(importlib.import_module(module), name)
        return function

    def do(self, function: Function, item: Item) -> Result:
        """Do one item and mark it as done."""
        result = function(self.settings, item.fields, self.folder)
        write_durable(self._mark(item), json.dumps(result))
        return result

    def done(self, item: Item) -> Result | None:
        """The result of an item that is done, else None."""
        try:
            result: Result = json.loads(self._mark(item).read_text())
        except FileNotFoundError:
            return None
        return result

    def _mark(self, item: Item) -> Path:
        return self.folder / f"{item.name}.json"


def keep(path: Path, out: Path) -> None:
    """Have a finished file of a scratch folder in `out` too: as a second name, or as a copy where the file system has none."""
    target = out / path.name
    try:
        os.link(path, target)
    except FileNotFoundError:
        raise NodeError(f"{path.name} is gone from the scratch folder", hint="start again") from None
    except OSError as error:
        if error.errno in REFUSED:
            raise
        shutil.copyfile(path, target)
