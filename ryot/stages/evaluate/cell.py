"""Runs one program that nobody has read: `python -I -S cell.py RESULT_FD TOKEN`, in an empty folder that holds it as program.py.

Standard library only, and nothing of ryot. Before the program begins, this process gives up what it can: CPU time, memory, file sizes,
open files; and by an audit hook, which cannot be taken off again, sockets, other programs, foreign libraries, and files outside its
folder. A byte on the descriptor says that the program begins, the token that it came to its end: an exit code would not do, since the
program can choose it. It is a guard against accidents and common malice, and no wall against an attacker who knows CPython.
"""

import os
import resource
import runpy
import sys
from collections.abc import Callable

_REFUSED = (
    "socket.", "subprocess.", "ctypes.", "pty.", "shutil.", "mmap.", "syslog.", "signal.pthread_kill",
    "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "os.kill", "os.putenv", "os.unsetenv", "os.chdir", "os.fchdir",
    "os.chmod", "os.chown", "os.chflags", "os.link", "os.symlink", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate",
    "os.utime", "os.setxattr", "os.removexattr", "os.lockf", "fcntl.", "resource.setrlimit", "resource.prlimit", "sys.addaudithook",
)  # fmt: skip
_NOT_IMPORTED = ("_ctypes", "_socket", "_posixsubprocess", "_multiprocessing", "_posixshmem", "_signal")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CPU, MEMORY, FILE, FILES = 10, 2 << 30, 1 << 20, 32
"""Seconds of CPU, bytes of address space, bytes of a written file, open files."""
_LIBRARY = os.path.dirname(os.__file__)  # noqa: PTH120 - the same
BEGUN = b"."
"""What the process that listens hears first."""


def main(result: int, token: bytes) -> None:
    """Shut the doors, run ./program.py, and say on `result` that it came to its end."""
    folder = os.getcwd()  # noqa: PTH109 - pathlib is not imported before the program begins
    limits = {resource.RLIMIT_CPU: CPU, resource.RLIMIT_AS: MEMORY, resource.RLIMIT_FSIZE: FILE, resource.RLIMIT_NOFILE: FILES}
    for what, most in {**limits, resource.RLIMIT_CORE: 0}.items():
        resource.setrlimit(what, (most, most))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.addaudithook(_guard(folder))
    os.write(result, BEGUN)
    runpy.run_path("program.py")
    os.write(result, token)


def _guard(folder: str) -> Callable[[str, tuple[object, ...]], None]:
    """The hook. It holds all that it needs, so that a program that changes `os` does not change it."""
    library, real, join, decode, sep = _LIBRARY, os.path.realpath, os.path.join, os.fsdecode, os.sep

    def refuse_outside(name: object, doors: tuple[str, ...]) -> None:
        path = real(join(folder, decode(name or ".")))  # type: ignore[arg-type]
        if not any((path + sep).startswith(door + sep) for door in doors):
            raise PermissionError(f"{path} is not for the program")

    def guard(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and not isinstance(arguments[0], int):
            writes = isinstance(arguments[2], int) and arguments[2] & _WRITES
            refuse_outside(arguments[0], (folder,) if writes else (folder, library))
        elif event in ("os.listdir", "os.scandir") and not isinstance(arguments[0], int):
            refuse_outside(arguments[0], (folder, library))
        elif (event == "import" and arguments[0] in _NOT_IMPORTED) or event.startswith(_REFUSED):
            raise PermissionError(f"{arguments[0] if event == 'import' else event} is not for the program")

    return guard


if __name__ == "__main__":
    given = sys.argv[1:]
    del sys.argv[1:]
    main(int(given[0]), given[1].encode())
