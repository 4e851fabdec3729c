"""A worker process: `python -m ryot.stages.shards.worker FD`. Items come over the socket FD one a line, and so go the results."""

import json
import socket
import sys
from pathlib import Path

from ryot.plugins import RyotError
from ryot.stages.shards.work import REFUSED, Item, Work


def main(argv: list[str]) -> None:
    """Do items until the other end closes the line. An error the user can act on, a full disk too, is an answer; others end the process."""
    with socket.socket(fileno=int(argv[1])) as line, line.makefile("rw", encoding="utf-8", newline="\n") as text:
        told = json.loads(text.readline())
        work = Work(told["function"], told["settings"], Path(told["folder"]))
        function = work.resolve()
        for asked in text:
            item = Item(**json.loads(asked))
            try:
                answer: dict[str, object] = {"result": work.do(function, item)}
            except RyotError as error:
                answer = {"failed": error.message, "hint": error.hint}
            except OSError as error:
                if error.errno not in REFUSED:
                    raise
                answer = {"refused": [error.errno, error.strerror, error.filename]}
            text.write(json.dumps(answer) + "\n")
            text.flush()


if __name__ == "__main__":
    main(sys.argv)
