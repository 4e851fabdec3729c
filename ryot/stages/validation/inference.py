"""What comes out of the server: in time, in batches, right, and without taking more and more memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import psutil

from ryot.plugins import NodeError
from ryot.stages.serve.client import Answer, Ask, Client, load, once
from ryot.stages.serve.probe import resident
from ryot.stages.validation.checklist import Finding, judged, not_shown
from ryot.stages.validation.reference import Reference, Token
from ryot.stages.validation.site import Site
from ryot.stages.validation.stage import CONTINUED, SINGLE_REQUESTS

LARGEST_BATCH = 32
TOLERANCE = {"fp32": 1e-3}
COARSE = 0.02
"""How far a probability may lie from transformers' in fp32: with an engine in fp32, and in 16 bits (whose steps near 1 are 0.4 %)."""
MOST_WRONG = 0.05
"""The share of tokens that a compressed copy may choose otherwise than the export."""
MOST_GROWTH = 0.05
_ID = "token_id:"


def single_request(site: Site) -> Finding:
    """One after the other, over one connection."""
    client = Client(site.url)
    answers = [client.ask(site.infer(prompt)) for prompt in site.fresh(SINGLE_REQUESTS)]
    client.close()
    wrong = [answer.status for answer in answers if answer.status != 200]
    site.context.measure("single_latency_p95", samples=tuple(answer.seconds for answer in answers))
    high = site.context.bounds("single_latency_p95")[1]
    bound = site.config.single
    how = f"{SINGLE_REQUESTS} requests of one token, one at a time, past the cache; the bound of the 95th percentile at 95 % confidence"
    found = {"p50_s": median(answer.seconds for answer in answers), "p95_bound_s": high, "allowed_s": bound, "wrong": len(wrong)}
    return judged(high < bound and not wrong, how, f"the bound is {high * 1e3:.1f} ms, {len(wrong)} were not answered", **found)


def batches(site: Site) -> Finding:
    """Every size once; each prompt's probability against the one that it has alone."""
    prompts = site.fresh(LARGEST_BATCH)
    alone = [_shares(once(site.url, site.infer(prompt)), 1) for prompt in prompts]
    tolerance, largest, wrong = _tolerance(site), 0.0, []
    for size in range(1, LARGEST_BATCH + 1):
        found = _shares(once(site.url, site.infer(*prompts[:size])), size)
        if found is None:
            wrong.append(size)
            continue
        differences = [abs(mine - one[0]) for mine, one in zip(found, alone, strict=False) if one]
        largest = max([largest, *differences])
    how = "one request of each size from 1 to 32; the probability of each prompt's best token against that of the prompt alone"
    why = f"sizes {wrong} were not answered" if wrong else f"a probability differs by {largest:.2g} from that of the prompt alone"
    holds = not wrong and None not in alone and largest <= tolerance
    return judged(holds, how, why, sizes=LARGEST_BATCH, not_answered=wrong, largest_difference=largest, tolerance=tolerance)


def invalid_input(site: Site) -> Finding:
    """Requests that are wrong in a way of their own each."""
    answers = {name: once(site.url, asked) for name, asked in _wrong_requests(site).items()}
    odd = {name: answer.status for name, answer in answers.items() if not _refused(answer)}
    after = once(site.url, site.infer(site.fresh(1)[0]))
    how = "each is answered 4xx with an `error` in OpenAI's shape, and a right one afterwards with 200"
    found = {"statuses": {name: answer.status for name, answer in answers.items()}, "after": after.status}
    return judged(not odd and after.status == 200, how, f"not refused as they should be: {odd}; afterwards {after.status}", **found)


def output_correct(site: Site, reference: Reference) -> Finding:
    """Generated tokens, one by one, against the checkpoint in transformers."""
    asked = [site.completion(prompt, CONTINUED) for prompt in site.prompts]
    answers = load(site.url, asked, site.config.clients)
    tokens: list[Token] = []
    for number, (prompt, answer) in enumerate(zip(site.prompts, answers, strict=True)):
        ids, shares = _generated(answer)
        tokens += reference.tokens(prompt, ids, shares)
        site.context.report(done=number + 1, total=len(asked), unit="prompts", checked="answers against transformers")
    tolerance = _tolerance(site)
    wrong = sum(token.wrong(tolerance) for token in tokens)
    difference = max(token.difference for token in tokens)
    site.context.measure("wrong_tokens", wrong, of=len(tokens))
    site.context.measure("probability_difference", difference)
    how = f"{CONTINUED} tokens after each of {len(asked)} prompts of held-out documents; transformers, in fp32, reads the same tokens"
    found: dict[str, Any] = {"tokens": len(tokens), "wrong": wrong, "largest_difference": difference, "tolerance": tolerance}
    if site.config.compressed:
        how += f"; the server's {site.config.compressed} against the export"
        return judged(wrong <= MOST_WRONG * len(tokens), how, f"{wrong} of {len(tokens)} tokens are others", **found)
    why = f"{wrong} of {len(tokens)} tokens are others; a probability is off by {difference:.2g}"
    return judged(wrong == 0 and difference <= tolerance, how, why, **found)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The answers of a load, and the server's memory over it, in bytes."""

    answers: Sequence[Answer]
    memory: Sequence[int]


def under_load(site: Site) -> Loaded:
    """`requests` of `clients`, the memory read after each hundredth of them."""
    asked = [site.infer(prompt) for prompt in site.fresh(site.config.requests)]
    memory: list[int] = []

    def watch(done: int) -> None:
        if done % max(len(asked) // 100, 1) == 0:
            memory.append(_taken(site))
        site.context.report(done=done, total=len(asked), unit="requests", checked="memory under load")

    return Loaded(load(site.url, asked, site.config.clients, watch), memory)


def memory_stable(site: Site, loaded: Loaded) -> Finding:
    """The second quarter of the load against the last; the first one warms up."""
    if site.config.serve.cluster:
        site.context.lack("memory_growth", reason := "the engines run on other machines")
        return not_shown(reason)
    quarter = max(len(loaded.memory) // 4, 1)
    before, after = median(loaded.memory[quarter : 2 * quarter]), median(loaded.memory[-quarter:])
    growth = after / before - 1
    site.context.measure("memory_growth", growth)
    how = f"memory of engines and gateway over {len(loaded.answers):,} requests; median of the last quarter over that of the second"
    found = {
        "looks": len(loaded.memory),
        "before_bytes": before,
        "after_bytes": after,
        "largest_bytes": max(loaded.memory),
        "growth": growth,
        "allowed": MOST_GROWTH,
    }
    return judged(growth <= MOST_GROWTH, how, f"it grew by {growth:.1%}", **found)


def concurrency(site: Site, loaded: Loaded) -> Finding:
    """Of the same load: whether each answer is one, and how many a second there were."""
    answers = loaded.answers
    wrong = [answer.status for answer in answers if _shares(answer, 1) is None]
    took = max(answer.ended_s for answer in answers) - min(answer.begun_s for answer in answers)
    how = f"{len(answers):,} requests by {site.config.clients} clients at once"
    found = {"wrong": len(wrong), "requests_per_s": len(answers) / took, "p50_s": median(answer.seconds for answer in answers)}
    return judged(not wrong, how, f"{len(wrong)} were not answered right: {sorted(set(wrong))}", **found)


def _taken(site: Site) -> int:
    """Bytes of the server's processes; on GPUs what is taken there too."""
    total = 0
    for pid in site.pids:
        try:
            total += resident(pid)
        except psutil.NoSuchProcess:
            raise NodeError(f"the server's process {pid} has ended") from None
    if site.machine.cuda:
        import torch  # noqa: PLC0415 - a machine without GPUs needs none of it

        total += sum(each[1] - each[0] for each in map(torch.cuda.mem_get_info, range(torch.cuda.device_count())))
    return total


def _wrong_requests(site: Site) -> dict[str, Ask]:
    context, vocab = site.config.serve.context, site.config.vocab_size
    model = site.endpoint.model

    def completion(**fields: Any) -> Ask:
        return Ask("/v1/completions", {"model": model, "prompt": [5], "max_tokens": 1} | fields)

    return {
        "no JSON": Ask("/infer", b"{tokens"),
        "not UTF-8": Ask("/infer", b'{"tokens": "\xff\xfe"}'),
        "no body": Ask("/infer", b""),
        "nested too deep": Ask("/infer", b"[" * 100_000),
        "batch_size that does not match": Ask("/infer", {"tokens": [[5], [6]], "batch_size": 3}),
        "no tokens": Ask("/infer", {"tokens": [], "batch_size": 0}),
        "an empty prompt": Ask("/infer", {"tokens": [[]], "batch_size": 1}),
        "a negative token": Ask("/infer", {"tokens": [-1], "batch_size": 1}),
        "a token beyond the vocabulary": Ask("/infer", {"tokens": [vocab], "batch_size": 1}),
        "words for tokens": Ask("/infer", {"tokens": ["a"], "batch_size": 1}),
        "k of 1,000": Ask("/infer", {"tokens": [5], "batch_size": 1, "k": 1000}),
        "an unknown field": Ask("/infer", {"tokens": [5], "batch_size": 1, "tokns": 1}),
        "a prompt beyond the context": Ask("/infer", {"tokens": [5] * (context + 1), "batch_size": 1}),
        "more tokens than the context": completion(max_tokens=context + 1),
        "a temperature of -1": completion(temperature=-1),
        "another model": completion(model="another"),
        "a body of 4 MiB": Ask("/infer", b" " * (4 << 20)),
        "another method": Ask("/infer", method="DELETE"),
        "no such route": Ask("/v1/embeddings", {"model": model, "input": "a"}),
        "a path that climbs": Ask("/../../etc/passwd", method="GET"),
    }


def _refused(answer: Answer) -> bool:
    error = answer.json.get("error")
    return 400 <= answer.status < 500 and isinstance(error, dict) and bool(error.get("message"))


def _shares(answer: Answer, prompts: int) -> list[float] | None:
    """The probability of each prompt's best token; None where the answer is no such list."""
    found = answer.json.get("predictions")
    if answer.status != 200 or not isinstance(found, list) or len(found) != prompts:
        return None
    shares = [each[0] for each in found if isinstance(each, list) and each]
    return shares if len(shares) == prompts and all(0 < share <= 1 + 1e-6 for share in shares) else None


def _generated(answer: Answer) -> tuple[list[int], list[float]]:
    """Ids and probabilities of the generated tokens. Raises NodeError where the answer has none."""
    try:
        told = answer.json["choices"][0]["logprobs"]
        ids = [int(token.removeprefix(_ID)) for token in told["tokens"]]
        shares = [math.exp(logprob) for logprob in told["token_logprobs"]]
    except (KeyError, IndexError, TypeError, ValueError):
        raise NodeError(f"a completion was answered {answer.status}: {answer.body[:300].decode(errors='replace')}") from None
    return ids, shares


def _tolerance(site: Site) -> float:
    return TOLERANCE.get(str(site.endpoint.info.get("dtype")), COARSE)
