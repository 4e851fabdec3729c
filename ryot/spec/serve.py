"""`export` and `serve`: the checkpoint others load, and the live server. `evaluate` and `bench`: what is asked of it."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ryot.spec.section import LocalPath, Section
from ryot.spec.shape import Arrivals, Gain, Length, Objective, Pause, Scaling, always
from ryot.units import Bytes, Count, Duration, Proportion


class Export(Section):
    """The Hugging Face checkpoint: safetensors and tokenizer, loaded back and compared."""

    dtype: Literal["fp32", "bf16", "fp16"] = "fp32"
    """The type the weights are stored in."""
    probes: int = Field(8, ge=1)
    """Held-out documents whose logits are compared between the trained and the exported model."""
    onnx: bool = False
    """Also write it as an ONNX graph, compared with it in onnxruntime (gpt, llama)."""


class Gateway(Section):
    """What stands in front of the engines: a queue, a cache of answers, a circuit breaker for each."""

    waiting: int = Field(256, ge=0, le=100_000)
    """Requests that may wait for their turn; one more is answered 429."""
    deadline: Duration = Field(10.0, gt=0)
    """How long one may wait before it is answered 429."""
    timeout: Duration = Field(600.0, gt=0)
    """How long an answer may take, and a stream be silent."""
    cache: Bytes = Field(64 << 20, ge=0)
    """Memory for answers of requests that are answered the same each time (temperature 0); 0 keeps none."""
    cache_ttl: Duration = Field(300.0, gt=0)
    """How old such an answer may be."""
    breaker_errors: int = Field(5, ge=1, le=1000)
    """Errors in a row after which an engine is left alone."""
    breaker_cooldown: Duration = Field(2.0, gt=0)
    """For how long; twice as long each time it fails again."""
    retries: Proportion = 0.1
    """Requests that may be sent to another engine, as a share of all, when an answer has not begun."""


class Autotune(Section):
    """Settings of the engine are tried under the loads of `bench` before it serves (without `bench`: one client, and as many as
    max_concurrency), each beside the best so far; the choice is kept for this kind of device."""

    budget: Duration = Field(900.0, ge=10)
    """How long new settings are tried. One that has begun is brought to its end; what there was no time for is said."""
    tries: tuple[Literal["threads", "eager", "in_process", "dtype", "max_concurrency", "kv_cache", "speculative"], ...] | None = Field(
        None, min_length=1
    )
    """What may be changed, in this order; by default threads, in_process, eager, max_concurrency and kv_cache, as far as the engine has
    them. dtype changes the answers a little; only types that the device computes in itself are tried."""
    rounds: int = Field(8, ge=3, le=100)
    """Pairs of measurements of each candidate and the best so far."""
    gain: Proportion = 0.03
    """What a change must save of the time, by its lower bound, to be taken."""


class Serve(Section):
    """The live server."""

    engine: str = Field("vllm", min_length=1)
    """What generates: vllm, transformers (slower; where vLLM cannot be installed), or one that a package offers."""
    dtype: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Arithmetic of the server; auto is fp32 on a CPU, where bf16 is only emulated, and the checkpoint's type elsewhere."""
    eager: bool = True
    """Start without compiling: in about a minute instead of three on two cores."""
    in_process: bool = True
    """On a CPU, vLLM's scheduler and its HTTP server share a process; false gives each its own."""
    max_concurrency: int = Field(32, ge=1)
    """Sequences generated at once."""
    speculative: int = Field(0, ge=0, le=16)
    """Tokens that vLLM guesses ahead where the last ones came before (n-gram lookup) and then verifies together; 0 for none."""
    kv_cache: Bytes = Field(1 << 30, ge=1 << 20)
    """Memory set aside for keys and values."""
    weights: Literal["int8", "fp8", "int4"] | None = None
    """Serve this copy of `compress` instead of the export."""
    replicas: int = Field(1, ge=1, le=64)
    """Engines that share the load; one of several that dies is done without, and started again. On GPUs each takes one."""
    tensor_parallel: int = Field(1, ge=1, le=64)
    """GPUs that each engine is spread over, with kv_cache on each; the heads are shared out among them."""
    ray: str | None = Field(None, min_length=1)
    """A Ray cluster on whose machines the engines run, each with `threads` cores or its GPUs: its address, or `auto`. The gateway stays
    here. Its machines have to see the store under the same path, and to be of the same kind."""
    gateway: Gateway = Gateway()
    """What clients talk to."""
    threads: int | None = Field(None, ge=1)
    """Cores for each engine; by default all but one on a CPU, shared out, so that clients have one."""
    autotune: Autotune | None = None
    """Find faster settings than these first."""
    start_timeout: Duration = Field(600.0, gt=0)
    """How long a start may take before it counts as failed. Changes no result."""


Benchmark = Literal[
    "mmlu", "hellaswag", "arc_easy", "arc_challenge", "truthfulqa", "piqa", "winogrande", "boolq", "gsm8k", "humaneval", "wikitext"
]  # fmt: skip


class EvaluateData(Section):
    """Local files that stand in for the hub, for each of lm-eval's benchmarks: JSON lines with the hub's own columns."""

    hellaswag: LocalPath | None = None
    """activity_label, ctx_a, ctx_b, endings, label."""
    arc_easy: LocalPath | None = None
    """question, choices (text and label), answerKey."""
    arc_challenge: LocalPath | None = None
    """The same."""
    truthfulqa: LocalPath | None = None
    """question, mc2_targets (choices and labels)."""
    piqa: LocalPath | None = None
    """goal, sol1, sol2, label."""
    winogrande: LocalPath | None = None
    """sentence, option1, option2, answer."""
    boolq: LocalPath | None = None
    """passage, question, label."""
    gsm8k: LocalPath | None = None
    """question, answer. Needs gsm8k_examples too."""
    gsm8k_examples: LocalPath | None = None
    """Its training split, of which five worked examples are shown before each question: question, answer."""
    humaneval: LocalPath | None = None
    """task_id, prompt, entry_point, test."""
    wikitext: LocalPath | None = None
    """page, an article; or a .txt file of WikiText, whose articles begin with a line ` = Title = `."""

    @model_validator(mode="after")
    def _examples_and_questions(self) -> Self:
        if (self.gsm8k is None) != (self.gsm8k_examples is None):
            raise ValueError("gsm8k and gsm8k_examples go together: lm-eval shows five examples of the training split before each question")
        return self


class Evaluate(Section):
    """Benchmarks of quality, through the served model."""

    tasks: tuple[Literal["reasoning", "written", "perplexity"] | Benchmark, ...] = Field(("reasoning", "perplexity"), min_length=1)
    """reasoning: multiple choice over held-out generated examples · written: their answers, written by the model · perplexity: over
    held-out documents or `text` · mmlu, hellaswag, ...: lm-eval's own, from the Hugging Face hub or from `data`."""
    limit: Count | None = Field(200, ge=1)
    """Most items of a task; null for all."""
    text: LocalPath | None = None
    """A text file whose documents are used for perplexity instead of the held-out ones."""
    data: EvaluateData = EvaluateData()
    """Local files that stand in for the hub."""
    run_code: bool = False
    """Whether code that the model writes may be run on this machine, as humaneval needs; docs/evaluation.md says how it is held."""

    @model_validator(mode="after")
    def _asked_for(self) -> Self:
        if "humaneval" in self.tasks and not self.run_code:
            raise ValueError("humaneval runs code that the model wrote, on this machine; allow it with `run_code: true`, or leave it out")
        files = {name.removesuffix("_examples") for name in EvaluateData.model_fields if getattr(self.data, name) is not None}
        if idle := sorted(files - set(self.tasks)):
            raise ValueError(f"data has a file for {idle[0]}, which tasks does not name")
        return self


class Scenario(Section):
    """One load scenario: a closed loop of `users`, or an open one of `arrivals`."""

    users: int | None = Field(None, ge=1)
    """Clients that each wait for an answer before they ask again; one, where there are no `arrivals`."""
    arrivals: Arrivals | None = None
    """Requests at times that no answer delays, instead of users. Latency counts from the time a request was to start."""
    think: Pause | None = None
    """Each of the users waits so long after an answer before it asks again: `100ms`, or `{mean: 100ms, distribution: exponential}`."""
    requests: Count = Field(200, ge=1)
    """Requests in all, after the warm-up; beside a `duration` of users the fewest."""
    duration: Duration | None = Field(None, ge=1)
    """How long the load lasts, after the warm-up, instead of `requests`: users ask until it is over, arrivals are as many as their rate
    times it. Measures whether latency and the server's memory drift."""
    batch: int = Field(1, ge=1, le=256)
    """Prompts in one request."""
    prompt_tokens: Length = always(32)
    """Tokens in each prompt, 32 by default: a number, or `{from: 16, to: 256}`, of which each request draws one."""
    output_tokens: Length = always(1)
    """Tokens generated for each prompt, 1 by default: a number, or a range as for prompts."""
    trace: LocalPath | None = None
    """JSON lines of real requests, prompt_tokens and output_tokens in each, `at` (seconds) where they are replayed: lengths are taken from
    there, line after line. What it says beside is not read; prompts are drawn."""
    stream: bool = False
    """Take each token as it comes; measures the time to the first one and between them."""
    slo: Objective | None = None
    """The service level objective; measures how many requests keep it."""
    generators: int = Field(1, ge=1, le=64)
    """Processes of Locust that make the load, each an equal part, for more than one process can make; each takes up to a core."""
    scaling: Scaling | None = None
    """The load on 1, 2, 4 engines in turns instead; users and requests are those for each engine. Measures throughput_2, overhead_2 (what
    two lack of twice one) and evenness_2."""
    gain: Gain | None = None
    """The load before and after a change in turns instead, as `{batch: 32}` or `{kv_cache: true}`. Measures speedup."""
    warmup: Count = Field(10, ge=0)
    """Requests made first and not counted."""
    timeout: Duration = Field(60.0, gt=0)
    """After this long without an answer a request is an error."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.users is not None and self.arrivals is not None:
            raise ValueError("users wait for answers and arrivals do not; leave one of the two out")
        if self.arrivals is not None and self.think is not None:
            raise ValueError("users think between answer and request, and arrivals wait for no answer; leave one of think and arrivals out")
        if self.trace is None and self.arrivals is not None and self.arrivals.replay:
            raise ValueError("arrivals.replay takes its times from `trace`, which is missing")
        if self.trace is not None and (both := self.model_fields_set & {"prompt_tokens", "output_tokens"}):
            raise ValueError(f"{min(both)} stands in the trace; leave it out, or trace")
        self._of_users()
        self._lasting()
        self._shared_out()
        if self.stream and self.batch > 1:
            raise ValueError(f"stream times the tokens of one prompt, and batch is {self.batch}; use batch: 1 with more users or arrivals")
        if self.slo is not None:
            self._attainable(self.slo)
        return self

    def _lasting(self) -> None:
        """Raises ValueError where it is said twice how long a load lasts."""
        if self.arrivals is not None and self.arrivals.ramp and (twice := self.model_fields_set & {"requests", "duration"}):
            raise ValueError(f"a ramp says itself how long it lasts, with how many requests; leave {min(twice)} out")
        if self.duration is None or self.arrivals is None:
            return
        if self.arrivals.rate is None:
            raise ValueError("duration is for users and for a rate; a replay lasts as long as its requests; leave it out")
        if "requests" in self.model_fields_set:
            raise ValueError("a rate makes as many requests as there are in duration; leave one of requests and duration out")

    def _of_users(self) -> None:
        """Raises ValueError for what has no place in a scenario of turns, whose users make blocks of requests."""
        turns = [name for name in ("scaling", "gain") if getattr(self, name) is not None]
        others = ("arrivals", "think", "duration", "trace", "stream", "slo", "generators", *turns[1:])
        if turns and (odd := [name for name in others if name in self.model_fields_set]):
            raise ValueError(f"{turns[0]} loads with users, in blocks; leave {odd[0]} out")
        if self.gain is not None and self.gain.batch and "batch" in self.model_fields_set:
            raise ValueError("gain.batch says how many prompts are in a request; leave batch out")
        if self.gain is not None and self.gain.kv_cache and self.output_tokens.most == 1:
            raise ValueError("gain.kv_cache: a cache serves from the second token on; give output_tokens of more than 1")

    def _shared_out(self) -> None:
        """Raises ValueError where the processes that make the load would not make equal parts of it."""
        if self.generators == 1:
            return
        if self.arrivals is None and (users := self.users or 1) % self.generators:
            raise ValueError(f"users: {users} cannot be shared out alike among {self.generators} generators; make it a multiple of them")
        if self.arrivals is not None and self.arrivals.max_in_flight < self.generators:
            raise ValueError(f"arrivals.max_in_flight is less than one for each of {self.generators} generators")
        if self.planned and self.planned < self.generators:
            raise ValueError(f"{self.planned} requests are less than one for each of {self.generators} generators")

    @property
    def planned(self) -> int:
        """Requests that are known beforehand: of users who ask until a time is over the fewest, 0 where nothing says how many."""
        if self.arrivals is not None and self.arrivals.ramp:
            return sum(step.requests for step in self.arrivals.ramp)
        if self.duration is None:
            return self.requests
        if self.arrivals is None or self.arrivals.rate is None:
            return self.requests if "requests" in self.model_fields_set else 0
        return max(round(self.arrivals.rate * self.duration), 1)

    @property
    def uniform(self) -> bool:
        """Whether all requests have the same lengths: only then is it known beforehand what none of them can beat."""
        return self.trace is None and self.prompt_tokens.one is not None and self.output_tokens.one is not None

    def _attainable(self, slo: Objective) -> None:
        """Raises ValueError where an objective can be missed or met by no request at all."""
        if not self.stream and (slo.ttft is not None or slo.tpot is not None):
            raise ValueError(f"slo.{'tpot' if slo.ttft is None else 'ttft'} cannot be seen in an answer that comes whole; add stream: true")
        if slo.tpot is not None and self.trace is None and self.output_tokens.most == 1:
            raise ValueError("slo.tpot is about further tokens, and output_tokens is 1; raise it or leave slo.tpot out")
        for name, bound in (("latency", slo.latency), ("ttft", slo.ttft)):
            if bound is not None and bound > self.timeout:
                raise ValueError(f"slo.{name} is {bound:g} s, and a request is given up after timeout, {self.timeout:g} s; raise timeout")


class Bench(Section):
    """Load on the served model, by Locust."""

    scenarios: dict[str, Scenario] = Field(min_length=1)
    """The scenarios by name; each becomes the node bench.NAME."""

    @model_validator(mode="after")
    def _names(self) -> Self:
        for name in self.scenarios:
            if not name.replace("_", "").replace("-", "").isalnum() or not name.isascii():
                raise ValueError(f"scenario {name!r}: use letters, digits, - and _")
        return self
