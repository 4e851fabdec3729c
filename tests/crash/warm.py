"""A command line of ryot with everything imported, which forks for each apply: `python -m tests.crash.warm`. It saves a second a run.

Reads a line of JSON for each run (`crash`: the folder of orders, `argv`, `log`), answers with the process's number, then, when asked by an
empty line, with its exit code.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import ryot.cli.main
from tests.crash.site import sitecustomize

for module in ("ryot.cli.apply", "ryot.backends.local", "ryot.report.markdown"):
    import_module(module)
for stage in sys.argv[1:]:
    import_module(stage)


def main() -> None:
    """Serve until stdin ends."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            run(json.loads(line))
        print(pid, flush=True)
        sys.stdin.readline()
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(order: dict[str, Any]) -> NoReturn:
    """Be the command line."""
    os.setsid()
    (Path(order["crash"]) / "pids").write_text(str(os.getpid()))
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for handle in (1, 2):
        os.dup2(log, handle)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ |= order["environ"]
    sys.argv = ["ryot", *order["argv"]]
    sitecustomize.install(order["crash"])
    code = 1
    try:
        ryot.cli.main.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
