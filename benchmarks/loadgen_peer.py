"""Locust's own FastHttpUser under the load of loadgen.py: users with `constant_throughput`, the nearest that Locust has to an open loop.

PEER holds JSON: rate and requests in all, users, the request's body, and where to write what Locust found (milliseconds).
"""

import itertools
import json
import os
from pathlib import Path

import gevent
from locust import FastHttpUser, constant_throughput, events, task
from locust.exception import StopUser

ASKED = json.loads(os.environ["PEER"])
NUMBERS = itertools.count()


class Peer(FastHttpUser):
    wait_time = constant_throughput(ASKED["rate"] / ASKED["users"])

    @task
    def ask(self) -> None:
        if next(NUMBERS) >= ASKED["requests"]:
            raise StopUser
        self.client.post("/v1/completions", json=ASKED["body"], name="completion")
        if self.environment.stats.total.num_requests >= ASKED["requests"]:
            gevent.spawn(self.environment.runner.quit)  # which ends the greenlet it is called in


@events.quitting.add_listener
def _write(environment, **_) -> None:
    total = environment.stats.total
    found = {f"p{percent}_ms": total.get_response_time_percentile(percent / 100) for percent in (50, 95, 99)}
    found |= {"requests": total.num_requests, "errors": total.num_failures}
    found |= {"rate": (total.num_requests - 1) / max(total.last_request_timestamp - total.start_time, 1e-9)}
    Path(ASKED["out"]).write_text(json.dumps(found))
