"""The machine under the server: GPUs, memory set aside, the fastest batch."""

from __future__ import annotations

import json
import re
from statistics import median

from ryot.stages.serve.client import Ask, Client, once
from ryot.stages.train.launch import Ranks, launch
from ryot.stages.validation.checklist import Finding, judged, not_shown
from ryot.stages.validation.site import Site

BATCHES = (1, 2, 4, 8, 16, 32)
ROUNDS = 9
NEAR = 0.9
"""A pace of so much of the fastest counts as the fastest: medians of nine rounds differ by some per cent."""
NO_GPU = "this machine has no GPU"
_CACHE = re.compile(r"^vllm:cache_config_info\{([^}]*)\}", re.MULTILINE)


def gpu_detection(site: Site) -> Finding:
    """torch's own list of devices."""
    if not site.machine.cuda:
        return not_shown(NO_GPU, device=site.context.device)
    import torch  # noqa: PLC0415 - a machine without GPUs needs none of it

    found = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    gpus = [{"name": each.name, "memory": each.total_memory, "capability": f"{each.major}.{each.minor}"} for each in found]
    return judged(bool(gpus), "torch.cuda lists the devices", "torch finds no device", gpus=gpus)


def cuda(site: Site) -> Finding:
    """A product of matrices on each GPU, against the CPU's in double precision."""
    if not site.machine.cuda:
        return not_shown(NO_GPU)
    import torch  # noqa: PLC0415

    torch.manual_seed(0)
    one, other = torch.randn(512, 512, dtype=torch.float64), torch.randn(512, 512, dtype=torch.float64)
    errors = [float(((one.cuda(index) @ other.cuda(index)).cpu() - one @ other).abs().max()) for index in range(torch.cuda.device_count())]
    how = "a product of two 512 x 512 matrices on each GPU in fp64, against the CPU's"
    worst = max(errors, default=float("inf"))
    return judged(worst < 1e-9, how, f"a product is off by {worst:g}", largest_error=errors, cuda=torch.version.cuda)


def memory_preallocation(site: Site) -> Finding:
    """What each engine says of its cache, in vLLM's metric `cache_config_info`."""
    engines = []
    for url in site.engines:
        said = _CACHE.search(once(url, Ask("/metrics", method="GET")).body.decode(errors="replace"))
        labels = dict(re.findall(r'(\w+)="([^"]*)"', said[1])) if said else {}
        blocks, size = (int(labels[name]) if labels.get(name, "").isdigit() else 0 for name in ("num_gpu_blocks", "block_size"))
        engines.append({"blocks": blocks, "tokens_per_block": size, "tokens": blocks * size})
    how = "each engine's own count of the blocks that it reserved at its start"
    if not all(engine["blocks"] for engine in engines):
        return not_shown("an engine does not say how much it reserved", how)
    least = min(engine["tokens"] for engine in engines)
    wanted, reserved = site.config.serve.context, site.config.serve.kv_cache
    return judged(least >= wanted, how, f"{least} tokens fit, a context is {wanted}", engines=engines, context=wanted, cache_bytes=reserved)


def batch_size_tuning(site: Site) -> Finding:
    """Prompts a second at each batch, all sizes in turn in every round; the first round is left out."""
    seconds: dict[int, list[float]] = {size: [] for size in BATCHES}
    client = Client(site.url)
    for _ in range(ROUNDS + 1):
        for size in BATCHES:
            answer = client.ask(site.infer(*site.fresh(size)))
            if answer.status != 200:
                client.close()
                return judged(False, "batches were timed in turn", f"a batch of {size} was answered {answer.status}")
            seconds[size].append(answer.seconds)
    client.close()
    paces = {size: size / median(took[1:]) for size, took in seconds.items()}
    limit, best = site.config.serve.max_concurrency, max(paces.values())
    fastest = max(paces, key=lambda size: paces[size])
    within = max(pace for size, pace in paces.items() if size <= limit)
    how = f"batches of 1 to 32 prompts in turn, {ROUNDS} rounds, medians; serve.max_concurrency admits the fastest, or one within 10 %"
    why = f"batches of {fastest} are answered at {best:.0f} prompts/s, the largest that max_concurrency {limit} admits at {within:.0f}"
    return judged(within >= NEAR * best, how, why, prompts_per_s=paces, fastest=fastest, max_concurrency=limit)


def multi_gpu_communication(site: Site) -> Finding:
    """A sum over all GPUs by NCCL."""
    if not site.machine.cuda:
        return not_shown(NO_GPU)
    import torch  # noqa: PLC0415

    count = torch.cuda.device_count()
    if count < 2:
        return not_shown("this machine has one GPU")
    return all_reduce(site, count)


def all_reduce(site: Site, count: int) -> Finding:
    """In `count` ranks: NCCL on GPUs, gloo on CPUs. Raises NodeError when a rank fails."""
    result = site.context.scratch / "all_reduce.json"
    launch(Ranks("ryot.stages.validation.collective", count, {"result": str(result)}), site.context, lambda _: None)
    found = json.loads(result.read_text())
    how = f"each of {count} ranks adds its own numbers to those of the others"
    return judged(found["right"], how, "the sum is wrong", **found)
