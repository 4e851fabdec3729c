"""How fast this machine reads YAML, so that "refused at once" can be said without a number of seconds that another machine would miss."""

import time
from functools import lru_cache

from ryot.spec.yaml_tree import parse


@lru_cache(maxsize=1)
def yardstick_s() -> float:
    """CPU seconds to read a sound text of 1,000 keys; the least of three."""
    text = "".join(f"k{number}: {number}\n" for number in range(1000))
    found = []
    for _ in range(3):
        began = time.process_time()
        parse(text, "f")
        found.append(time.process_time() - began)
    return min(found)
