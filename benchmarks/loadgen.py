"""Measures what ryot's load generator can be believed: its percentiles beside the truth of a server whose delays are known.

Run it as `python benchmarks/loadgen.py [--rates 20 200 1000] [--seconds N] [--no-peer] [--no-stop] [--aiperf PATH] [--json FILE]`. The
server draws each delay (constant, lognormal, bimodal; 20 ms and thereabouts), waits, and writes down what it really was on its own clock;
the load is made by the product's stage, locustfile and audit, arrivals at random. p50, p95 and p99 should be within 2 % or 0.3 ms of the
server's, the rate within 1 % of the one that was drawn, the counts equal; a scenario may declare itself invalid instead at 1,000
requests/s. The same load by Locust's FastHttpUser stands beside it, which writes milliseconds rounded, and that by AIPerf, where its
program (0.13, installed apart) is named. Then the server is stopped (SIGSTOP) for 6 s of 30 at 200 requests/s: everyone who came in that
time waited for its end, so p95 is 4.5 s and p99 5.7 s; within 5 %.

The server's truth is from when its kernel had a request to when it handed over the answer. On top of it the generator has the way
through the kernel, and its own schedule delay, which grows with what else runs on the machine. Both are in its latencies and neither is
taken out; two lines tell them apart: `as sent` (end - sent, less the truth) and `delay` (sent - intended).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from ryot.plugins import Endpoint, NodeError
from ryot.plugins.testing import run_stage
from ryot.stages.bench import columns
from ryot.stages.bench.stage import Arrivals, BenchConfig, BenchStage

ROOT = Path(__file__).parent.parent
DELAYS, PERCENTS, WARM_UP = ("constant", "lognormal", "bimodal"), (50, 95, 99), 20
SECONDS = {20: 30.0, 200: 15.0, 1000: 10.0}
MOST_OFF, LEAST_OFF_MS, MOST_RATE_OFF, MAY_BE_INVALID = 0.02, 0.3, 0.01, 1000
STOP_RATE, STOP_S, STOP_IN_S, STOPPED_MS, MOST_STOP_OFF = 200, 30, 6.0, {95: 4500.0, 99: 5700.0}, 0.05


@dataclass(frozen=True, slots=True)
class Found:
    """What one side says of a load: percentiles in milliseconds, requests, requests a second, or why it is not valid; of
    ours also the schedule delay (sent - intended), and what the server took as it was seen from here (end - sent)."""

    ms: dict[int, float]
    requests: int
    rate: float
    invalid: str = ""
    cpu_share: float = 0.0
    tries: int = 1
    delay_ms: dict[int, float] | None = None
    served_ms: dict[int, float] | None = None


@contextmanager
def server(folder: Path, delays: str, ms: float) -> Iterator[tuple[Endpoint, int]]:
    """The server with known delays, and its process."""
    ready = folder / "port"
    ready.unlink(missing_ok=True)
    argv = [sys.executable, str(ROOT / "tests/fakes/timed_openai.py"), "--ready-file", str(ready), "--delays", delays, "--ms", str(ms)]
    process = subprocess.Popen(argv)
    try:
        while not (ready.exists() and ready.read_text()):
            if process.poll() is not None:
                raise RuntimeError("the server did not start")
            time.sleep(0.02)
        yield Endpoint(f"http://127.0.0.1:{ready.read_text()}", "m", {"memory": {"none": 0}}), process.pid
    finally:
        process.kill()
        process.wait()


def truth(endpoint: Endpoint) -> list[float]:
    """Milliseconds of each request so far, in the order of their coming."""
    with urllib.request.urlopen(f"{endpoint.url}/truth") as answer:  # noqa: S310 - our own server
        return [(row[1] - row[0]) / 1e6 for row in json.load(answer)]


def percentiles(values: Sequence[float]) -> dict[int, float]:
    """The least value that so many percent do not exceed."""
    ranked = sorted(values)
    return {percent: ranked[max(math.ceil(len(ranked) * percent / 100) - 1, 0)] for percent in PERCENTS}


def ours(endpoint: Endpoint, folder: Path, rate: float, requests: int, distribution: str = "poisson") -> Found:
    """The load by the product, and what its audit says."""
    arrivals = Arrivals(rate=rate, distribution=distribution)
    config = BenchConfig(scenario="known", vocab_size=512, requests=requests, arrivals=arrivals, warmup=WARM_UP)
    invalid = ""
    try:
        run_stage(BenchStage(), config, folder, services={"serve": endpoint})
    except NodeError as error:
        invalid = str(error)
    samples = columns.read(folder / "out" / columns.FILE)
    *_, last = tries = json.loads((folder / "out" / "generator.json").read_text())["tries"]
    rate = (len(samples) - 1) / last["schedule"]["sent_s"] * (last["schedule"]["offered_s"] / ((len(samples) - 1) / rate))
    took = [1e3 * sample.latency_s for sample in samples if sample.ok]
    delays = percentiles([1e3 * (sample.sent_s - sample.intended_s) for sample in samples])
    served = percentiles([1e3 * (sample.end_s - sample.sent_s) for sample in samples])
    return Found(percentiles(took), len(took), rate, invalid, last["cpu_share"], len(tries), delays, served)


def peers(endpoint: Endpoint, folder: Path, rate: float, requests: int, users: int) -> Found:
    """The load by Locust's FastHttpUser, as Locust itself reports it."""
    out = folder / "peer.json"
    body = {"model": "m", "prompt": [list(range(32))], "max_tokens": 1}
    asked = {"rate": rate, "requests": requests, "users": users, "body": body, "out": str(out)}
    argv = [sys.executable, "-m", "locust", "-f", str(ROOT / "benchmarks/loadgen_peer.py"), "--headless", "--users", str(users)]
    argv += ["--spawn-rate", str(users), "--host", endpoint.url, "--only-summary", "--loglevel", "ERROR"]
    subprocess.run(
        argv,
        check=True,
        timeout=60 + 3 * requests / rate,
        env=os.environ | {"PEER": json.dumps(asked)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found = json.loads(out.read_text())
    return Found({percent: found[f"p{percent}_ms"] for percent in PERCENTS}, found["requests"] - found["errors"], found["rate"])


def aiperf(endpoint: Endpoint, folder: Path, rate: float, requests: int, program: Path) -> Found | None:
    """The load by AIPerf, as it reports it itself; None where it fails, which is told."""
    out = folder / "aiperf"
    shutil.rmtree(out, ignore_errors=True)
    argv = [str(program), "profile", "-m", "m", "-u", endpoint.url, "--endpoint-type", "completions", "--tokenizer", str(tokenizer(folder))]
    argv += ["--request-rate", str(rate), "--arrival-pattern", "poisson", "--request-count", str(requests), "--warmup-request-count", "20"]
    argv += ["--isl", "32", "--osl", "1", "--extra-inputs", "ignore_eos:true", "--ui", "none", "--output-artifact-dir", str(out)]
    done = subprocess.run(argv, check=False, timeout=120 + 3 * requests / rate, capture_output=True, text=True)
    if done.returncode:
        print(f"AIPerf ended with exit code {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")
        return None
    told = json.loads(next(out.rglob("profile_export_aiperf.json")).read_text())
    took = {percent: told["request_latency"][f"p{percent}"] for percent in PERCENTS}
    return Found(took, round(told["request_count"]["avg"]), told["request_throughput"]["avg"])


def tokenizer(folder: Path) -> Path:
    """One that needs no network, of single bytes, for AIPerf to make its prompts with."""
    alphabet = enumerate(["<eos>", *sorted(pre_tokenizers.ByteLevel.alphabet())])
    made = Tokenizer(models.BPE({character: number for number, character in alphabet}, []))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    ready = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<eos>")  # noqa: S106 - a token of text
    ready.save_pretrained(folder / "tokenizer")
    return folder / "tokenizer"


def compare(folder: Path, delays: str, rate: int, requests: int, *, peer: bool, program: Path | None) -> dict[str, Found]:
    """One load: the server's truth, ours, and each peer's with the truth of its own requests."""
    with server(folder, delays, 20.0) as (endpoint, _):
        found = {"ryot": ours(endpoint, folder / f"{delays}-{rate}", rate, requests)}
        seen = truth(endpoint)
        found["truth"] = Found(percentiles(seen[-requests:]), len(seen) - found["ryot"].tries * (requests + WARM_UP) + requests, rate)
        if peer:
            found["Locust"] = peers(endpoint, folder, rate, requests, users=max(5, rate // 5))
            found["its truth"] = Found(percentiles(truth(endpoint)[len(seen) :]), len(truth(endpoint)) - len(seen), rate)
        if program:
            theirs = aiperf(endpoint, folder, rate, requests, program)
            found |= {"AIPerf": theirs, "AIPerf's": Found(percentiles(truth(endpoint)[-requests:]), requests, rate)} if theirs else {}
    return found


def stopped(folder: Path, *, peer: bool) -> dict[str, Found]:
    """The server is stopped once a third of the requests came, and goes on six seconds later."""
    requests, found = STOP_RATE * STOP_S, {}
    for name in ("ryot", "Locust")[: 1 + peer]:
        with server(folder, "constant", 5.0) as (endpoint, pid):
            begun = threading.Thread(target=_stop, args=(endpoint, pid, requests // 3), daemon=True)
            begun.start()
            if name == "ryot":
                found[name] = ours(endpoint, folder / "stopped", STOP_RATE, requests, "constant")
            else:
                found[name] = peers(endpoint, folder, STOP_RATE, requests, users=50)
            begun.join()
    return found


def _stop(endpoint: Endpoint, pid: int, after: int) -> None:
    while True:
        with urllib.request.urlopen(f"{endpoint.url}/count") as answer:  # noqa: S310 - our own server
            if int(answer.read()) >= after:
                break
        time.sleep(0.05)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(STOP_IN_S)
    os.kill(pid, signal.SIGCONT)


def show(delays: str, rate: int, found: dict[str, Found]) -> bool:
    """A line for each side; whether ours holds, or declared itself invalid where it may."""
    one, real = found["ryot"], found["truth"]
    off = {percent: one.ms[percent] - real.ms[percent] for percent in PERCENTS}
    close = all(abs(off[percent]) <= max(LEAST_OFF_MS, MOST_OFF * real.ms[percent]) for percent in PERCENTS)
    paced = abs(one.rate / rate - 1) <= MOST_RATE_OFF
    holds = (bool(one.invalid) and rate >= MAY_BE_INVALID) or (not one.invalid and close and paced and one.requests == real.requests)
    for name, side in found.items():
        cells = "  ".join(f"{side.ms[percent]:8.2f}" for percent in PERCENTS)
        more = f"  CPU {side.cpu_share:.0%}, tries {side.tries}  {'holds' if holds else 'MISSED'}" if name == "ryot" else ""
        print(f"{delays:10} {rate:5} {name:10} {cells}  {side.rate:8.1f}/s  {side.requests:6}{more}")
    assert one.served_ms is not None
    assert one.delay_ms is not None
    seen = {percent: one.served_ms[percent] - real.ms[percent] for percent in PERCENTS}
    for words, what in (("- truth", off), ("as sent", seen), ("delay", one.delay_ms)):
        shares = "  " + " ".join(f"{what[percent] / real.ms[percent]:+.1%}" for percent in PERCENTS)
        print(f"{'':16} {words:10} " + "  ".join(f"{what[percent]:+8.3f}" for percent in PERCENTS) + shares)
    if one.invalid:
        print(f"{'':16} {one.invalid}")
    sys.stdout.flush()
    return holds


def show_stop(found: dict[str, Found]) -> bool:
    """The same for the server that was stopped."""
    one = found["ryot"]
    holds = not one.invalid and all(abs(one.ms[percent] / ms - 1) <= MOST_STOP_OFF for percent, ms in STOPPED_MS.items())
    for name, side in found.items():
        verdict = f"  tries {side.tries}  {'holds' if holds else 'MISSED'} {side.invalid}" if name == "ryot" else ""
        print(f"{'stopped':10} {STOP_RATE:5} {name:10} " + "  ".join(f"{side.ms[percent]:8.1f}" for percent in PERCENTS) + verdict)
    return holds


def main() -> int:
    """All loads, and the stop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="*", default=list(SECONDS))
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--no-stop", action="store_true")
    parser.add_argument("--aiperf", type=Path, help="AIPerf's program")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"{'delays':10} {'rate':>5} {'':10} " + "  ".join(f"{f'p{percent} ms':>8}" for percent in PERCENTS))
    results: dict[str, dict[str, Found]] = {}
    held = []
    with tempfile.TemporaryDirectory() as name:
        for rate in options.rates:
            requests = round(rate * (options.seconds or SECONDS.get(rate, 10.0)))
            for delays in DELAYS:
                results[f"{delays} {rate}"] = compare(Path(name), delays, rate, requests, peer=not options.no_peer, program=options.aiperf)
                held.append(show(delays, rate, results[f"{delays} {rate}"]))
        if not options.no_stop:
            results["stopped"] = stopped(Path(name), peer=not options.no_peer)
            held.append(show_stop(results["stopped"]))
    if options.json:
        plain = {load: {side: asdict(found) for side, found in sides.items()} for load, sides in results.items()}
        options.json.write_text(json.dumps(plain, indent=1))
    print(f"{sum(held)} of {len(held)} hold")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
