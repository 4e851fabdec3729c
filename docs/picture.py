"""Draw what a verb prints, for the README. Real output:

python docs/picture.py check STORE         docs/phase3.svg, of the last run in a store
python docs/picture.py plan SPEC STORE     docs/plan.svg, of a spec as this machine plans it
"""

import io
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from ryot.cli.foresight import foresight_of
from ryot.cli.past import latest, loaded_from
from ryot.cli.plan import states_of
from ryot.cli.request import resolve
from ryot.report.console import print_summary
from ryot.report.gather import gather
from ryot.report.plan_view import show_plan
from ryot.store.store import Store

HERE = Path(__file__).parent


def blank(width: int) -> Console:
    """A console that remembers what was printed."""
    return Console(record=True, width=width, file=io.StringIO(), force_terminal=True)


def draw(console: Console, title: str, name: str) -> None:
    """Write the picture. It loads nothing: rich names fonts on a server, the reader's own will do."""
    svg = console.export_svg(title=title)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    (HERE / name).write_text(svg)


def check(root: str) -> None:
    """The verdict of the last run."""
    store, console = Store(Path(root)), blank(110)
    run, plan = latest(store, None, None)
    print_summary(gather(plan, store, loaded_from(run, plan).spec, run, datetime.now(UTC)), console)
    draw(console, f"ryot check specs/{plan.name}.yaml", "phase3.svg")


def plan(spec: str, root: str) -> None:
    """The plan of a spec."""
    planned, console = resolve(Path(spec), None, (), (), Path(root)), blank(100)
    show_plan(console, planned.plan, states_of(planned), foresight_of(planned))
    draw(console, f"ryot plan {spec}", "plan.svg")


if __name__ == "__main__":
    {"check": check, "plan": plan}[sys.argv[1]](*sys.argv[2:])
