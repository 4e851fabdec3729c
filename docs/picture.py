"""Draw what `ryot check` prints of the last run in a store as docs/phase3.svg: `python docs/picture.py STORE`. Real output, no retouching."""

import io
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
console.save_svg(str(Path(__file__).with_name("phase3.svg")), title=f"ryot check specs/{plan.name}.yaml")
