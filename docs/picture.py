"""Draw what a verb prints, for the README. Real output:

python docs/picture.py check STORE         docs/phase3.svg, of the last run in a store
python docs/picture.py plan SPEC STORE     docs/plan.svg, of a spec as this machine plans it
python docs/picture.py report STORE        docs/report.png, the page of the last run in a store, by chromium (and Pillow, to make it small)
"""

import io
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from ryot.cli.foresight import foresight_of
from ryot.cli.past import latest, loaded_from
from ryot.cli.plan import states_of
from ryot.cli.request import resolve
from ryot.report.console import print_summary
from ryot.report.gather import gather
from ryot.report.html import to_html
from ryot.report.plan_view import show_plan
from ryot.store.store import Store

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1100, 3900


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


def report(root: str) -> None:
    """The page, down to where the data begin."""
    from PIL import Image  # noqa: PLC0415 - no other picture needs it

    store = Store(Path(root))
    run, plan = latest(store, None, None)
    with tempfile.TemporaryDirectory() as folder:
        page, picture = Path(folder) / "report.html", Path(folder) / "report.png"
        page.write_text(to_html(gather(plan, store, loaded_from(run, plan).spec, run, datetime.now(UTC))))
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}"]
        subprocess.run(["chromium", *flags, f"--screenshot={picture}", page.as_uri()], check=True, capture_output=True)
        Image.open(picture).convert("RGB").quantize(96, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
            HERE / "report.png", optimize=True
        )


if __name__ == "__main__":
    {"check": check, "plan": plan, "report": report}[sys.argv[1]](*sys.argv[2:])
