"""What a gateway is told when it starts: its replicas, its limits. The API key is in the environment, never in a file or a command line."""

from pydantic import BaseModel, ConfigDict, Field

KEY = "RYOT_API_KEY"
"""The environment variable that holds the key every route but /health asks for."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Hosts that only this machine reaches, which need no key."""


class Settings(BaseModel):
    """Times in seconds, sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    replicas: tuple[str, ...] = Field(min_length=1)
    """The engines' addresses, `http://127.0.0.1:8000`."""
    model: str
    """The name it serves."""
    digest: str
    """Of the model's files: part of every key of the cache."""
    context: int = Field(ge=1)
    """Tokens of a prompt and its answer together, at most."""
    vocab_size: int = Field(ge=1)
    """Token ids are below it."""
    chats: bool = True
    """Whether the model's tokenizer has a template for chats."""
    sequences: int = Field(32, ge=1)
    """Sequences that one replica generates at once."""
    waiting: int = Field(256, ge=0)
    """Requests that may wait for their turn."""
    deadline: float = Field(10.0, gt=0)
    """How long one may wait before it is answered 429."""
    timeout: float = Field(600.0, gt=0)
    """How long an answer may take, and a stream be silent."""
    cache: int = Field(64 << 20, ge=0)
    """Bytes of answers kept; 0 for none."""
    cache_ttl: float = Field(300.0, gt=0)
    """How old a kept answer may be."""
    breaker_errors: int = Field(5, ge=1)
    """Errors in a row after which a replica is left alone."""
    breaker_cooldown: float = Field(2.0, gt=0)
    """For how long, the first time."""
    retry_share: float = Field(0.1, ge=0, le=1)
    """Retries as a share of requests."""
    probe_every: float = Field(5.0, gt=0)
    """Between two tokens that a replica is asked for to show that it lives."""
    probe_timeout: float = Field(30.0, gt=0)
    """How long such a token may take."""
    grace: float = Field(60.0, ge=0)
    """How long requests may go on after SIGTERM."""
    max_body: int = Field(1 << 20, ge=1 << 10)
    """Bytes of a request."""
    max_batch: int = Field(256, ge=1)
    """Prompts in a request."""
    access_log: bool = True
    """A JSON line for every request on standard output, without prompts, answers or keys."""
