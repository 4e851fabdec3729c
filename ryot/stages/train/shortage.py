"""When memory runs out: how an error, or the kernel, says so, and the smaller micro-batch that may go on."""

import re
from pathlib import Path

from ryot.stages.train.stage import Recipe

ADVICE = (
    "use train.recompute: true, a smaller train.batch_size with more train.accumulation, or zero_stage over more ranks; "
    "train.on_out_of_memory: halve does the second by itself"
)
_WORDS = re.compile(r"can't allocate memory|cannot allocate memory|out of memory|bad_alloc", re.IGNORECASE)


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory ran out: torch's (a RuntimeError, of a GPU's allocator or its DefaultCPUAllocator) or Python's."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError | OSError) and bool(_WORDS.search(str(error))))


def kills(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """How many processes the kernel has killed for want of memory so far: in this process's control group (version 2 or 1), else on
    the machine. None where nothing tells."""
    for path in [*_counters(proc, groups), proc / "vmstat"]:
        if path.is_file() and (found := re.search(r"^oom_kill (\d+)$", path.read_text(), re.MULTILINE)):
            return int(found[1])
    return None


def _counters(proc: Path, groups: Path) -> list[Path]:
    own = proc / "self" / "cgroup"
    found = []
    for line in own.read_text().splitlines() if own.is_file() else []:
        _, kinds, place = line.split(":", 2)
        if kinds == "":
            found.append(groups / place.lstrip("/") / "memory.events")
        if "memory" in kinds.split(","):
            found.append(groups / "memory" / place.lstrip("/") / "memory.oom_control")
    return found


def smaller(recipe: Recipe) -> Recipe | None:
    """The same updates from micro-batches half as large and twice as many (where the size is odd: divided by its least factor). The sums
    are of the same documents in another grouping, so only rounding differs. None when a micro-batch is one document already."""
    factor = next((number for number in range(2, recipe.batch_size + 1) if recipe.batch_size % number == 0), None)
    if factor is None:
        return None
    return recipe.model_copy(update={"batch_size": recipe.batch_size // factor, "accumulation": recipe.accumulation * factor})
