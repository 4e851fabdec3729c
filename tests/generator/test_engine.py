"""Sequences that come and go share one cache, and each gets what the model would say to it alone."""

import random
import threading

import pytest

torch = pytest.importorskip("torch")
from transformers import AutoModelForCausalLM  # noqa: E402 - after what it needs

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
    model = AutoModelForCausalLM.from_pretrained(make(preset, tmp_path)).eval()
    engine, listener, draw = Engine(model, 6, 1 << 30), Listener(), random.Random(1)
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


def test_the_reserve_bounds_what_is_computed_together(gpt):
    model = AutoModelForCausalLM.from_pretrained(gpt).eval()
    engine, listener = Engine(model, 8, 1), Listener()
    engine._reserve = 2 * engine._bytes(20)
    assert engine.holds(40)
    assert not engine.holds(41)
    most = []

    def sink(piece):
        most.append(engine.running)
        listener(piece)

    engine.add([Sequence(number, [5] * 10, Wanted(most=10, temperature=0.0), Silent(), sink) for number in range(6)])
    engine.start()
    listener.wait(6)
    assert max(most) == 2
    engine.close()


def test_what_cannot_be_computed_is_told_and_the_next_is_answered(gpt):
    model = AutoModelForCausalLM.from_pretrained(gpt).eval()
    engine, listener = Engine(model, 8, 1 << 30), Listener()
    engine.start()
    weights = model.transformer.wte.weight
    before = weights.data.clone()
    weights.data.fill_(torch.nan)
    engine.add([Sequence(0, [5], Wanted(most=3, temperature=0.0), Silent(), listener)])
    listener.wait(1)
    assert "not finite" in listener.pieces[0][-1].error
    weights.data.copy_(before)
    engine.add([Sequence(1, [5], Wanted(most=3, temperature=0.0), Silent(), listener)])
    listener.wait(1)
    assert listener.pieces[1][-1].finish == "length"
    engine.close()
