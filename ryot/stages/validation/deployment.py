"""One GPU, several, and several engines: even shares, and one that is killed under load."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from ryot.stages.serve.client import Answer, load, together
from ryot.stages.serve.work import again
from ryot.stages.validation.checklist import Finding, judged, not_shown
from ryot.stages.validation.infrastructure import NO_GPU
from ryot.stages.validation.site import Site, Stand, metrics

UNEVEN = 0.1
NOTICED_S = 60.0
"""Within which a gateway has to see that an engine is gone."""
WORTH = 1.6
"""How many times one engine's pace two have to reach: 80 % of twice."""


def single_gpu(site: Site, right: Finding) -> Finding:
    """That the answers are right, where a GPU computed them."""
    if not site.machine.cuda:
        return not_shown(NO_GPU)
    return judged(right.status == "passed", f"on a GPU: {right.how}", right.reason, **right.evidence)


def multi_gpu(site: Site, stand: Stand) -> Finding:
    """Engines on GPUs of their own."""
    if not site.machine.cuda:
        return not_shown(NO_GPU)
    if stand.own is None:
        return not_shown(stand.alone)
    answers = load(stand.url, [site.infer(prompt) for prompt in site.fresh(40)], 4)
    wrong = sum(answer.status != 200 for answer in answers)
    return judged(
        wrong == 0, f"{len(stand.engines)} engines, each on a GPU of its own", f"{wrong} were not answered", engines=len(stand.engines)
    )


def concurrent_requests(site: Site) -> Finding:
    """As many at one moment as the engine takes sequences."""
    count = site.config.serve.max_concurrency * len(site.engines)
    tokens = min(8, site.config.serve.context - len(site.prompts[0]) - 1)
    answers = together(site.url, [site.completion(prompt, tokens) for prompt in site.fresh(count)])
    wrong = [answer.status for answer in answers if answer.json.get("usage", {}).get("completion_tokens") != tokens]
    how = f"{count} requests of {tokens} tokens at one moment, each answered with all its tokens"
    found = {"requests": count, "wrong": len(wrong), "p50_s": median(answer.seconds for answer in answers)}
    return judged(not wrong, how, f"{len(wrong)} were not: {sorted(set(wrong))}", **found)


def load_balancing(site: Site, stand: Stand, answers: Sequence[Answer], shares: Sequence[float]) -> Finding:
    """Of a load on all engines: what each of them answered."""
    if len(stand.engines) < 2:
        return not_shown(stand.alone)
    even = sum(shares) / len(shares)
    uneven = max(abs(share / even - 1) for share in shares) if even else 1.0
    wrong = sum(answer.status != 200 for answer in answers)
    how = (
        f"{len(answers):,} requests by {site.config.clients} clients over {len(shares)} engines; each answers within 10 % of an even share"
    )
    return judged(
        uneven <= UNEVEN and not wrong, how, f"one is off by {uneven:.0%}; {wrong} were not answered", shares=list(shares), uneven=uneven
    )


def on_all(site: Site, stand: Stand) -> tuple[list[Answer], list[float]]:
    """A load over the stage's own gateway, and how many answers each engine gave."""
    before = _answered(stand)
    answers = load(stand.url, [site.infer(prompt) for prompt in site.fresh(site.config.requests)], site.config.clients)
    return answers, [now - then for now, then in zip(_answered(stand), before, strict=True)]


def failover(site: Site, stand: Stand) -> tuple[Finding, list[Answer]]:
    """SIGKILL of the stage's own engine after a third of a load; afterwards it is started again, and has to give tokens to the gateway. The
    answers that came from then on were one engine's fewer."""
    if stand.own is None:
        return not_shown(stand.alone), []
    asked, killed = [site.infer(prompt) for prompt in site.fresh(site.config.requests)], [0.0]

    def watch(done: int) -> None:
        if done == len(asked) // 3:
            assert stand.own is not None
            stand.own.process.kill()
            killed[0] = time.monotonic()
        site.context.report(done=done, total=len(asked), unit="requests", checked="an engine is killed under load")

    answers = load(stand.url, asked, site.config.clients, watch)
    lost = [answer.status for answer in answers if answer.status != 200]
    site.context.measure("lost_in_failover", len(lost), of=len(answers))
    later = [answer for answer in answers if answer.begun_s > killed[0] + 1.0]
    stand.own.process.wait()
    noticed = _becomes(stand, living=len(stand.engines) - 1, within_s=NOTICED_S)
    site.context.say("the killed engine is started again")
    begun = time.monotonic()
    again(stand.own.process, site.one_more, site.context, stand.own.number)
    back = noticed and _becomes(stand, living=len(stand.engines), within_s=site.config.serve.start_timeout)
    how = f"{len(answers):,} requests by {site.config.clients} clients; an engine gets SIGKILL after a third, and is started again"
    why = f"{len(lost)} were not answered: {sorted(set(lost))}" if lost else "the engine did not come back"
    slowest = max(answer.seconds for answer in answers)
    found = {"lost": len(lost), "slowest_s": slowest, "back_after_s": time.monotonic() - begun if back else None}
    return judged(not lost and back, how, why, **found), later


def scaling(site: Site, stand: Stand, on_both: Sequence[Answer], on_one_fewer: Sequence[Answer]) -> Finding:
    """Paces with all engines, and with one fewer."""
    if stand.own is None:
        return not_shown(stand.alone)
    engines, both, fewer = len(stand.engines), pace(on_both), pace(on_one_fewer)
    found: dict[str, Any] = {"engines": engines, "requests_per_s": both, "with_one_fewer": fewer}
    threads = int(str(site.endpoint.info.get("threads") or 1))
    if not site.machine.cuda and engines * threads + 2 > site.machine.cpus:
        why = f"{engines} engines of {threads} threads, gateway and clients share {site.machine.cpus} cores; the paces prove nothing"
        return not_shown(why, "the same load on all engines, and with one fewer", **found)
    if fewer == 0:
        return not_shown("too few requests came after the engine was killed; raise validation.requests", **found)
    wanted = 1 + (WORTH - 1) / (engines - 1)
    how = f"the same load on {engines} engines, and on {engines - 1}: {wanted:.2f} times the pace"
    return judged(both / fewer >= wanted, how, f"it is {both / fewer:.2f} times", **found)


def as_specified(site: Site, finding: Finding) -> Finding:
    """What several engines show is nothing of a spec that has one."""
    if finding.status != "passed" or site.config.serve.replicas > 1:
        return finding
    reason = "serve.replicas is 1: the gateway does it, with the engine that was added for this, but nothing would take over from yours"
    return not_shown(reason, finding.how, **finding.evidence)


def pace(answers: Sequence[Answer]) -> float:
    """Right answers a second; 0 where there are none."""
    right = [answer for answer in answers if answer.status == 200]
    if len(right) < 2:
        return 0.0
    return len(right) / (max(answer.ended_s for answer in right) - min(answer.begun_s for answer in right))


def _answered(stand: Stand) -> list[float]:
    """Answers of each engine since the start; the gateway's names of engines are in their order."""
    return [value for name, value in metrics(stand.url).items() if name.startswith("ryot_replica_answered{")]


def _becomes(stand: Stand, *, living: int, within_s: float) -> bool:
    """Wait until the gateway's probes get tokens from so many engines."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        up = [value for name, value in metrics(stand.url).items() if name.startswith("ryot_replica_up{")]
        if sum(up) == living:
            return True
        time.sleep(0.5)
    return False
