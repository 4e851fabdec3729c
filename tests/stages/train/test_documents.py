from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ryot.plugins import NodeError
from ryot.stages.train.documents import Documents, epoch_order, of_update, share, specials
from ryot.stages.train.stage import Recipe

RECIPE = Recipe(batch_size=2, accumulation=2, ranks=2, epochs=3, lr=0.1, seed=7)


def test_an_epoch_takes_every_document_once() -> None:
    taken = np.concatenate([of_update(RECIPE, update, 21) for update in range(RECIPE.updates_per_epoch(21))])
    assert sorted(taken) == list(range(21))


def test_epochs_have_different_orders_that_depend_on_the_seed_alone() -> None:
    assert not np.array_equal(epoch_order(7, 0, 50), epoch_order(7, 1, 50))
    assert not np.array_equal(epoch_order(7, 0, 50), epoch_order(8, 0, 50))
    assert np.array_equal(epoch_order(7, 1, 50), epoch_order(7, 1, 50))


def test_the_order_is_the_same_on_every_machine() -> None:
    assert epoch_order(42, 0, 8).tolist() == [3, 4, 2, 7, 6, 1, 5, 0]


def test_ranks_share_an_update_without_overlap() -> None:
    indices = of_update(RECIPE, 0, 21)
    assert sorted(np.concatenate([share(indices, rank, 2) for rank in range(2)])) == sorted(indices)


def test_documents_are_cut_to_the_context_and_counted(make_tokens: Callable[..., Path]) -> None:
    documents = Documents(make_tokens(context=32), "train", 8)
    assert documents.count == 24
    assert max(len(documents[index]) for index in range(24)) == 8
    assert documents.targets(np.arange(24)) == sum(len(documents[index]) - 1 for index in range(24))


def test_more_samples_than_there_are_is_an_error(make_tokens: Callable[..., Path]) -> None:
    with pytest.raises(NodeError, match="samples is 25, but the train split has 24"):
        Documents(make_tokens(), "train", 32, limit=25)


def test_specials_are_read(make_tokens: Callable[..., Path]) -> None:
    found = specials(make_tokens())
    assert (found.bos, found.eos, found.pad) == (None, 1, 2)


@pytest.mark.parametrize("name", ["train-00-00000.bin", "train-00-00000.idx"])
@pytest.mark.parametrize("lost", [1, 2, 8, 10**9])
def test_tokens_that_end_early_are_refused_by_name_before_training(make_tokens: Callable[..., Path], name: str, lost: int) -> None:
    """A piece of a shorter shard would end early without a word."""
    folder = make_tokens()
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: max(len(content) - lost, 0)])
    with pytest.raises(NodeError, match=rf"{name} has \d+ bytes, and tokens.json says {len(content)}: it ends early") as caught:
        Documents(folder, "train", 32)
    assert "made again" in (caught.value.hint or "")


def test_a_token_shard_that_is_gone_is_refused_by_name(make_tokens: Callable[..., Path]) -> None:
    folder = make_tokens()
    (folder / "train-00-00000.bin").unlink()
    with pytest.raises(NodeError, match=r"train-00-00000\.bin has 0 bytes"):
        Documents(folder, "train", 32)
