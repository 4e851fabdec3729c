"""Draw what `ryot check` prints of the last run in a store as docs/phase3.svg: `python docs/picture.py STORE`. Real output."""

import io
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from ryot.cli.past import latest, loaded_from
from ryot.report.console import print_summary
from ryot.report.gather import gather
from ryot.store.store import Store

store = Store(Path(sys.argv[1]))
run, plan = latest(store, None, None)
console = Console(record=True, width=110, file=io.StringIO(), force_terminal=True)
print_summary(gather(plan, store, loaded_from(run, plan).spec, run.id, datetime.now(UTC)), console)
svg = console.export_svg(title=f"ryot check specs/{plan.name}.yaml")
# The picture loads nothing: rich names fonts on a server, the reader's own will do.
svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
Path(__file__).with_name("phase3.svg").write_text(svg)
