"""Sequences that come and go share one cache, and each gets what the model would say to it alone."""

import random
import threading

import pytest

torch = pytest.importorskip("torch")
from transformers import AutoModelForCausalLM  # noqa: E402 - after what it needs

from ryot.generator import batch as batches  # noqa: E402
from ryot.generator.engine import Engine  # noqa: E402
from ryot.generator.sequence import Sequence, Wanted  # noqa: E402

from .conftest import WORDS, make  # noqa: E402

pytestmark = pytest.mark.heavy


class Silent:
    """No text."""

    def add(self, token, *, may_stop=True):
        return "", None

    def rest(self):
        return ""


class Listener:
    """Keeps every piece, and waits for ends."""

    def __init__(self):
        self.pieces, self.ended = {}, threading.Semaphore(0)

    def __call__(self, piece):
        self.pieces.setdefault(piece.number, []).append(piece)
        if piece.finish or piece.error:
            self.ended.release()

    def wait(self, count):
        for _ in range(count):
            assert self.ended.acquire(timeout=120)

    def tokens(self, number):
        return [token for piece in self.pieces[number] for token in piece.tokens]


def worst(model, sequence, tokens):
    """Checks that each token was the likeliest; returns the largest difference of log-probabilities."""
    made = tokens[len(sequence.prompt) :] if sequence.wanted.echo else tokens
    assert [token.id for token in made] == sequence.made
    everything = torch.tensor([sequence.prompt + sequence.made])
    with torch.inference_mode():
        logprobs = torch.log_softmax(model(everything).logits[0].float(), -1)
    found = []
    for place, token in enumerate(made, len(sequence.prompt) - 1):
        assert int(logprobs[place].argmax()) == token.id
        found.append(abs(token.logprob - logprobs[place, token.id].item()))
    if sequence.wanted.echo:
        assert tokens[0].logprob is None
        found += [
            abs(tokens[place].logprob - logprobs[place - 1, sequence.prompt[place]].item()) for place in range(1, len(sequence.prompt))
        ]
    return max(found)


@pytest.mark.parametrize("preset", ["ryot-tiny", "llama-tiny", "hybrid-tiny"])
def test_each_sequence_is_answered_as_if_it_were_alone(preset, tmp_path):
    """With a cache and without one: the same tokens, as likely."""
    model = AutoModelForCausalLM.from_pretrained(make(preset, tmp_path)).eval()
    assert answered(model, cached=True) == answered(model, cached=False)


def answered(model, *, cached):
    """The tokens of sequences that come and go, each of which was held against the model's own."""
    engine, listener, draw = Engine(model, 6, 1 << 30, cached=cached), Listener(), random.Random(1)
    engine.start()
    sequences = []
    for number in range(24):
        prompt = [draw.randrange(3, WORDS) for _ in range(draw.choice([1, 2, 17, 60]))]
        wanted = Wanted(most=draw.choice([1, 3, 25]), temperature=0.0, logprobs=1, echo=number % 7 == 3)
        sequences.append(Sequence(number, prompt, wanted, Silent(), listener))
        engine.add([sequences[-1]])
        listener.wait(number % 3 == 2)  # some come while others are on their way
    listener.wait(24 - 8)
    assert max(worst(model, sequence, listener.tokens(sequence.number)) for sequence in sequences) < 1e-4
    assert engine.finished == {"length": 24, "stop": 0, "abort": 0, "error": 0}
    assert engine.running == engine.waiting == 0
    engine.close()
    return [sequence.made for sequence in sequences]


def test_a_sequence_nobody_waits_for_makes_room(gpt):
    model = AutoModelForCausalLM.from_pretrained(gpt).eval()
    engine, listener = Engine(model, 1, 1 << 30), Listener()
    first = Sequence(0, [5], Wanted(most=120, temperature=0.0), Silent(), listener)
    second = Sequence(1, [6], Wanted(most=1, temperature=0.0), Silent(), listener)
    first.left = True
    engine.add([first, second])
    engine.start()
    listener.wait(1)
    assert engine.finished["abort"] == 1
    assert 0 not in listener.pieces
    engine.close()


def test_the_reserve_bounds_the_cache_whose_places_are_as_many_for_each(gpt):
    model = AutoModelForCausalLM.from_pretrained(gpt).eval()
    engine, listener = Engine(model, 32, 1), Listener()
    engine._reserve = 2 * engine._bytes(100)
    assert engine.holds(200)
    assert not engine.holds(201)
    most = []

    def sink(piece):
        batch = engine._batch
        if batch:
            most.append(sum(part.nbytes for layer in batch.cache.layers for part in (layer.keys, layer.values)))
        listener(piece)

    long = Sequence(0, [5] * 90, Wanted(most=10, temperature=0.0), Silent(), sink)
    engine.add([long, *(Sequence(number, [5] * 3, Wanted(most=10, temperature=0.0), Silent(), sink) for number in range(1, 20))])
    engine.start()
    listener.wait(20)
    assert 0 < max(most) <= engine._reserve
    engine.close()


def test_without_a_cache_nothing_is_kept_and_no_more_is_computed_at_once(gpt, monkeypatch):
    model = AutoModelForCausalLM.from_pretrained(gpt).eval()
    engine, listener, places, kept = Engine(model, 8, 1, cached=False), Listener(), [], []
    assert (engine.per_token, engine.per_sequence) == (0, 0)
    assert engine.holds(1 << 40)  # what takes no room is not kept waiting for it
    monkeypatch.setattr(batches, "MOST_PLACES", 100)
    whole = batches._whole

    def counted(model, texts, cache, *, keep):
        places.append((len(texts), max(map(len, texts))))
        return whole(model, texts, cache, keep=keep)

    def sink(piece):
        kept.append(engine._batch and engine._batch.cache)
        listener(piece)

    monkeypatch.setattr(batches, "_whole", counted)
    engine.add([Sequence(number, [5] * 30, Wanted(most=20, temperature=0.0), Silent(), sink) for number in range(8)])
    engine.start()
    listener.wait(8)
    engine.close()
    assert max(many * longest for many, longest in places) <= 100
    assert max(longest for _, longest in places) == 49  # the last token is not computed with
    assert set(kept) == {None}
    assert engine.finished["length"] == 8


def test_what_cannot_be_computed_is_told_and_its_neighbours_go_on(gpt):
    model = AutoModelForCausalLM.from_pretrained(gpt).eval()
    model.config.tie_word_embeddings = False
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    engine, listener = Engine(model, 8, 1 << 30), Listener()
    model.transformer.wte.weight.data[7] = torch.nan
    bad = Sequence(0, [5, 7], Wanted(most=3, temperature=0.0), Silent(), listener)
    engine.add([Sequence(1, [5, 6], Wanted(most=20, temperature=0.0), Silent(), listener), bad])
    engine.start()
    listener.wait(2)
    assert "not finite" in listener.pieces[0][-1].error
    assert listener.pieces[1][-1].finish == "length"
    assert len(listener.tokens(1)) == 20
    engine.add([Sequence(2, [99_999], Wanted(most=3, temperature=0.0), Silent(), listener)])  # no such token: the prompt cannot be taken in
    engine.add([Sequence(3, [5], Wanted(most=3, temperature=0.0), Silent(), listener)])
    listener.wait(2)
    assert listener.pieces[2][-1].error
    assert listener.pieces[3][-1].finish == "length"
    assert engine.finished == {"length": 2, "stop": 0, "abort": 0, "error": 2}
    engine.close()


def test_a_thread_that_ends_by_itself_is_told(gpt, monkeypatch):
    model = AutoModelForCausalLM.from_pretrained(gpt).eval()
    engine, lost = Engine(model, 8, 1 << 30), threading.Event()
    engine.lost = lost.set
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(engine, "_turn", lambda: 1 / 0)
    engine.start()
    engine.add([Sequence(0, [5], Wanted(most=1), Silent(), lambda _: None)])
    assert lost.wait(20)
