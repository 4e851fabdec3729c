"""The server's manners: routes, queue, cache, health, metrics, and an end that loses nobody."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from ryot.stages.serve.client import Ask, load, once, together
from ryot.stages.validation.checklist import Finding, judged, not_shown
from ryot.stages.validation.site import Site, Stand, metrics

IN_FLIGHT = 50
BEYOND = 20
"""Requests more than the queue and the engines hold."""
ENDED_S = 90.0


def endpoints(site: Site) -> Finding:
    """One request to each route."""
    prompt, model = site.fresh(1)[0], site.endpoint.model
    asked = {
        "POST /infer": (site.infer(prompt), 200),
        "POST /v1/completions": (site.completion(prompt, 1), 200),
        "POST /v1/chat/completions": (_chat(model), 200 if site.checkpoint.chats else 400),
        "GET /v1/models": (Ask("/v1/models", method="GET"), 200),
        "GET /health": (Ask("/health", method="GET"), 200),
        "GET /metrics": (Ask("/metrics", method="GET"), 200),
        "GET /openapi.json": (Ask("/openapi.json", method="GET"), 200),
        "GET /": (Ask("/", method="GET"), 404),
        "POST /v1/load_lora_adapter": (Ask("/v1/load_lora_adapter", {}), 404),
    }
    found = {name: once(site.url, each).status for name, (each, _) in asked.items()}
    odd = {name: status for name, status in found.items() if status != asked[name][1]}
    how = "one request to each; chats are 400 where the model has no template; what is not listed is 404"
    return judged(not odd, how, f"answered otherwise: {odd}", statuses=found)


def cache(site: Site) -> Finding:
    """The same request twice, and another between."""
    if not site.config.serve.gateway.cache:
        return not_shown("the spec switches the cache off (serve.gateway.cache: 0)")
    one, other = (Ask("/infer", {"tokens": [prompt], "batch_size": 1}) for prompt in site.fresh(2))
    answers = [once(site.url, asked) for asked in (one, other, one)]
    said = [answer.headers.get("x-cache", "") for answer in answers]
    first, again = ({name: answer.json.get(name) for name in ("predictions", "ids")} for answer in (answers[0], answers[2]))
    holds = said == ["miss", "miss", "hit"] and first == again and all(answer.status == 200 for answer in answers)
    how = "a request, another, and the first again: miss, miss, hit, and the answer of the first"
    seconds = [answer.seconds for answer in answers]
    return judged(holds, how, f"the answers were {said}, {'the same' if first == again else 'not the same'}", said=said, seconds=seconds)


def health(site: Site) -> Finding:
    """/health against what is known of the server."""
    answer = once(site.url, Ask("/health", method="GET"))
    told, engines = answer.json, len(site.engines)
    replicas = told.get("replicas")
    uptime = told.get("uptime")
    holds = answer.status == 200 and told.get("status") == "healthy" and isinstance(uptime, float) and uptime > 0
    holds &= isinstance(replicas, dict) and replicas.get("living") == replicas.get("all") == engines
    return judged(
        holds, f"/health is 200, healthy, with {engines} of {engines} engines alive", f"it says {answer.status} {told}", told=told
    )


def counted(site: Site) -> Finding:
    """The gateway's count of requests before and after some."""
    name = 'ryot_requests_total{route="/infer",status="200"}'
    before = metrics(site.url).get(name, 0.0)
    answers = load(site.url, [site.infer(prompt) for prompt in site.fresh(30)], 3)
    right = sum(answer.status == 200 for answer in answers)
    text = once(site.url, Ask("/metrics", method="GET")).body.decode(errors="replace")
    try:
        families = len(list(text_string_to_metric_families(text)))
    except ValueError as error:
        return judged(False, "Prometheus' own parser reads it", f"it is not Prometheus' text: {error}")
    after = metrics(site.url).get(name, 0.0)
    how = "Prometheus' own parser reads /metrics; 30 requests are counted as 30"
    return judged(
        after - before == right == 30, how, f"{right} right answers, {after - before:g} counted", families=families, counted=after - before
    )


def queue(site: Site, stand: Stand) -> Finding:
    """More requests at one moment than engines and queue hold."""
    count = site.config.serve.max_concurrency * len(stand.engines) + stand.waiting + BEYOND
    tokens = _long(site)
    answers = together(stand.url, [site.completion(prompt, tokens) for prompt in site.fresh(count)])
    statuses = Counter(answer.status for answer in answers)
    refused = [answer for answer in answers if answer.status == 429]
    silent = sum("retry-after" not in answer.headers for answer in refused)
    after = once(stand.url, site.infer(site.fresh(1)[0])).status
    how = f"{count} requests of {tokens} tokens at one moment, of which {stand.waiting} may wait"
    found = {"statuses": {str(status): n for status, n in statuses.items()}, "without_retry_after": silent, "after": after}
    if statuses.keys() == {200} and after == 200:
        return not_shown("all were answered: the engines were faster than the clients, and the queue never filled", how, **found)
    holds = statuses.keys() <= {200, 429} and bool(refused) and not silent and after == 200 and statuses[200] > 0
    return judged(holds, how, f"the answers were {dict(statuses)}, {silent} without Retry-After, and {after} afterwards", **found)


def graceful_shutdown(site: Site, stand: Stand) -> Finding:
    """SIGTERM to the stage's own gateway, with requests in flight."""
    tokens = _long(site)
    count = min(IN_FLIGHT, site.config.serve.max_concurrency * len(stand.engines) + stand.waiting)
    inside: list[float] = []

    def end() -> None:
        """Once all are inside, or none came in any more."""
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline:
            now = metrics(stand.url)
            inside.append(now.get("ryot_sequences_running", 0.0) + now.get("ryot_requests_waiting", 0.0))
            if inside[-1] >= count or (len(inside) > 1 and inside[-1] < inside[-2]):
                break
        stand.gateway.process.terminate()

    answers = together(stand.url, [site.completion(prompt, tokens) for prompt in site.fresh(count)], end)
    lost = sum(answer.status != 200 for answer in answers)
    site.context.measure("lost_in_shutdown", lost, of=count)
    try:
        code = stand.gateway.process.wait(ENDED_S)
    except subprocess.TimeoutExpired:
        code = None
    how = f"SIGTERM with {inside[-1]:g} of {count} requests of {tokens} tokens in flight"
    why = f"{lost} were not answered; the gateway {'did not end' if code is None else f'ended with {code}'}"
    return judged(lost == 0 and code == 0, how, why, in_flight=inside[-1], lost=lost, exit_code=code)


def error_logs(site: Site, stand: Stand) -> Finding:
    """A wrong request of a known id, and a right one with a text that must not be found; then the gateway's log."""
    identity, canary = f"validation-{site.config.seed}-wrong", "validation-canary-7f3a"
    once(stand.url, Ask("/infer", {"tokens": [], "batch_size": 1}, headers={"X-Request-Id": identity}))
    once(
        stand.url,
        Ask("/v1/completions", {"model": site.endpoint.model, "prompt": canary, "max_tokens": 1}, headers={"X-Request-Id": canary[-4:]}),
    )
    metrics(stand.url)  # what is kept is counted, and written
    path, deadline = site.context.scratch / "gateway.log", time.monotonic() + 10.0
    while identity not in (text := path.read_text(errors="replace")) and time.monotonic() < deadline:
        time.sleep(0.1)
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    written = [line for line in lines if line.get("id") == identity]
    holds = len(written) == 1 and written[0].get("status") == 400 and canary not in text
    how = "a wrong request with an id of its own, and a prompt that is a canary; then the gateway's log"
    why = "the prompt stands in the log" if canary in text else f"the error stands there {len(written)} times"
    return judged(holds, how, why, lines=len(lines), error=written[:1])


def _chat(model: str) -> Ask:
    return Ask("/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": "a"}], "max_tokens": 1})


def _long(site: Site) -> int:
    """Tokens that keep an engine busy for a while, within the context."""
    return max(min(64, site.config.serve.context - len(site.prompts[0]) - 1), 1)
