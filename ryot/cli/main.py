"""The command line. The one place where errors are caught and become exit codes; verbs are imported only when they are used."""

from __future__ import annotations

import errno
import importlib
import math
import signal
import sys
import threading
import time
import traceback
from types import FrameType

import click

from ryot.cli.streams import fill_standard_streams, forget_readers
from ryot.errors import MachineError, RyotError, printable, printable_lines

# name: (module, one line). The line stands here so that `ryot --help` imports no verb.
VERBS = {
    "init": ("ryot.cli.init", "Write a commented spec to start from."),
    "validate": ("ryot.cli.validate", "Check a spec: all errors at once, each with its place."),
    "plan": ("ryot.cli.plan", "Show what would run, and why. Changes nothing."),
    "data": ("ryot.cli.data", "Show the first documents and what each filter does to them."),
    "apply": ("ryot.cli.apply", "Run what is not finished, then judge. Resumes after any crash."),
    "serve": ("ryot.cli.serve", "Bring the exported model up behind the gateway, and stay."),
    "bench": ("ryot.cli.bench", "Load the exported model anew, and judge it by the scenarios' targets."),
    "package": ("ryot.cli.package", "Write what is served as a folder to ship."),
    "check": ("ryot.cli.check", "Judge what was recorded against the targets. Runs nothing."),
    "diff": ("ryot.cli.diff", "Say what changed from one run to another, and whether it is worse."),
    "report": ("ryot.cli.report", "Write a run's report as HTML, Markdown, JSON or JUnit."),
    "status": ("ryot.cli.status", "Show how far a run is, from another terminal."),
    "logs": ("ryot.cli.logs", "Show a node's log; -f follows it."),
    "ps": ("ryot.cli.ps", "Show what is running now, and what a crash left."),
    "gc": ("ryot.cli.gc", "Clear what is left over. Asks first."),
    "plugins": ("ryot.cli.plugins", "List the stages and backends there are."),
    "schema": ("ryot.cli.schema", "Print the JSON Schema of a spec, for editors."),
    "explain": ("ryot.cli.explain", "Say what a field of the spec means."),
    "doctor": ("ryot.cli.doctor", "Say what this machine has and lacks, and how to mend it."),
}
BUG = 70
_READER_LEFT = 128 + signal.SIGPIPE
_MACHINE = {
    errno.ENOSPC: "free some space, or use --store on another disk",
    errno.EDQUOT: "free some space, or use --store on another disk",
    errno.EROFS: "use --store to name a folder that can be written",
    errno.EACCES: "name a file or folder that this user may use",
    errno.EPERM: "name a file or folder that this user may use",
    errno.EISDIR: "move that folder away: a file belongs there",
    errno.ENOTDIR: "name a folder whose parents are folders",
    errno.ENAMETOOLONG: "use a shorter path",
    errno.EIO: "look at the disk and the system's log, then run it again: what is finished is kept",
    errno.EMFILE: "allow more open files (`ulimit -n`) and run it again",
    errno.ENFILE: "the whole machine has too many open files; run it again when it has fewer",
    errno.ENOLCK: "use --store on a file system that has locks",
    errno.ESTALE: "another machine has replaced it in the shared folder meanwhile; run it again: what is finished is kept",
}
"""What a user can do about an error of the system's; any other is a bug in ryot."""


_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked ryot to end. Not an Exception, so that nothing but the catch point takes it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class LazyGroup(click.Group):
    """A group that imports a verb only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order in which one meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's click command."""
        if cmd_name not in VERBS:
            return None
        command = getattr(importlib.import_module(VERBS[cmd_name][0]), "command")  # noqa: B009
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs' lines, without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ryot", message="ryot %(version)s")
def ryot() -> None:
    """One spec states what a language model must be and must achieve; ryot builds it and proves, or refutes, that it did."""


def main() -> None:
    """Run the command line and exit: 0, 1, 5 by the verdict; 2 spec or usage, 3 machine, 4 node; 70 bug; 130, 143 interrupted."""
    fill_standard_streams()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where it is ignored, no child's exit code can be had
    heeded = [number for number in _STOP if signal.getsignal(number) != signal.SIG_IGN]  # nohup ignores one, and means it
    interrupt = _Interrupt()
    sys.unraisablehook = interrupt.not_raised
    for number in heeded:
        signal.signal(number, interrupt)
    try:
        code = run(sys.argv[1:])
    except Interrupted as again:  # a later signal, while the first was being told
        code = 128 + again.number
    interrupt.over = True
    signal.pthread_sigmask(signal.SIG_BLOCK, heeded)  # ignoring them would make Python speak of those that came just before
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit code."""
    try:
        result = ryot.main(arguments, prog_name="ryot", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except RyotError as error:
        text = f"error: {error}" if not hasattr(error, "errors") else str(error)
        click.echo(printable_lines(text), err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (Interrupted, KeyboardInterrupt, click.exceptions.Abort) as error:
        number = error.number if isinstance(error, Interrupted) else signal.SIGINT
        click.echo("interrupted", err=True)
        return 128 + number
    except (BrokenPipeError, SystemExit):
        # The reader of our output left; there is nobody to tell. click exits with 1 then, which here would be a failed target;
        # and 0 would say of an apply that it was not even over that all is achieved.
        forget_readers()
        return _READER_LEFT if arguments[:1] == ["apply"] else 0
    except OSError as error:
        return _system_error(error)
    except Exception:
        return _bug()


def _bug() -> int:
    traceback.print_exc()
    click.echo("This is a bug in ryot; please report it with the lines above.", err=True)
    return BUG


def _system_error(error: OSError) -> int:
    """What the system refused: the machine's fault if a user can mend it, else a bug."""
    if error.errno not in _MACHINE:
        return _bug()
    where = f"{printable(str(error.filename))}: " if error.filename else ""
    click.echo(f"error: {where}{error.strerror}\n    hint: {_MACHINE[error.errno]}", err=True)
    return MachineError.exit_code


class _Interrupt:
    """The handler of signals. The first ends the verb, a later one what is being ended; those within a second are one.

    Once `over`, ryot has its exit code and only has to leave.
    """

    def __init__(self) -> None:
        self._last = -math.inf
        self.over = False

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.over and now - self._last >= 1:
            self._last = now
            raise Interrupted(number)

    def not_raised(self, told: sys.UnraisableHookArgs) -> None:
        """Where nothing can be raised, in a destructor or in the callback of a weak reference, of which each import has one, Python says
        so and goes on. The signal comes again once that is over, from a thread: sent from here it would be lost in the same way."""
        if not isinstance(told.exc_value, Interrupted):
            sys.__unraisablehook__(told)
            return
        number, here, over = told.exc_value.number, threading.get_ident(), threading.Lock()

        def again() -> None:
            with over:
                self._last = -math.inf
                signal.pthread_kill(here, number)

        over.acquire()
        threading.Thread(target=again, daemon=True).start()
        over.release()


if __name__ == "__main__":
    main()
